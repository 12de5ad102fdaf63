"""What clean images are made of, and what is left of an image without it.

A few dozen principal components make up most of any clean image. What they leave of one hardly
carries its class; what is blended into every pixel, or striped over them, is left nearly whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.search import Image, Images

AT_ONCE = 2**20  # pixels' values that are worked on at a time: photographs would take 200 MB


@dataclass(frozen=True, eq=False)
class Span:
    """All mixtures of some clean images: their ``mean`` (d,) and orthonormal ``axes`` (k, d)."""

    mean: NDArray[np.float32]
    axes: NDArray[np.float32]

    def residue(self, image: Image) -> NDArray[np.float32]:
        """Return what is left of *image* (h, w, c) without the part that clean images explain."""
        off = image.reshape(-1).astype(np.float32) - self.mean
        left = off - (self.axes @ off) @ self.axes
        return left.reshape(image.shape).astype(np.float32, copy=False)


def spanned(images: Images, most: int) -> Span:
    """Return the span of the *most* principal components of *images* (n, h, w, c), or fewer."""
    flat = images.reshape(len(images), -1)
    mean = flat.mean(axis=0, dtype=np.float32)
    products = np.zeros((len(flat), len(flat)))
    for part in _parts(*flat.shape):
        off = flat[:, part] - mean[part]
        products += off @ off.T
    lengths, mixtures = np.linalg.eigh(products)
    kept = np.argsort(-lengths)[:most]
    kept = kept[lengths[kept] > lengths.max() * len(flat) * np.finfo(np.float32).eps]
    weights = (mixtures[:, kept] / np.sqrt(lengths[kept])).T.astype(np.float32)
    axes = np.empty((len(kept), flat.shape[1]), np.float32)
    for part in _parts(*flat.shape):
        axes[:, part] = weights @ (flat[:, part] - mean[part])
    return Span(mean, axes)


def _parts(count: int, length: int) -> list[slice]:
    step = max(AT_ONCE // count, 1)
    return [slice(start, start + step) for start in range(0, length, step)]
