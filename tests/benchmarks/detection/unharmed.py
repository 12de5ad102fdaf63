"""False alarms on models without a backdoor: many deployments of many images, bit by bit.

python -m tests.benchmarks.detection.unharmed --models signs/signs_clean mnist/normal
python -m tests.benchmarks.detection.unharmed --show

A deployment has a secret, a stream, a library and suspects of its own. Each is kept in a file when
it is done (`--kept`) and not measured again: after Ctrl-C the same command goes on. It counts for
its own code alone; when the detector has changed it is measured anew.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
from rich.console import Console

from app.evaluation.command.candidates import usual_policy
from app.evaluation.command.progress import Bars
from app.evaluation.field.code import code_digest
from app.evaluation.field.defences import Ours
from app.evaluation.measures.intervals import mean, rate
from app.evaluation.measures.series import series
from app.evaluation.runs.streams import mixed_stream
from app.evaluation.runs.trial import Trial
from app.settings import SearchMode, Settings, Strategy
from tests.benchmarks.detection.repeating import Repeat, repeated
from tests.benchmarks.detection.subject import subject_of
from tests.benchmarks.zoo import ZOO, ZooModel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

    from app.evaluation.runs.evaluating import Progress
    from app.evaluation.subjects.subject import Subject

MODELS = ("signs/signs_clean", "mnist/normal", "faces/faces_clean")
SECRETS, IMAGES = 20, 2000
KEPT = Path.home() / ".cache" / "neo-gateway" / "unharmed.jsonl"
INTERRUPTED = 130


@dataclass(frozen=True)
class Setting:
    """What a deployment's figures depend on, beside its model and its secret."""

    images: int
    trigger_max: float
    repeat: str
    code: str


@dataclass(frozen=True)
class Deployment:
    """What became of ``screened`` clean images; ``flagged`` are the places of those in the stream.

    ``inferences`` of all of them together, their own included; ``triggers`` in the library.
    """

    model: str
    secret: int
    setting: Setting
    screened: int
    flagged: tuple[int, ...]
    inferences: int
    triggers: int


