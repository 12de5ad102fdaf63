"""A sure bound on how well triggers fit, in the directions that all of them share.

A glance's first copy of a trigger is a few numbers. The leading directions of all of them (SVD) and
one product of matrices tell how much of each window of an image lies in those, and by Cauchy and
Schwarz the most that the rest may add: what that leaves out can't fit. The product doesn't use it;
what it would spare is measured here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from app.detection.images import shrunken
from app.detection.matching import NOISE, RING, fit_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.detection.geometry import Box
    from app.detection.matching import Likeness
    from app.detection.search import Images

SIDE = 3
"""Pixels of a copy's side, as of a glance's first one."""
NOTHING = 1e-4
"""Of the strongest direction, below which one is rounding alone."""


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows of shrunken images: what sets each of their pixels apart from the ring around them.

    ``apart`` (SIDE squared times c, p), ``rings`` (c, p) and ``squares`` (p,): the sum of the first
    squared. The p are (rows, columns, n), which ``shape`` has.
    """

    apart: NDArray[np.float32]
    rings: NDArray[np.float32]
    squares: NDArray[np.float32]
    shape: tuple[int, int, int]

    def within(self, box: Box, step: int) -> NDArray[np.int64]:
        """Return which of the p lie in *box* of the image."""
        rows, columns, n = self.shape
        last_row = min(rows, -(-(box.y + box.height) // step) - SIDE + 1)
        last_column = min(columns, -(-(box.x + box.width) // step) - SIDE + 1)
        grid = np.arange(rows * columns * n).reshape(self.shape)
        return grid[box.y // step : last_row, box.x // step : last_column].ravel()


def windows(images: Images, step: int) -> Windows:
    """Return all windows of *images* (n, h, w, c), shrunken by *step*."""
    seen = shrunken(images, step).transpose(3, 1, 2, 0)  # (c, h, w, n)
    channels, tall, wide, n = seen.shape
    inside = sliding_window_view(seen, (SIDE, SIDE), (1, 2))
    counted = np.pad(
        np.ones((1, tall, wide, 1), np.float32), ((0, 0), (RING,) * 2, (RING,) * 2, (0, 0))
    )
    padded = np.pad(seen, ((0, 0), (RING,) * 2, (RING,) * 2, (0, 0)))
    around = SIDE + 2 * RING
    sums, counts = (
        sliding_window_view(of, (around, around), (1, 2)).sum(axis=(-1, -2))
        for of in (padded, counted)
    )
    rings = (sums - inside.sum(axis=(-1, -2))) / (counts - SIDE**2)
    apart = inside.transpose(4, 5, 0, 1, 2, 3) - rings
    flat = np.ascontiguousarray(apart.reshape(SIDE**2 * channels, -1))
    shape = (tall - SIDE + 1, wide - SIDE + 1, n)
    return Windows(flat, rings.reshape(channels, -1), np.einsum("kp,kp->p", flat, flat), shape)


def copies(sought: Sequence[Likeness], step: int) -> NDArray[np.float32]:
    """Return the first copies of what is *sought*, each all its own: (SIDE squared times c, k)."""
    made = [
        shrunken(one.pixels[None].astype(np.uint8), step)[0, :SIDE, :SIDE].ravel() for one in sought
    ]
    return np.stack(made, axis=1)


class Bound:
    """The most that each of *wanted* copies (k) may fit, by so many *directions* besides colours.

    With all that there are, one for each number of a copy but a colour's, it is how well they fit.
    """

    def __init__(self, wanted: NDArray[np.float32], directions: int) -> None:
        self._channels = len(wanted) // SIDE**2
        # A ring's mean is the same in all pixels of a copy: those directions have it exactly.
        plain = np.kron(np.ones((SIDE**2, 1)), np.eye(self._channels)) / SIDE
        rest = wanted - plain @ (plain.T @ wanted)
        found, strength, _ = np.linalg.svd(rest, full_matrices=False)
        # What has no strength may point anywhere, also where the plain ones do.
        leading = found[:, :directions][:, strength[:directions] > NOTHING * strength[0]]
        self._directions = np.concatenate([plain, leading], axis=1).T.astype(np.float32)
        self._own = self._directions @ wanted
        own_squares = np.einsum("dk,dk->k", self._own, self._own)
        self._left = np.maximum(np.einsum("wk,wk->k", wanted, wanted) - own_squares, 0)

    def projected(self, of: Windows) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return what of the windows lies in the directions (d, p), and the rest, squared (p,)."""
        within = self._directions @ of.apart
        return within, np.maximum(of.squares - np.einsum("dp,dp->p", within, within), 0)

    def most(
        self,
        of: Windows,
        projected: tuple[NDArray[np.float32], NDArray[np.float32]],
        number: int,
        places: NDArray[np.int64],
    ) -> NDArray[np.float32]:
        """Return how well the copy of this *number* fits at most, at so many *places*."""
        within, rest = projected[0][:, places], projected[1][places]
        own = np.repeat(self._own[:, number][:, None], len(places), axis=1)
        own[: self._channels] -= SIDE * of.rings[:, places]
        squares = np.einsum("dp,dp->p", own, own) + self._left[number]
        explained = np.einsum("dp,dp->p", own, within) + np.sqrt(self._left[number] * rest)
        noise = SIDE**2 * self._channels * NOISE**2
        return fit_of(of.squares[places], explained, squares, noise)[0]
