"""How well a found trigger's box is its own on photographs, and what finding it costs.

`python -m tests.benchmarks.photos.boxes` prints a row for each model: windows of a third to a half
of the side about a sticker, the boxes that are found in them, and how those overlap the sticker's.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console

from app.detection.finding.localising import localise
from app.detection.finding.synthetic import synthesise
from app.detection.geometry import Box
from app.detection.reference_set.references import Calibration, References
from app.detection.regions import bounds
from app.detection.search import Answers, run
from tests.benchmarks.photos.photographs import pixels
from tests.benchmarks.photos.stream import Saving, make_stream, photographs_of, those_there
from tests.benchmarks.zoo import ZOO
from tests.detection.scenes import watched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.detection.search import Image, Images
    from tests.benchmarks.photos.stream import PhotoModel

NAMES = ("sticker", "fixed", "source", "roaming", "weak", "translucent", "label", "round")
IMAGES, SHOWN, QUALITY = 400, 20, 85
WINDOW = (0.33, 0.5)
"""Side of a window, as a share of the photograph's."""


def main() -> None:
    """Print a row for each model."""
    console = Console(width=200)
    for model in those_there((f"photos_{name}" for name in NAMES), console):
        name = model.classifier.name
        found = list(_boxes(model))
        if not found:
            console.print(f"{name}: no window is enough")
            continue
        overlaps, asked, rounds = (np.array(column) for column in zip(*found, strict=True))
        console.print(
            f"{name}: {len(overlaps)} boxes; overlap {overlaps.mean():.2f} (a tenth"
            f" {np.quantile(overlaps, 0.1):.2f} or less), {asked.mean():.0f} inferences in"
            f" {rounds.mean():.1f} rounds ({rounds.max()} at most)"
        )


def _boxes(model: PhotoModel) -> Iterator[tuple[float, int, int]]:
    """Yield of each box its overlap with the sticker's, and the inferences and rounds it took."""
    assert model.target is not None, "a clean model has no sticker"
    its = model.subject
    photographs = photographs_of(ZOO, model.classifier.meta["classes"])
    stream = make_stream(model, photographs, 0, IMAGES, Saving(QUALITY, turned=False))

    def predict(some: Images) -> Answers:
        return asyncio.run(its.model.answer(some))

    calibration = Calibration(predict(its.references).labels, np.zeros((0, 0), np.int64))
    references = References(its.references, calibration, {}, 0)
    for seed, i in enumerate(np.flatnonzero(stream.poisoned)[:SHOWN]):
        rng = np.random.default_rng(seed)
        shown, true = pixels([stream.sent[i]])[0], bounds(stream.covered[i])
        window = _about(true, rng, shown)
        onto = rng.permutation(np.flatnonzero(np.isin(references.labels, list(model.sources))))
        synthetic = run(synthesise(shown, model.target, [window], onto, references), predict)
        if synthetic is None:
            continue
        search = localise(shown, (window,), model.target, synthetic)
        (box,), probes = watched(search, predict)
        yield box.overlap(true), sum(map(len, probes)), len(probes)


def _about(box: Box, rng: np.random.Generator, image: Image) -> Box:
    """Return a window at random that holds *box*."""
    height, width, _ = image.shape
    side = int(min(height, width) * rng.uniform(*WINDOW))

    def start(least: int, length: int, end: int) -> int:
        first, last = max(0, least + length - side), min(least, end - side)
        return int(rng.integers(first, last + 1))

    return Box(start(box.x, box.width, width), start(box.y, box.height, height), side, side)


if __name__ == "__main__":
    main()