class Ledger:
    """The deployments that were measured, a line of *path* each."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, setting: Setting) -> dict[tuple[str, int], Deployment]:
        """Return those of *setting*, by model and secret; what is only half a line isn't done."""
        if not self._path.is_file():
            return {}
        lines = self._path.read_bytes().splitlines(keepends=True)
        found = [_deployment(orjson.loads(one)) for one in lines if one.endswith(b"\n")]
        return {(one.model, one.secret): one for one in found if one.setting == setting}

    def add(self, done: Deployment) -> None:
        """Keep what is *done*."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a+b") as file:
            file.truncate(_whole(file))
            file.write(orjson.dumps(asdict(done), option=orjson.OPT_APPEND_NEWLINE))


def _whole(file: BinaryIO) -> int:
    """Return where the last whole line of *file* ends: whoever was killed has left half of one."""
    file.seek(0)
    return file.read().rfind(b"\n") + 1


def _deployment(told: dict[str, Any]) -> Deployment:
    setting, flagged = Setting(**told["setting"]), tuple(told["flagged"])
    return Deployment(**(told | {"setting": setting, "flagged": flagged}))


async def deployed(
    subject: Subject, secret: int, setting: Setting, progress: Progress
) -> Deployment:
    """Send the stream of *secret* through a gateway in this process that knows nothing yet."""
    progress.doing(f"{subject.name}, secret {secret}: preparing")
    stream = mixed_stream(subject, secret, setting.images)
    stream = repeated(stream, Repeat(setting.repeat), secret)
    policy = usual_policy(Strategy.FULL, SearchMode.CONTINUE, setting.trigger_max)
    trial = Trial(subject, stream, policy, secret, trigger_max=setting.trigger_max)
    await trial.prepare()
    progress.doing(f"{subject.name}, secret {secret}", len(stream.images))
    await trial.screen_all(progress.step)
    run = trial.record()
    seen = series(run)
    return Deployment(
        model=subject.name,
        secret=secret,
        setting=setting,
        screened=len(seen),
        flagged=tuple(np.flatnonzero(seen.flagged).tolist()),
        inferences=int(seen.inferences.sum()),
        triggers=len(run.found),
    )


def line(model: str, some: Sequence[Deployment], secrets: int) -> str:
    """Return the row of *model* in Markdown: false alarms with their 95 % interval (Wilson)."""
    alarms = rate(sum(len(one.flagged) for one in some), sum(one.screened for one in some))
    spent = mean([one.inferences / one.screened for one in some])
    if alarms is None or spent is None:
        return f"| {model} | 0 of {secrets} | – | – | – | – |"
    worst = max(len(one.flagged) / one.screened for one in some)
    within = f"{100 * alarms.low:.3f} to {100 * alarms.high:.3f} %"
    cells = (
        model,
        f"{len(some)} of {secrets}",
        f"{alarms.hits} of {alarms.of:,}",
        within,
        f"{100 * worst:.2f} %",
        f"{spent.value:.1f}",
    )
    return f"| {' | '.join(cells)} |"


HEAD = (
    "| model | deployments | flagged | 95 % | the worst one | inferences an image |\n"
    "|---|---|---|---|---|---|"
)


def main() -> None:
    """Measure what is missing, and print a row for each model."""
    options = _options()
    console = Console()
    logging.getLogger("app").setLevel(logging.ERROR)  # what became of an image is in the row
    setting = Setting(options.images, options.trigger_max, options.repeat, code_digest(Ours.code))
    ledger = Ledger(options.kept)
    if not options.zoo.is_dir():
        console.print("skipped: no zoo")
        return
    models = [name for name in options.models if _is_there(options.zoo, name)]
    for name in options.models:
        if name not in models:
            console.print(f"skipped: {name}, which isn't there")
    try:
        if not options.show:
            asyncio.run(_measure(models, options, setting, ledger))
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    finally:
        kept = ledger.read(setting)
        console.print(HEAD, soft_wrap=True, highlight=False, markup=False)
        for name in models:
            some = [kept[name, i] for i in range(options.secrets) if (name, i) in kept]
            text = line(name, some, options.secrets)
            console.print(text, soft_wrap=True, highlight=False, markup=False)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.detection.unharmed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--models", nargs="+", default=MODELS, metavar="FOLDER/NAME")
    parser.add_argument("--secrets", type=int, default=SECRETS)
    parser.add_argument("--images", type=int, default=IMAGES, help="of each, where there are so")
    parser.add_argument("--repeat", type=Repeat, default=Repeat.NOTHING, choices=list(Repeat))
    parser.add_argument(
        "--trigger-max", type=float, default=Settings.model_fields["trigger_max"].default
    )
    parser.add_argument("--kept", type=Path, default=KEPT, help="the file of what is done")
    parser.add_argument("--show", action="store_true", help="measure nothing")
    parser.add_argument("--zoo", type=Path, default=ZOO)
    return parser.parse_args()


def _is_there(zoo: Path, name: str) -> bool:
    return (zoo / f"{name}.meta.json").is_file()


async def _measure(
    models: Sequence[str], options: argparse.Namespace, setting: Setting, ledger: Ledger
) -> None:
    kept = ledger.read(setting)
    with Bars(Console(stderr=True), len(models) * options.secrets) as bars:
        for name in models:
            folder, _, own = name.partition("/")
            missing = [i for i in range(options.secrets) if (name, i) not in kept]
            for _ in range(options.secrets - len(missing)):
                bars.errand_done()
            if not missing:
                continue
            subject = subject_of(ZooModel(options.zoo / folder, own), name)
            for secret in missing:
                ledger.add(await deployed(subject, secret, setting, bars))
                bars.errand_done()


if __name__ == "__main__":
    main()
