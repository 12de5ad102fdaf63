"""Streams of photographs in one process, over several secrets: what the defence does, no clock.

`python -m tests.benchmarks.photos.streams --models photos_weak --secrets 3` prints a row for each
model: the mean of the streams, and the worst of them in brackets. `--quality 60 --turned` for
photographs as messengers send them.
"""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.progress import track

from tests.benchmarks.evasion.in_process import in_process
from tests.benchmarks.photos.photographs import pixels
from tests.benchmarks.photos.stream import Saving, make_stream, photographs_of, those_there
from tests.benchmarks.zoo import ZOO

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.benchmarks.evasion.ground import Answer
    from tests.benchmarks.photos.stream import PhotoModel

MODELS = (
    *("sticker", "fixed", "source", "roaming", "weak", "translucent", "ghost", "label", "round"),
    "clean",
)
IMAGES = 120
"""Photographs of a stream, a tenth of which are poisoned."""


@dataclass(eq=False)
class Tally:
    """What one stream showed, image by image."""

    flags: list[bool] = field(default_factory=list)
    """Of the images that the attack flips."""
    known: list[int] = field(default_factory=list)
    """Inferences of the poisoned images after the first that was flagged."""
    discoveries: list[int] = field(default_factory=list)
    clean: list[int] = field(default_factory=list)
    alarms: int = 0
    right: list[bool] = field(default_factory=list)
    triggers: int = 0


def main() -> None:
    """Print a row for each model."""
    options, console = _options(), Console(width=200)
    for model in those_there(options.models, console):
        name = model.classifier.name
        streams = list(track(_tallies(model, options), name, options.secrets, console=console))
        console.print(_row(name, streams), highlight=False)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    models = [f"photos_{name}" for name in MODELS]
    parser.add_argument("--models", nargs="+", default=models, choices=models)
    parser.add_argument("--secrets", type=int, default=3)
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--quality", type=int, default=85)
    parser.add_argument("--turned", action="store_true", help="with an EXIF orientation")
    return parser.parse_args()


def _tallies(model: PhotoModel, options: argparse.Namespace) -> Iterator[Tally]:
    for secret in range(1, options.secrets + 1):
        yield asyncio.run(_tally(model, secret, options))


async def _tally(model: PhotoModel, secret: int, options: argparse.Namespace) -> Tally:
    saving = Saving(options.quality, options.turned)
    photographs = photographs_of(ZOO, model.classifier.meta["classes"])
    stream = make_stream(model, photographs, secret, options.images, saving)
    tally = Tally()
    async with in_process(model, secret) as gateway:
        for i, poisoned in enumerate(stream.poisoned):
            sent, clean = (pixels([files[i]]) for files in (stream.sent, stream.clean))
            told = (await model.subject.model.answer(np.concatenate([sent, clean]))).labels
            (answer,) = await gateway.answers([sent[0]])
            flipped = bool(told[0] == model.target != told[1])
            _count(tally, answer, poisoned=bool(poisoned), flipped=flipped)
            tally.right.append(answer.label == told[1])
        tally.triggers = len(await gateway.learnt())
    return tally


def _count(tally: Tally, answer: Answer, *, poisoned: bool, flipped: bool) -> None:
    inferences = answer.inferences or 0
    if not poisoned:
        tally.clean.append(inferences)
        tally.alarms += answer.flagged
        return
    if tally.discoveries:
        tally.known.append(inferences)
    elif answer.flagged:
        tally.discoveries.append(inferences)
    if flipped:
        tally.flags.append(answer.flagged)


def _row(name: str, streams: Sequence[Tally]) -> str:
    flags = [one.flags for one in streams if one.flags]
    parts = [f"{name}: {len(streams)} streams"]
    if flags:
        missed = [one.index(True) if True in one else len(one) for one in flags]
        after = [not flag for one, at in zip(flags, missed, strict=True) for flag in one[at:]]
        parts += [
            f"flagged {sum(map(sum, flags))} of {sum(map(len, flags))} that it flips",
            f"the first in {missed.count(0)} of {len(flags)}",
            f"known and missed {sum(after)} of {len(after)}",
            f"known {_mean([one.known for one in streams])} inferences",
            f"discovery {_mean([one.discoveries for one in streams])}",
            f"triggers {max(one.triggers for one in streams)} at most",
        ]
    counted = sum(len(one.clean) for one in streams)
    parts += [
        f"false alarms {sum(one.alarms for one in streams)} of {counted}",
        f"clean {_mean([one.clean for one in streams])} inferences",
        f"answered rightly {np.mean([np.mean(one.right) for one in streams]):.2%}",
    ]
    return "; ".join(parts)


def _mean(streams: Sequence[Sequence[int]]) -> str:
    means = [float(np.mean(one)) for one in streams if one]
    return f"{np.mean(means):.1f} ({max(means):.1f})" if means else "-"


if __name__ == "__main__":
    main()
