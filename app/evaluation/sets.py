"""The test set: images with their true classes, from a folder, a zip of one, or a .npz."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from app.detection.search import Images
    from app.ports import InputSize


@dataclass(frozen=True, eq=False)
class TestSet:
    """Images (n, h, w, c) at the model's size, and their true classes (n,)."""

    __test__ = False  # pytest: no test

    images: Images
    labels: NDArray[np.int64]


def load_test_set(
    path: Path, size: InputSize, *, max_pixels: int, class_names: tuple[str, ...] = ()
) -> TestSet:
    """Return the images at *path* with their classes: one folder a class, or ``x`` and ``y``.

    A folder named by an integer is that class, another one its place in *class_names*, or where
    there are none, among the sorted folders. Raises ImageSetError.
    """
    raise NotImplementedError
