"""Reference sets from folders, zips and arrays."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image as Pillow

from app.pictures.image_sets import ImageSetError
from app.pictures.references import fingerprint, load_references, read_references, remark
from app.ports import InputSize
from tests.files import encoded, huge_png
from tests.tiny import SIDE, clean_images

if TYPE_CHECKING:
    from pathlib import Path

SIZE = InputSize(SIDE, SIDE, 3)
LIMIT = 1_000_000
IMAGES = clean_images(24, np.random.default_rng(5))


def written(folder: Path, suffix: str = ".png") -> Path:
    """Write IMAGES into a tree below *folder*, in two classes."""
    for i, image in enumerate(IMAGES):
        file = folder / f"class-{i // 12}" / f"{i:03}{suffix}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(encoded(image))
    return folder


def zipped(folder: Path, archive: Path) -> Path:
    """Pack *folder*, its files in reverse order."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as files:
        for file in sorted(folder.rglob("*"), reverse=True):
            files.write(file, file.relative_to(folder))
    return archive


def test_folder_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    """A tree of files becomes one array, in the order of the paths."""
    assert np.array_equal(IMAGES, load_references(written(tmp_path), SIZE, max_pixels=LIMIT))


def test_zip_is_read_like_the_folder_in_it(tmp_path: Path) -> None:
    """A .zip gives the same array as the folder that was packed."""
    archive = zipped(written(tmp_path / "tree"), tmp_path / "references.ZIP")
    assert np.array_equal(IMAGES, load_references(archive, SIZE, max_pixels=LIMIT))


def test_npz_is_read_as_it_is(tmp_path: Path) -> None:
    """Arrays of the right size keep every pixel."""
    np.savez(tmp_path / "references.npz", x=IMAGES)
    loaded = load_references(tmp_path / "references.npz", SIZE, max_pixels=LIMIT)
    assert np.array_equal(IMAGES, loaded)


def test_npz_of_grey_images_is_brought_to_the_models_size(tmp_path: Path) -> None:
    """Grey arrays are repeated in three channels and stretched."""
    np.savez(tmp_path / "references.npz", x=np.full((20, 5, 9, 1), 77, dtype=np.uint8))
    loaded = load_references(tmp_path / "references.npz", SIZE, max_pixels=LIMIT)
    assert np.array_equal(np.full((20, SIDE, SIDE, 3), 77), loaded)


def test_other_files_and_hidden_ones_are_passed_over(tmp_path: Path) -> None:
    """Notes, hidden files and what macOS adds are no references."""
    written(tmp_path)
    (tmp_path / "LICENSE.txt").write_text("free")
    (tmp_path / ".hidden.png").write_text("no picture")
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX" / "a.png").write_text("no picture")
    assert len(IMAGES) == len(load_references(tmp_path, SIZE, max_pixels=LIMIT))


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("broken.png", b"no picture", "broken.png: this is not a readable picture"),
        ("huge.png", huge_png(), "huge.png: the picture has too many pixels"),
        ("cut.png", encoded(IMAGES[0])[:200], "cut.png: the picture is broken"),
    ],
)
def test_bad_file_in_the_folder_is_named(tmp_path: Path, name: str, body: bytes, said: str) -> None:
    """A file that can't be decoded is named, with what is wrong with it."""
    (written(tmp_path) / "class-1" / name).write_bytes(body)
    with pytest.raises(ImageSetError, match=f"class-1/{said}.*take the file out"):
        load_references(tmp_path, SIZE, max_pixels=LIMIT)


def test_missing_path_is_named(tmp_path: Path) -> None:
    """A path that isn't there is said to be so, with an example of what should be."""
    with pytest.raises(ImageSetError, match=r"nowhere: no such file \(for example a folder"):
        load_references(tmp_path / "nowhere", SIZE, max_pixels=LIMIT)


def test_other_kind_of_file_is_refused(tmp_path: Path) -> None:
    """A file that is none of the three kinds is refused."""
    (tmp_path / "references.tar").write_bytes(b"")
    with pytest.raises(ImageSetError, match=r"neither a folder nor a \.zip nor a \.npz"):
        load_references(tmp_path / "references.tar", SIZE, max_pixels=LIMIT)


def test_empty_folder_is_refused(tmp_path: Path) -> None:
    """A folder without images is refused, and the formats are named."""
    with pytest.raises(ImageSetError, match="no image in it; PNG, JPEG, WebP and BMP"):
        load_references(tmp_path, SIZE, max_pixels=LIMIT)


def test_too_few_images_are_refused(tmp_path: Path) -> None:
    """19 references are too few."""
    np.savez(tmp_path / "references.npz", x=IMAGES[:19])
    with pytest.raises(ImageSetError, match="19 images are too few; at least 20"):
        load_references(tmp_path / "references.npz", SIZE, max_pixels=LIMIT)


