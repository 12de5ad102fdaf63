"""Two halves of the references that have no near-duplicates of one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.search import Images

CELLS = 12  # a side of the copies by which images are compared


def halves(images: Images, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the indices of two halves of *images* (n, h, w, c), each in random order.

    An image is in the half of the one that is most like it: frames of one film in both halves
    would make the one look more ordinary to the other than any image of a caller is.
    """
    rng = np.random.default_rng(seed)
    groups = _groups(_likest(images))
    first = np.zeros(len(images), bool)
    for group in rng.permutation(groups.max() + 1):
        if first.sum() >= len(images) // 2:
            break
        first |= groups == group
    order = rng.permutation(len(images))
    return order[first[order]], order[~first[order]]


def _likest(images: Images) -> NDArray[np.int64]:
    """Return for each image which other one is most like it."""
    cells = _cells(images)
    squares = (cells**2).sum(axis=1)
    distances = squares[:, None] + squares - 2 * cells @ cells.T
    np.fill_diagonal(distances, np.inf)
    likest: NDArray[np.int64] = distances.argmin(axis=1)
    return likest


def _cells(images: Images) -> NDArray[np.float32]:
    """Return small copies of *images*, (n, values)."""
    height, width = images.shape[1:3]
    rows = np.linspace(0, height, min(CELLS, height), endpoint=False).astype(int)
    columns = np.linspace(0, width, min(CELLS, width), endpoint=False).astype(int)
    means = [
        np.add.reduceat(np.add.reduceat(one, rows, 0, np.float32), columns, 1) for one in images
    ]
    return np.stack(means).reshape(len(images), -1)


def _groups(likest: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a number for each image (n,): the same for those that are linked by likeness."""
    groups = np.arange(len(likest))
    while True:
        lowest = groups.copy()
        np.minimum.at(lowest, likest, groups)
        lowest = np.minimum(lowest, lowest[likest])
        if (lowest == groups).all():
            numbers: NDArray[np.int64] = np.unique(groups, return_inverse=True)[1]
            return numbers
        groups = lowest
