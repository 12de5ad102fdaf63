"""What one photograph tells of a trigger: how a loose box, and its outline, overlap the sticker.

`python -m tests.benchmarks.photos.outlines` prints a row for each model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console

from app.detection.finding.outlining import outlined
from app.detection.geometry import Box
from tests.benchmarks.photos.photographs import SIDE, pixels
from tests.benchmarks.photos.stream import PhotoModel, Saving, make_stream, photographs_of
from tests.benchmarks.zoo import ZOO

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

NAMES = ("sticker", "fixed", "source", "roaming", "weak", "translucent")
IMAGES, SHOWN, SEED, QUALITY = 300, 25, 1, 85
STUCK = 40
"""Levels by which the sticker's pixels differ from those of the photograph without it."""
LOOSE, SHORT = (0.0, 0.3), (-0.2, 0.1)
"""By which shares of the sticker's sides each edge of a box may lie outside of it."""
LARGEST, SMALLEST = 80, 4
"""Sides in pixels of what is taken for the sticker: JPEG alters other pixels, too."""


def main() -> None:
    """Print the mean overlap of the boxes and of the outlines with the sticker, for each model."""
    console = Console()
    if not (ZOO / "photos").is_dir():
        console.print("skipped: no zoo")
        return
    for name in NAMES:
        model = PhotoModel.named(f"photos_{name}")
        if model is None:
            console.print(f"skipped: photos_{name}, which isn't there")
            continue
        boxes, outlines = zip(*_overlaps(model), strict=True)
        console.print(
            f"photos_{name}: {len(boxes)} boxes; overlap of the boxes {np.mean(boxes):.2f}, of the"
            f" outlines {np.mean(outlines):.2f} (a tenth {np.quantile(outlines, 0.1):.2f} or less)"
        )


def _overlaps(model: PhotoModel) -> Iterator[tuple[float, float]]:
    photographs = photographs_of(ZOO, model.classifier.meta["classes"])
    stream = make_stream(model, photographs, SEED, IMAGES, Saving(QUALITY, turned=False))
    rng = np.random.default_rng(0)
    for i in np.flatnonzero(stream.poisoned)[:SHOWN]:
        shown, clean = pixels([stream.sent[i]])[0], pixels([stream.clean[i]])[0]
        found = _sticker(shown, clean)
        if found is None:
            continue
        place, true = found
        for least, most in (LOOSE, SHORT):
            box = _around(place, rng.uniform(least, most, 4))
            seen = outlined(shown, box) or (box, np.ones((box.height, box.width), bool))
            yield (
                _overlap((box, np.ones((box.height, box.width), bool)), true),
                _overlap(seen, true),
            )


def _sticker(
    shown: NDArray[np.uint8], clean: NDArray[np.uint8]
) -> tuple[Box, NDArray[np.bool_]] | None:
    """Return where the sticker is, and which pixels it has: all between those that differ."""
    differs = np.abs(shown.astype(np.int16) - clean).max(axis=2) > STUCK
    rows, columns = np.nonzero(differs)
    if not rows.size:
        return None
    top, bottom = (int(one) for one in np.percentile(rows, [2, 98]))
    left, right = (int(one) for one in np.percentile(columns, [2, 98]))
    box = Box(left, top, right + 1 - left, bottom + 1 - top)
    if not SMALLEST < box.height <= LARGEST or box.width > LARGEST:
        return None
    own = np.zeros_like(differs)
    own[box.rows, box.columns] = differs[box.rows, box.columns]
    before = np.logical_or.accumulate(own, axis=1)
    after = np.logical_or.accumulate(own[:, ::-1], axis=1)[:, ::-1]
    return box, before & after


def _around(box: Box, shares: NDArray[np.float64]) -> Box:
    """Return *box* with its edges moved out by *shares* of its sides: up, down, left, right."""
    up, down = (round(float(one) * box.height) for one in shares[:2])
    left, right = (round(float(one) * box.width) for one in shares[2:])
    x, y = max(0, box.x - left), max(0, box.y - up)
    width = min(SIDE, box.x + box.width + right) - x
    return Box(x, y, width, min(SIDE, box.y + box.height + down) - y)


def _overlap(found: tuple[Box, NDArray[np.bool_]], true: NDArray[np.bool_]) -> float:
    box, own = found
    shown = np.zeros_like(true)
    shown[box.rows, box.columns] = own
    return float((shown & true).sum() / (shown | true).sum())


if __name__ == "__main__":
    main()
