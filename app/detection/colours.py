"""The dominant colour of an image; the one place that uses scikit-learn."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import ThreadpoolController

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.search import Image

CLUSTERS = 3  # NEO, section IV
LONGEST_SIDE = 64  # of the shrunken copy: its palette agrees with the whole image's (dE < 1)


def dominant_colour(image: Image) -> NDArray[np.uint8]:
    """Return the colour (channels,) of the largest of three clusters of the image's pixels.

    NEO, section IV: the colour of its trigger blocker.
    """
    pixels = _shrunken(image).reshape(-1, image.shape[2])
    colours = np.unique(pixels, axis=0)
    if len(colours) <= CLUSTERS:
        counts = [(pixels == colour).all(axis=1).sum() for colour in colours]
        return _rounded(colours[int(np.argmax(counts))])
    # Imported here since it costs 160 MB: a worker that never blocks with this colour saves it.
    from sklearn.cluster import KMeans  # noqa: PLC0415

    with _pools().limit(limits=1):
        clusters = KMeans(CLUSTERS, n_init=4, random_state=0).fit(pixels)
    largest = int(np.argmax(np.bincount(clusters.labels_)))
    return _rounded(clusters.cluster_centers_[largest])


@cache
def _pools() -> ThreadpoolController:
    """Return the hold on scikit-learn's threads, which takes milliseconds to find.

    So few pixels gain nothing from a second thread; and where others keep the processors busy,
    threads that wait for each other by spinning made this 40 times slower.
    """
    return ThreadpoolController()


def _rounded(colour: NDArray[np.floating]) -> NDArray[np.uint8]:
    rounded: NDArray[np.uint8] = np.rint(colour).astype(np.uint8)
    return rounded


def _shrunken(image: Image) -> NDArray[np.float32]:
    """Average the image over squares until no side is longer than 64 pixels."""
    height, width, channels = image.shape
    step = -(-max(height, width) // LONGEST_SIDE)
    rows, columns = max(height // step, 1), max(width // step, 1)
    tiles = image[: rows * step, : columns * step].astype(np.float32)
    tall, wide = tiles.shape[0] // rows, tiles.shape[1] // columns
    shrunken: NDArray[np.float32] = tiles.reshape(rows, tall, columns, wide, channels).mean((1, 3))
    return shrunken
