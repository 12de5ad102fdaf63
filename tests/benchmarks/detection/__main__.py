"""`make bench-detection`: the detector's figures beside their targets, on models of the zoo.

make bench-detection ARGS="--strategy full --seeds 1 --models mnist/poisoned_1 --json rows.json"
"""

from __future__ import annotations

import argparse
import asyncio
import logging
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
from rich.console import Console

from app.evaluation.command.candidates import usual_policy
from app.evaluation.command.progress import Bars
from app.evaluation.experiments.case import Case
from app.evaluation.plan import Arrangement, errands
from app.evaluation.runs.evaluating import Candidate, Evaluation, Stint
from app.evaluation.runs.streams import LENGTH
from app.evaluation.runs.trial import Trial
from app.settings import SearchMode, Settings, Strategy
from tests.benchmarks.detection.rows import MISSED, Row, head, line, row
from tests.benchmarks.detection.subject import attack_in, subject_of
from tests.benchmarks.detection.targets import Screening, targets
from tests.benchmarks.zoo import ZooModel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.evaluation.plan import Errand
    from app.evaluation.records import Stream
    from app.evaluation.subjects.subject import Subject

ZOO = Path("../shared/zoo")
OUTSIDE = ("faces/faces_trojan_wm",)
"""Not measured unless it is named: a watermark over the whole image, which no blocker can hide."""

INTERRUPTED = 130


@dataclass(frozen=True)
class _Options:
    models: Sequence[str]
    strategies: Sequence[Strategy]
    seeds: int
    images: int
    trigger_max: float
    search: SearchMode
    zoo: Path
    json: Path | None


def main() -> None:
    """Measure every model and strategy; print the table, and save it if a file is named."""
    options = _options()
    console = Console()
    if not options.zoo.is_dir():
        console.print("skipped: no zoo")
        return
    logging.getLogger("app").setLevel(logging.ERROR)  # what became of an image is in the table
    try:
        asyncio.run(_measure(options, console))
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None


def _options() -> _Options:
    parser = argparse.ArgumentParser(prog="make bench-detection", description=__doc__)
    parser.add_argument("--models", nargs="+", metavar="FOLDER/NAME")
    parser.add_argument(
        "--strategy", nargs="+", type=Strategy, default=[Strategy.FULL, Strategy.FAST]
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--images", type=int, default=LENGTH)
    parser.add_argument(
        "--trigger-max", type=float, default=Settings.model_fields["trigger_max"].default
    )
    parser.add_argument("--search", type=SearchMode, default=SearchMode.CONTINUE)
    parser.add_argument("--zoo", type=Path, default=ZOO)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    present = list(_models(given.zoo))
    for name in given.models or ():
        if given.zoo.is_dir() and name not in present:
            parser.error(f"{given.zoo} has no model {name}, but {', '.join(present)}")
    return _Options(
        models=given.models or [name for name in present if name not in OUTSIDE],
        strategies=given.strategy,
        seeds=given.seeds,
        images=given.images,
        trigger_max=given.trigger_max,
        search=given.search,
        zoo=given.zoo,
        json=given.json,
    )


def _models(zoo: Path) -> Iterator[str]:
    ending = ".meta.json"
    for path in sorted(zoo.glob(f"*/*{ending}")):
        yield f"{path.parent.name}/{path.name.removesuffix(ending)}"


async def _measure(options: _Options, console: Console) -> None:
    runs = len(options.models) * len(options.strategies) * options.seeds
    rows: list[Row] = []
    _print(console, head())
    try:
        with Bars(_beside(console), runs) as bars:
            for name in options.models:
                model = ZooModel(options.zoo / name.split("/")[0], name.split("/")[1])
                evaluation = Evaluation(_stint(options, model, name))
                try:
                    await evaluation.work(bars)
                finally:  # Ctrl-C keeps what is done
                    for one in _rows(options, model, evaluation):
                        rows.append(one)
                        _print(console, line(one))
    finally:
        _print(console, f"\n{MISSED} misses its target")
        _save(options, rows)


def _print(console: Console, text: str) -> None:
    console.print(text, soft_wrap=True, highlight=False, markup=False)


def _beside(console: Console) -> Console:
    """Return where the bars go: not into a file that the table goes into."""
    return console if console.is_terminal else Console(stderr=True)


def _stint(options: _Options, model: ZooModel, name: str) -> Stint:
    async def make() -> Subject:
        return await asyncio.to_thread(subject_of, model, name)

    return Stint(
        candidates=[Candidate(name, attack_in(model) is not None, make)],
        errands=errands(name, [Arrangement.MIXED], options.strategies, range(options.seeds)),
        images=options.images,
        strip=False,
        trial=partial(_trial, options),
    )


def _trial(options: _Options, subject: Subject, stream: Stream, errand: Errand) -> Trial:
    policy = usual_policy(_strategy(errand), options.search, options.trigger_max)
    return Trial(subject, stream, policy, errand.seed, trigger_max=options.trigger_max)


def _rows(options: _Options, model: ZooModel, evaluation: Evaluation) -> Iterator[Row]:
    made = sorted(evaluation.runs, key=lambda errand: options.strategies.index(_strategy(errand)))
    for strategy, some in groupby(made, _strategy):
        runs = [evaluation.runs[errand] for errand in some]
        screening = Screening(strategy, options.search, options.trigger_max)
        yield row(Case(runs[0].model, runs[0].attack, strategy), runs, targets(model, screening))


def _strategy(errand: Errand) -> Strategy:
    assert errand.strategy is not None  # there is no gateway with its own
    return errand.strategy


def _save(options: _Options, rows: list[Row]) -> None:
    if options.json:
        how = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        told = {
            "images": options.images,
            "seeds": options.seeds,
            "search": options.search,
            "trigger_max": options.trigger_max,
            "rows": rows,
        }
        options.json.write_bytes(orjson.dumps(told, option=how))


if __name__ == "__main__":
    main()
