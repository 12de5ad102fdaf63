"""The test set: images with their true classes, from a folder, a zip of one, or a .npz."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from app.pictures.image_sets import Fitting, ImageSetError, is_npz, read_array, read_image_set

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from app.detection.search import Images
    from app.ports import InputSize

AT_MOST = 50_000

_EXAMPLE = (
    "for example a folder with a folder of images for each class, a .zip of one, or a .npz with x"
    " and y"
)


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
    read = read_image_set(
        path, Fitting(size), max_pixels=max_pixels, at_most=AT_MOST, example=_EXAMPLE
    )
    if is_npz(path):
        return TestSet(read.images, _classes_in(path, len(read.images)))
    folders = [PurePosixPath(name).parent.name for name in read.names]
    classes = _classes_of(path, folders, class_names)
    return TestSet(read.images, np.array([classes[folder] for folder in folders], np.int64))


def _classes_in(path: Path, count: int) -> NDArray[np.int64]:
    mend = f"y must be (n,) integers: np.savez('{path.name}', x=images, y=classes)"
    labels = read_array(path, "y", mend)
    if labels.shape != (count,) or labels.dtype.kind not in "iu":
        problem = f"y is {labels.shape} {labels.dtype} for {count} images"
        raise ImageSetError(path, problem, mend)
    if (labels < 0).any():
        raise ImageSetError(path, "y has negative classes", mend)
    return labels.astype(np.int64)


def _classes_of(
    path: Path, folders: Sequence[str], class_names: tuple[str, ...]
) -> Mapping[str, int]:
    """Return the class that each folder stands for."""
    if "" in folders:
        raise ImageSetError(path, "there are images that lie in no folder of a class", _EXAMPLE)
    names = sorted(set(folders))
    if not class_names and not all(map(str.isdecimal, names)):
        return {name: index for index, name in enumerate(names)}
    return {name: _class_named(path, name, class_names) for name in names}


def _class_named(path: Path, name: str, class_names: tuple[str, ...]) -> int:
    if name.isdecimal():
        return int(name)
    if name not in class_names:
        mend = "name each folder by its class's number, or as in the file of --labels"
        raise ImageSetError(path, f"the folder {name!r} is not named after a class", mend)
    return class_names.index(name)
