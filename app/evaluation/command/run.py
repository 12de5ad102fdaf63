"""One evaluation from the options to the tables; Ctrl-C keeps what is done."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

from rich.console import Console

from app.evaluation.attacks.marks import StampError
from app.evaluation.command.candidates import opened
from app.evaluation.command.field import run_field
from app.evaluation.command.options import FieldSource, GatewaySource, OptionError
from app.evaluation.command.progress import Bars
from app.evaluation.experiments.results import results
from app.evaluation.field.models import FieldError
from app.evaluation.plan import Experiment, arrangements, errands
from app.evaluation.report.document import Facts, document
from app.evaluation.report.page import page
from app.evaluation.report.tables.tables import show
from app.evaluation.runs.evaluating import Evaluation, Stint
from app.gateway.preparation.prepared import ReferencesError
from app.logs import only_errors
from app.pictures.image_sets import ImageSetError
from app.ports import OnnxError, UpstreamError
from app.remote_gateway.gateway import GatewayError

if TYPE_CHECKING:
    from app.evaluation.command.candidates import Opened
    from app.evaluation.command.options import Options

FAILURES = (
    OptionError,
    FieldError,
    OnnxError,
    StampError,
    GatewayError,
    ImageSetError,
    ReferencesError,
    UpstreamError,
    OSError,
)
"""Errors that end an evaluation and that its user can mend; each says how."""

WIDTH = 120
"""Characters in a line where the output is no terminal."""


def run(options: Options) -> bool:
    """Evaluate, then show and write the results; return whether it was done to its end.

    Raises one of FAILURES, after showing what was done until then.
    """
    console = _console()
    if isinstance(options.source, FieldSource):
        return run_field(options, options.source, console)
    started: list[Evaluation] = []
    try:
        asyncio.run(_work(options, console, started))
    except KeyboardInterrupt:
        return False
    finally:
        _show(options, console, started)
    return True


def _console() -> Console:
    """Return the terminal; a file or a pipe, which has no width, gets `WIDTH`."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH)


async def _work(options: Options, console: Console, started: list[Evaluation]) -> None:
    async with opened(options) as what:
        evaluation = Evaluation(_stint(options, what))
        started.append(evaluation)
        # What became of single images is in the tables.
        with only_errors(), Bars(console, len(evaluation.stint.errands)) as bars:
            await evaluation.work(bars)


def _stint(options: Options, what: Opened) -> Stint:
    return Stint(
        candidates=what.candidates,
        errands=tuple(
            errand
            for one in what.candidates
            for errand in errands(
                one.name,
                arrangements(options.experiments, attacked=one.attacked),
                options.strategies or (None,),
                range(options.seeds),
            )
        ),
        images=options.images,
        strip=options.strip and Experiment.RQ1 in options.experiments,
        trial=what.trial,
    )


def _show(options: Options, console: Console, started: list[Evaluation]) -> None:
    """Print the tables and write the files, of as much as was done."""
    for evaluation in started:
        figures, facts = results(evaluation, options.experiments), _facts(options)
        show(console, figures, evaluation.class_names)
        if options.json:
            options.json.write_bytes(document(evaluation, figures, facts))
            console.print(f"All figures: {options.json}", highlight=False, soft_wrap=True)
        if options.report:
            options.report.write_text(page(evaluation, figures, facts), encoding="utf-8")
            console.print(f"The report: {options.report}", highlight=False, soft_wrap=True)
        if evaluation.missing:
            _tell_missing(console, evaluation)


def _tell_missing(console: Console, evaluation: Evaluation) -> None:
    missing, planned = len(evaluation.missing), len(evaluation.stint.errands)
    begun = sum(errand in evaluation.runs for errand in evaluation.missing)
    text = f"Stopped: {missing} of {planned} runs are missing"
    if begun:
        text += f", {begun} of them begun: the images they screened are in the figures"
    console.print(f"{text}.", style="yellow", highlight=False)


def _facts(options: Options) -> Facts:
    unknown = isinstance(options.source, GatewaySource)
    return Facts(
        program=f"neo-gateway {version('neo-gateway')}",
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        images=options.images,
        trigger_max=None if unknown else options.trigger_max,
        search=None if unknown else options.search,
    )
