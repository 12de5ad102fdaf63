"""Photographs with a sticker, each met by a gateway that knows no trigger yet.

`python -m tests.benchmarks.photos.first_sight --models photos_roaming --secrets 3` prints a row for
each model: how many of them it flags at once, what a discovery takes, and how well the trigger's
picture fits the sticker. With `--each` a line for every photograph as well.
"""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.progress import track

from app.evaluation.measures.intervals import rate
from tests.benchmarks.evasion.in_process import in_process
from tests.benchmarks.photos.figures import overlap
from tests.benchmarks.photos.photographs import pixels
from tests.benchmarks.photos.stream import Saving, make_stream, photographs_of, those_there
from tests.benchmarks.photos.streams import MODELS
from tests.benchmarks.zoo import ZOO

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from numpy.typing import NDArray

    from app.detection.trigger import Trigger
    from tests.benchmarks.evasion.ground import Answer
    from tests.benchmarks.photos.stream import PhotoModel

QUALITY = 85


@dataclass(frozen=True, eq=False)
class Met:
    """A photograph that the sticker flips: what was answered, and how well its picture fits."""

    at: int
    answer: Answer
    leaked: bool
    overlap: float | None


def main() -> None:
    """Print a row for each model."""
    options, console = _options(), Console(width=200)
    for model in those_there(options.models, console):
        name, met = model.classifier.name, []
        for secret in track(range(1, options.secrets + 1), name, console=console):
            met += asyncio.run(_all_met(model, secret, options.images))
        if options.each:
            for one in met:
                console.print(_line(one), highlight=False)
        console.print(_row(name, met), highlight=False)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    models = [f"photos_{name}" for name in MODELS if name != "clean"]
    parser.add_argument("--models", nargs="+", default=models, choices=models)
    parser.add_argument("--secrets", type=int, default=2)
    parser.add_argument("--images", type=int, default=20, help="photographs of each secret")
    parser.add_argument("--each", action="store_true", help="a line for every photograph")
    return parser.parse_args()


async def _all_met(model: PhotoModel, secret: int, images: int) -> list[Met]:
    return [one async for one in _met(model, secret, images)]


async def _met(model: PhotoModel, secret: int, images: int) -> AsyncIterator[Met]:
    """Yield each of so many photographs of a stream that flips, as a fresh gateway met it."""
    photographs = photographs_of(ZOO, model.classifier.meta["classes"])
    stream = make_stream(model, photographs, secret, 10 * images, Saving(QUALITY, turned=False))
    async with in_process(model, secret) as gateway:
        for at in map(int, np.flatnonzero(stream.poisoned)):
            sent, clean = (pixels([files[at]]) for files in (stream.sent, stream.clean))
            told = (await model.subject.model.answer(np.concatenate([sent, clean]))).labels
            if not told[0] == model.target != told[1]:
                continue
            gateway.forget()
            (answer,) = await gateway.answers([sent[0]])
            leaked = not answer.flagged and answer.label == model.target
            learnt = await gateway.learnt()
            yield Met(at, answer, leaked, _fit(learnt[0], stream.covered[at]) if learnt else None)


def _fit(trigger: Trigger, sticker: NDArray[np.bool_]) -> float:
    """Return the overlap of what is shown of *trigger* with the *sticker* (h, w)."""
    own = np.zeros_like(sticker)
    own[trigger.box.rows, trigger.box.columns] = trigger.own
    return overlap(own, sticker)


def _line(one: Met) -> str:
    said = "flagged" if one.answer.flagged else "leaked" if one.leaked else "not flagged"
    fit = "" if one.overlap is None else f", overlap {one.overlap:.2f}"
    return f"  {one.at}: {said}, {one.answer.inferences} in {one.answer.rounds} rounds{fit}"


def _row(name: str, met: Sequence[Met]) -> str:
    flagged = [one for one in met if one.answer.flagged]
    leaked, found = sum(one.leaked for one in met), rate(len(flagged), len(met))
    if found is None:
        return f"{name}: none is flipped"
    asked = np.array([one.answer.inferences for one in flagged])
    rounds = np.array([one.answer.rounds for one in flagged])
    fits = np.array([one.overlap for one in flagged if one.overlap is not None])
    parts = [
        f"{name}: flagged {found.hits} of {found.of} ({found.low:.0%} to {found.high:.0%})",
        f"answered with the target {leaked}",
        f"inferences {_spread(asked)}",
        f"rounds {_spread(rounds)}",
        f"overlap {fits.mean():.2f} (a tenth {np.quantile(fits, 0.1):.2f} or less)",
    ]
    return "; ".join(parts)


def _spread(values: NDArray[np.int64]) -> str:
    return f"{values.mean():.1f} (a tenth {np.quantile(values, 0.9):.0f} or more, {values.max()})"


if __name__ == "__main__":
    main()