@pytest.mark.parametrize("kind", ["folder", "zip", "npz"])
def test_too_many_images_are_refused(tmp_path: Path, kind: str) -> None:
    """More images than the limit are refused in all three forms."""
    folder = written(tmp_path / "folder")
    np.savez(tmp_path / "npz.npz", x=IMAGES)
    zipped(folder, tmp_path / "zip.zip")
    path = {"folder": folder, "zip": tmp_path / "zip.zip", "npz": tmp_path / "npz.npz"}[kind]
    with pytest.raises(ImageSetError, match="24 images; at most 23 are taken"):
        load_references(path, SIZE, max_pixels=LIMIT, at_most=23)


def test_zip_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    """An archive is refused by the sizes that it announces, before it is unpacked."""
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w") as archive:
        archive.writestr("bomb.png", bytes(100))
        archive.infolist()[0].file_size = 1024**3 + 1  # goes into the directory at the end
    with pytest.raises(ImageSetError, match="bytes unpacked; at most"):
        load_references(tmp_path / "bomb.zip", SIZE, max_pixels=LIMIT)


@pytest.mark.parametrize("suffix", [".zip", ".npz"])
@pytest.mark.parametrize("damage", ["text", "cut", "flipped"])
def test_damaged_archive_is_refused(tmp_path: Path, suffix: str, damage: str) -> None:
    """Text, half an archive, and one with changed bytes are errors with the path in them."""
    path = tmp_path / f"references{suffix}"
    if suffix == ".zip":
        zipped(written(tmp_path / "tree"), path)
    else:
        np.savez_compressed(path, x=IMAGES)
    whole = path.read_bytes()
    flipped = whole[:100] + bytes(60) + whole[160:]
    path.write_bytes({"text": b"text", "cut": whole[: len(whole) // 2], "flipped": flipped}[damage])
    with pytest.raises(ImageSetError, match=rf"references\{suffix}: "):
        load_references(path, SIZE, max_pixels=LIMIT)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"images": IMAGES}, "no array named x"),
        ({"x": IMAGES.astype(np.float32)}, "float32"),
        ({"x": IMAGES[..., 0]}, r"x is \(24, 16, 16\)"),
        ({"x": np.array([{"a": 1}], dtype=object)}, "can't be read"),
    ],
)
def test_wrong_npz_is_refused_with_an_example(
    tmp_path: Path, arrays: dict[str, Any], said: str
) -> None:
    """A wrong name, type or shape, or pickled objects: the message shows what is wanted."""
    np.savez(tmp_path / "references.npz", **arrays)
    with pytest.raises(ImageSetError, match=rf"{said}.*np\.savez"):
        load_references(tmp_path / "references.npz", SIZE, max_pixels=LIMIT)


def test_fingerprint_tells_sets_apart() -> None:
    """One changed pixel, or another shape of the same bytes, has another fingerprint."""
    changed = IMAGES.copy()
    changed[3, 2, 1, 0] ^= 1
    prints = {fingerprint(IMAGES), fingerprint(changed), fingerprint(IMAGES.reshape(12, 32, 16, 3))}
    assert 3 == len(prints)
    assert fingerprint(IMAGES) == fingerprint(IMAGES.copy())


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        ([(48, 40, 3)] * 200, []),
        ([(48, 40, 3)] * 20, ["20 images are few: with less than 200"]),
        (
            [(48, 40, 3)] * 180 + [(480, 640, 3)] * 15 + [(24, 20, 3)] * 5,
            ["20 of 200 images have another size than the model's 48x40 (24x20 to 480x640)"],
        ),
        ([(48, 40, 1)] * 200, ["200 of 200 images are grey, and the model takes colour"]),
        (
            [(28, 28, 1)] * 20,
            [
                "20 images are few",
                "(28x28): NEO_INPUT_RESIZE makes them fit",
                "20 of 20 images are",
            ],
        ),
    ],
)
def test_what_is_said_of_them(shapes: list[tuple[int, int, int]], expected: list[str]) -> None:
    """Few ones, and those of another size or number of channels, are said with their figures."""
    said = remark(shapes, InputSize(48, 40, 3))
    assert len(expected) == len([] if said is None else said.split("; "))
    assert [] == [words for words in expected if said is None or words not in said]


def test_the_shapes_are_those_of_the_files(tmp_path: Path) -> None:
    """What is said is of the pictures as one sees them: turned by EXIF, and grey if they are."""
    for number in range(20):
        turned = Pillow.Exif()
        turned[0x0112] = 6
        picture = Pillow.new("L", (30, 20), number)
        picture.save(tmp_path / f"{number}.jpg", exif=turned)
    said = read_references(tmp_path, SIZE, max_pixels=LIMIT).remark
    assert said is not None
    assert "(30x20): NEO_INPUT_RESIZE" in said
    assert "20 of 20 images are grey" in said
