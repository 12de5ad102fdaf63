"""Test sets with their classes."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from app.evaluation.subjects.sets import load_test_set
from app.pictures.image_sets import ImageSetError
from app.ports import InputSize
from tests.files import encoded
from tests.tiny import SIDE, clean_images

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SIZE = InputSize(SIDE, SIDE, 3)
LIMIT = 1_000_000
IMAGES = clean_images(6, np.random.default_rng(5))


def written(folder: Path, names: Iterable[str]) -> Path:
    """Write an image under each of *names* below *folder*."""
    for name, image in zip(names, IMAGES, strict=False):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(encoded(image))
    return folder


def test_a_folder_named_by_a_number_is_that_class(tmp_path: Path) -> None:
    """The numbers are not counted anew, leading zeros mean nothing, and names don't matter."""
    written(tmp_path, ["00012/a.png", "2/a.png", "2/b.png"])
    read = load_test_set(tmp_path, SIZE, max_pixels=LIMIT, class_names=("a", "b"))
    assert [12, 2, 2] == read.labels.tolist()
    assert np.array_equal(IMAGES[:3], read.images)


def test_a_folder_named_by_a_word_is_its_place_among_the_class_names(tmp_path: Path) -> None:
    """With names the order of the folders doesn't matter; a number may stand among them."""
    written(tmp_path, ["cat/1.png", "dog/1.png", "4/1.png"])
    names = ("dog", "fish", "cat")
    read = load_test_set(tmp_path, SIZE, max_pixels=LIMIT, class_names=names)
    assert [4, 2, 0] == read.labels.tolist()


def test_without_names_the_folders_are_counted(tmp_path: Path) -> None:
    """Without names folders count in sorted order, as in training tools, in a zip too."""
    folder = written(tmp_path / "tree", ["test/dog/1.png", "test/cat/2.png", "test/cat/1.png"])
    archive = tmp_path / "test.zip"
    with zipfile.ZipFile(archive, "w") as files:
        for file in folder.rglob("*.png"):
            files.write(file, file.relative_to(folder))
    for path in (folder, archive):
        read = load_test_set(path, SIZE, max_pixels=LIMIT)
        assert [0, 0, 1] == read.labels.tolist()
        assert np.array_equal(IMAGES[[2, 1, 0]], read.images)


def test_arrays_bring_their_classes(tmp_path: Path) -> None:
    """A .npz has x and y, whatever integers y is of."""
    np.savez(tmp_path / "test.npz", x=IMAGES, y=np.array([3, 1, 2, 0, 3, 3], np.uint8))
    read = load_test_set(tmp_path / "test.npz", SIZE, max_pixels=LIMIT)
    assert [3, 1, 2, 0, 3, 3] == read.labels.tolist()
    assert np.dtype(np.int64) == read.labels.dtype


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"x": IMAGES}, "no array named y"),
        ({"x": IMAGES, "y": np.zeros(5, np.int64)}, r"y is \(5,\) int64 for 6 images"),
        ({"x": IMAGES, "y": np.zeros(6)}, r"y is \(6,\) float64"),
        ({"x": IMAGES, "y": np.full(6, -1)}, "negative"),
        ({"y": np.zeros(6, np.int64)}, "no array named x"),
    ],
)
def test_wrong_arrays_are_refused_with_an_example(
    tmp_path: Path, arrays: dict[str, Any], said: str
) -> None:
    """Missing or misshapen classes are named, and what is wanted is shown."""
    np.savez(tmp_path / "test.npz", **arrays)
    with pytest.raises(ImageSetError, match=rf"test\.npz: .*{said}.*np\.savez"):
        load_test_set(tmp_path / "test.npz", SIZE, max_pixels=LIMIT)


def test_an_unknown_folder_is_named(tmp_path: Path) -> None:
    """A folder that is neither a number nor a class's name is named, with what to do."""
    written(tmp_path, ["cat/1.png", "bird/1.png"])
    with pytest.raises(
        ImageSetError, match=r"the folder 'bird' is not named after a class \(name each"
    ):
        load_test_set(tmp_path, SIZE, max_pixels=LIMIT, class_names=("dog", "cat"))


def test_images_outside_the_folders_are_refused(tmp_path: Path) -> None:
    """An image beside the folders has no class."""
    written(tmp_path, ["cat/1.png", "2.png"])
    with pytest.raises(ImageSetError, match="lie in no folder of a class"):
        load_test_set(tmp_path, SIZE, max_pixels=LIMIT)
