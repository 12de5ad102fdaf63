"""Reference sets made to break the start: an ImageSetError each, in one line, within memory."""

from __future__ import annotations

import io
import os
import stat
import struct
import tracemalloc
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.pictures.image_sets import ImageSetError
from app.pictures.references import load_references
from app.ports import InputSize
from tests.files import encoded
from tests.tiny import SIDE, clean_images

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from app.detection.search import Images

IMAGES = clean_images(24, np.random.default_rng(5))
FILES = [encoded(image) for image in IMAGES]
MEGABYTES = bytes(200_000_000)


def loaded(path: Path) -> Images:
    """Load the references at *path*, and check that this takes no more than some megabytes."""
    tracemalloc.start()
    try:
        return load_references(path, InputSize(SIDE, SIDE, 3), max_pixels=1_000_000)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 20_000_000


def refused(path: Path, said: str) -> None:
    """Check that the set at *path* is refused in one line."""
    with pytest.raises(ImageSetError, match=said) as caught:
        loaded(path)
    assert str(caught.value).isprintable()


def zip_of(path: Path, extra: Callable[[zipfile.ZipFile], None]) -> Path:
    """Write a .zip with 24 pictures and something *extra*."""
    with zipfile.ZipFile(path / "set.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for i, file in enumerate(FILES):
            archive.writestr(f"{i:03}.png", file)
        extra(archive)
    return path / "set.zip"


def lie(path: Path, name: bytes, size: int) -> None:
    """Make the directory of the .zip at *path* tell another *size* of the file *name*."""
    body = bytearray(path.read_bytes())
    entry = body.rindex(name) - 46
    assert b"PK\1\2" == body[entry : entry + 4]
    body[entry + 24 : entry + 28] = struct.pack("<I", size)
    path.write_bytes(body)


def test_entry_that_is_larger_than_it_says(tmp_path: Path) -> None:
    """200 MB that are announced as 100 bytes are read as 100 bytes, and refused."""
    path = zip_of(tmp_path, lambda archive: archive.writestr("bomb.png", MEGABYTES))
    lie(path, b"bomb.png", 100)
    refused(path, r"this \.zip can't be read: Bad CRC-32 for file 'bomb.png'")


@pytest.mark.parametrize("size", [1024**3 + 1, 2**32 - 2])
def test_entry_that_says_that_it_is_huge(tmp_path: Path, size: int) -> None:
    """An archive is refused by what it announces."""
    path = zip_of(tmp_path, lambda archive: archive.writestr("bomb.png", b"x"))
    lie(path, b"bomb.png", size)
    refused(path, "bytes unpacked; at most")


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_packing_that_cant_be_bounded(tmp_path: Path, packing: int) -> None:
    """Entries that would be unpacked whole, whatever comes out, aren't unpacked."""
    path = zip_of(tmp_path, lambda archive: archive.writestr("b.png", b"x" * 1000, packing))
    refused(path, "b.png is packed neither as it is nor by deflate")


def test_names_that_climb_out_lead_nowhere(tmp_path: Path) -> None:
    """Nothing is written, whatever the names; those with dots in front are passed over."""
    outside = ("../climbed.png", "/tmp/climbed.png", "a/../../climbed.png")  # noqa: S108
    inside = tmp_path / "inside"
    inside.mkdir()

    def climbing(archive: zipfile.ZipFile) -> None:
        for name in outside:
            archive.writestr(name, FILES[0])

    assert 25 == len(loaded(zip_of(inside, climbing)))
    assert ["inside"] == [file.name for file in tmp_path.iterdir()]


def test_symbolic_link_in_an_archive_is_its_text(tmp_path: Path) -> None:
    """A link that is packed isn't followed: it is a file with a path in it, which is no picture."""

    def linked(archive: zipfile.ZipFile) -> None:
        link = zipfile.ZipInfo("link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")

    refused(zip_of(tmp_path, linked), "link.png: this is not a readable picture")


def test_archive_in_an_archive_is_not_opened(tmp_path: Path) -> None:
    """An archive within an archive is passed over, as all that has no picture's name."""
    nested = io.BytesIO()
    with zipfile.ZipFile(nested, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.png", MEGABYTES[:2_000_000])
    path = zip_of(tmp_path, lambda archive: archive.writestr("deeper.zip", nested.getvalue()))
    assert 24 == len(loaded(path))


def test_thousands_of_entries(tmp_path: Path) -> None:
    """More pictures than are taken are refused by the directory, before one is unpacked."""

    def many(archive: zipfile.ZipFile) -> None:
        for i in range(10_000):
            archive.writestr(f"more/{i}.png", b"")

    refused(zip_of(tmp_path, many), "10,024 images; at most 10,000 are taken")


def test_name_that_would_spoil_a_line(tmp_path: Path) -> None:
    """A name with line breaks or escapes in it is shown, not obeyed."""
    path = zip_of(tmp_path, lambda archive: archive.writestr("a\n\x1b[2Jb.png", b"none"))
    refused(path, r"a\\n\\x1b\[2Jb.png")


def test_encrypted_entry(tmp_path: Path) -> None:
    """An entry that wants a password is an error in words."""
    path = zip_of(tmp_path, lambda archive: archive.writestr("secret.png", b"x"))
    body = bytearray(path.read_bytes())
    body[body.rindex(b"secret.png") - 46 + 8] |= 1
    path.write_bytes(body)
    refused(path, r"this \.zip can't be read: .*password required")


def npz_of(path: Path, member: bytes, name: str = "x.npy") -> Path:
    """Write a .npz of one *member*."""
    with zipfile.ZipFile(path / "set.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, member)
    return path / "set.npz"


def npy(header: str, content: bytes = b"", version: int = 1) -> bytes:
    """Return an array's file with this *header*."""
    text = header.encode()
    length = struct.pack("<H", len(text)) if version == 1 else struct.pack("<I", len(text))
    return b"\x93NUMPY" + bytes((version, 0)) + length + text + content


def header(shape: object, descr: object = "|u1") -> str:
    """Return the text that describes an array."""
    return repr({"descr": descr, "fortran_order": False, "shape": shape})


@pytest.mark.parametrize(
    ("member", "said"),
    [
        (npy(header((2**40, 16, 16, 3)), b"x"), "tells of .* bytes, but there are 1"),
        (npy(header((2**62, 2**62, 2**62, 3)), b"x"), "tells of .* bytes, but there are 1"),
        (npy(header((2**40, 16, 16, 3)), b"x", 2), "tells of .* bytes, but there are 1"),
        (npy(header((24, 16, 16, 3)), bytes(24 * 16 * 16 * 3 + 1)), "tells of"),
        (npy(header((-1, 16, 16, 3)), b""), "tells of"),
        (npy(header((24,), "|O"), b"\x80\x04N."), "pickled objects"),
        (npy(header((1,), [("a", "|O")]), b"\x80\x04N."), "pickled objects"),
        (npy(header((24, 16, 16, 3)), version=3), "can't be read"),
        (npy("(" * 9000), "can't be read"),
        (npy("{" + "-" * 9000), "can't be read"),
        (npy("x" * 20_000), "can't be read"),
        (npy("__import__('os')"), "can't be read"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff", "can't be read"),
        (b"", "can't be read"),
        (npy(header((0, 16, 16, 3))), "no image in it"),
        (npy(header((24, 0, 16, 3))), r"x is \(24, 0, 16, 3\)"),
        (npy(header((24, 16, 16, 0))), r"x is \(24, 16, 16, 0\)"),
    ],
)
def test_array_that_lies(tmp_path: Path, member: bytes, said: str) -> None:
    """A header of terabytes, pickled objects, and headers that are none."""
    refused(npz_of(tmp_path, member), said)


def test_array_that_unpacks_to_more_than_it_says(tmp_path: Path) -> None:
    """200 MB behind a header of a few images are announced, and don't fit it."""
    refused(npz_of(tmp_path, npy(header((24, 16, 16, 3)), MEGABYTES)), "tells of 18,432 bytes")


def test_link_in_a_folder_to_no_file(tmp_path: Path) -> None:
    """Links to nothing, to folders above and to what is no file are passed over."""
    for i, file in enumerate(FILES):
        (tmp_path / f"{i}.png").write_bytes(file)
    (tmp_path / "nothing.png").symlink_to("missing.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.png")
    assert 24 == len(loaded(tmp_path))


def test_file_of_gigabytes_in_a_folder(tmp_path: Path) -> None:
    """A file that is larger than any picture is refused unread."""
    with (tmp_path / "large.png").open("wb") as file:
        file.truncate(1024**3 + 1)
    refused(tmp_path, "1,073,741,825 bytes")
