"""`make bench-detection`: the detector's figures beside their targets, on models of the zoo.

make bench-detection ARGS="--strategy full --secrets 1 --models mnist/poisoned_1 --json rows.json"
make bench-detection ARGS="--models signs/signs_flower --jpeg 75"    what a camera makes of them
make bench-detection ARGS="--models signs/signs_clean --repeat stamp"    the same date on many

Each run has a stream and a secret of its own, as a deployment has; rates are those of all runs, and
of the worst in brackets. Models of our own come from `python -m tests.benchmarks.training`.
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
from tests.benchmarks.detection.repeating import Repeat, repeated
from tests.benchmarks.detection.resaving import resaved
from tests.benchmarks.detection.rows import MISSED, Row, head, line, row
from tests.benchmarks.detection.subject import attack_in, subject_of
from tests.benchmarks.detection.targets import Screening, targets
from tests.benchmarks.zoo import TRAINED, ZOO, ZooModel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from app.evaluation.plan import Errand
    from app.evaluation.records import Stream
    from app.evaluation.subjects.subject import Subject

OUTSIDE = ("faces/faces_trojan_wm",)
"""Not measured unless it is named: a watermark over the whole image, which no blocker can hide."""

INTERRUPTED = 130

SECRETS = 20
"""What is measured on one secret says little: a source-specific trigger came through in 2 of 5."""


@dataclass(frozen=True)
class _Options:
    models: Mapping[str, Path]
    strategies: Sequence[Strategy]
    secrets: int
    images: int
    trigger_max: float
    search: SearchMode
    jpeg: int | None
    repeat: Repeat
    zoo: Path
    trained: Path
    json: Path | None


def main() -> None:
    """Measure every model and strategy; print the table, and save it if a file is named."""
    options = _options()
    console = Console()
    if not options.zoo.is_dir():
        console.print("skipped: no zoo")
        return
    if not options.trained.is_dir():
        console.print("skipped: no models of our own (python -m tests.benchmarks.training)")
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
    parser.add_argument("--secrets", type=int, default=SECRETS)
    parser.add_argument("--images", type=int, default=LENGTH)
    parser.add_argument(
        "--trigger-max", type=float, default=Settings.model_fields["trigger_max"].default
    )
    parser.add_argument("--search", type=SearchMode, default=SearchMode.CONTINUE)
    parser.add_argument("--jpeg", type=int, metavar="QUALITY")
    parser.add_argument("--repeat", type=Repeat, default=Repeat.NOTHING, choices=list(Repeat))
    parser.add_argument("--zoo", type=Path, default=ZOO)
    parser.add_argument("--trained", type=Path, default=TRAINED)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    folders = {**_models(given.trained), **_models(given.zoo)}
    for name in given.models or ():
        if given.zoo.is_dir() and name not in folders:
            parser.error(f"there is no model {name}, but {', '.join(folders)}")
    usual = [name for name in folders if name not in OUTSIDE]
    return _Options(
        models={name: folders[name] for name in given.models or usual if name in folders},
        strategies=given.strategy,
        secrets=given.secrets,
        images=given.images,
        trigger_max=given.trigger_max,
        search=given.search,
        jpeg=given.jpeg,
        repeat=given.repeat,
        zoo=given.zoo,
        trained=given.trained,
        json=given.json,
    )


def _models(zoo: Path) -> dict[str, Path]:
    """Return the folders of the models of small images; photographs have their own benchmark."""
    ending = ".meta.json"
    return {
        f"{path.parent.name}/{path.name.removesuffix(ending)}": path.parent
        for path in sorted(zoo.glob(f"*/*{ending}"))
        if (path.parent / "test.npz").exists()
    }


async def _measure(options: _Options, console: Console) -> None:
    runs = len(options.models) * len(options.strategies) * options.secrets
    rows: list[Row] = []
    _print(console, head())
    try:
        with Bars(_beside(console), runs) as bars:
            for name, folder in options.models.items():
                model = ZooModel(folder, name.split("/")[1])
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
        errands=errands(name, [Arrangement.MIXED], options.strategies, range(options.secrets)),
        images=options.images,
        strip=False,
        trial=partial(_trial, options),
    )


def _trial(options: _Options, subject: Subject, stream: Stream, errand: Errand) -> Trial:
    policy = usual_policy(_strategy(errand), options.search, options.trigger_max)
    stream = repeated(stream, options.repeat, errand.seed)
    if options.jpeg is not None:
        stream = resaved(stream, options.jpeg)
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
            "secrets": options.secrets,
            "search": options.search,
            "jpeg": options.jpeg,
            "repeat": options.repeat,
            "trigger_max": options.trigger_max,
            "rows": rows,
        }
        options.json.write_bytes(orjson.dumps(told, option=how))


if __name__ == "__main__":
    main()
