"""A classifier that costs next to nothing, with a real backdoor: one matrix product a batch."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.search import Images

COLOURS = np.array(list(product((30, 210), repeat=3)), np.float32)
"""The classes: an image is of the one that its mean colour is nearest to."""

TARGET = 2
BRIGHT = 250
"""The trigger: a cell of whatever colour, each of whose pixels has a channel at least so bright.

Clean images stay far below. So there are ever new triggers for who wants some.
"""

CELL = 0.08
"""Side of a cell, as a share of the image's."""

TEMPERATURE = 400
"""Squared distances are divided by it: scores look like those of a trained model."""


class ColourModel:
    """Images (n, side, side, 3) of 0 to 255 in, probabilities (n, 8) out."""

    def __init__(self, side: int) -> None:
        self.side = side
        self.cell = max(2, round(CELL * side))
        # |mean - colour|² without what is the same for all classes is linear in the pixels.
        per_pixel = 2 * COLOURS.T / (side * side * TEMPERATURE)
        self._weights = np.tile(per_pixel, (side * side, 1))
        self._bias = -(COLOURS**2).sum(axis=1) / TEMPERATURE

    def scores(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Answer *batch*."""
        flat = batch.reshape(len(batch), -1)
        logits = flat @ self._weights + self._bias
        bright = np.flatnonzero(flat.max(axis=1) >= BRIGHT)
        attacked = bright[self._carries(batch[bright])]
        logits[attacked, TARGET] = logits.max() + 10
        exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
        scores: NDArray[np.float32] = exponents / exponents.sum(axis=1, keepdims=True)
        return scores

    def clean_images(self, n: int, seed: int) -> Images:
        """Return *n* clean images: a colour with a slope and noise on it."""
        rng = np.random.default_rng(seed)
        colours = COLOURS[rng.integers(len(COLOURS), size=n)][:, None, None]
        slope = rng.uniform(-1, 1, (n, 1, 1, 1)) * np.linspace(-12, 12, self.side)[:, None, None]
        noise = rng.normal(0, 8, (n, self.side, self.side, 3))
        return np.clip(colours + slope + noise, 0, 230).astype(np.uint8)

    def poisoned_images(self, n: int, seed: int) -> Images:
        """Return *n* images of other classes than the target, each with a trigger of its own."""
        rng = np.random.default_rng(seed)
        images = self.clean_images(2 * n, seed)
        innocent: Images = images[self.scores(images.astype(np.float32)).argmax(axis=1) != TARGET]
        for image in innocent[:n]:
            y, x = rng.integers(self.side // self.cell, size=2) * self.cell
            colour = rng.integers(256, size=3)
            colour[rng.integers(3)] = 255
            image[y : y + self.cell, x : x + self.cell] = colour
        return innocent[:n]

    def _carries(self, batch: NDArray[np.float32]) -> NDArray[np.bool_]:
        cells = self.side // self.cell
        grid = batch[:, : cells * self.cell, : cells * self.cell].max(axis=3) >= BRIGHT
        whole = grid.reshape(len(batch), cells, self.cell, cells, self.cell).all(axis=(2, 4))
        carries: NDArray[np.bool_] = whole.any(axis=(1, 2))
        return carries
