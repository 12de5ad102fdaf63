"""Sets of images: a folder tree of files, a .zip of one, or a .npz with an array ``x``.

Nothing is unpacked to disk, so that no name in an archive leads anywhere. What an archive says of
its sizes is checked before it is unpacked, and nothing is read beyond it.
"""

from __future__ import annotations

import math
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as Pillow

from app.pictures.decoding import Opened, PictureError, fitted, opened
from app.pictures.formats.accepted import ACCEPTED
from app.settings import Resize

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from app.detection.search import Image, Images
    from app.ports import InputSize

MAX_BYTES = 1024**3
"""Of a file, or of all that comes out of an archive."""

# Python's zipfile bounds what comes out of these at once, but not of BZIP2 and LZMA.
_PACKINGS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ARRAY_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}

_GREY = ("1", "L", "I")
"""How the names of Pillow's modes without colours begin."""

_LYING = {5, 6, 7, 8}
"""EXIF's orientations that have height and width change places."""

_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}


class ImageSetError(Exception):
    """The set can't be used: its path, what is wrong, and what to do or an example."""

    def __init__(self, path: Path, problem: str, mend: str) -> None:
        one_line = " ".join(problem.split())
        super().__init__(f"{path}: {one_line} ({mend})")


@dataclass(frozen=True)
class Fitting:
    """How pictures are made to fit: to which size, and by which way."""

    size: InputSize
    resize: Resize = Resize.STRETCH


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images (n, h, w, c), n >= 1, and the names of their files, none for those of a .npz.

    ``shapes`` are those (h, w, c) that they came in.
    """

    images: Images
    names: tuple[str, ...]
    shapes: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, eq=False)
class _Read:
    """An image of the set, its file's name, and the shape that it came in."""

    name: str
    image: Image
    shape: tuple[int, int, int]


def read_image_set(
    path: Path, fitting: Fitting, *, max_pixels: int, at_most: int, example: str
) -> ImageSet:
    """Return the images at *path*, as the model takes them, in the order of their names.

    They go through the same decoding as the pictures of requests. *example* says in errors what
    could be at *path*. Raises ImageSetError.
    """
    if path.is_dir():
        read = _decoded(path, _folder(path, at_most, example), fitting, max_pixels)
    elif path.suffix.lower() == ".zip" and path.is_file():
        read = _decoded(path, _zip(path, at_most, example), fitting, max_pixels)
    elif is_npz(path):
        read = _fitted(_npz(path, at_most, example), fitting)
    else:
        problem = "no such file" if not path.exists() else "neither a folder nor a .zip nor a .npz"
        raise ImageSetError(path, problem, example)
    images = _together(read, fitting.size)
    if not len(images.images):
        raise ImageSetError(path, f"there is no image in it; {ACCEPTED} are taken", example)
    return images


def _together(read: Iterable[_Read], size: InputSize) -> ImageSet:
    """Return them as one set; a list of them all beside it would take their memory twice."""
    names: list[str] = []
    shapes: list[tuple[int, int, int]] = []

    def noted() -> Iterator[Image]:
        for one in read:
            names.extend([one.name] if one.name else [])
            shapes.append(one.shape)
            yield one.image

    image = np.dtype((np.uint8, (size.height, size.width, size.channels)))
    images: Images = np.fromiter(noted(), image)
    return ImageSet(images, tuple(names), tuple(shapes))


def is_npz(path: Path) -> bool:
    """Tell whether *path* is a .npz."""
    return path.suffix.lower() == ".npz" and path.is_file()


def read_array(path: Path, name: str, mend: str) -> NDArray[Any]:
    """Return the array *name* in the .npz at *path*; no pickled objects. Raises ImageSetError."""
    try:
        with zipfile.ZipFile(path) as archive:
            member = next(
                (one for one in archive.infolist() if one.filename == f"{name}.npy"), None
            )
            if member is not None:
                _check_members(path, [member], mend)
                _check_array(archive, member)
        with np.load(path, allow_pickle=False) as arrays:
            array: NDArray[Any] = arrays[name]
    except ImageSetError:
        raise
    except KeyError as exc:
        raise ImageSetError(path, f"it has no array named {name}", mend) from exc
    except Exception as exc:  # a hostile file raises whatever a parser stumbles on
        raise ImageSetError(path, f"this .npz can't be read: {exc}", mend) from exc
    return array


def _check_array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Return if *member* is as long as its header says: numpy takes the memory before it reads."""
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        if version not in _ARRAY_HEADERS:
            message = f"its arrays are of the version {version}"
            raise ValueError(message)
        shape, _, dtype = _ARRAY_HEADERS[version](file)
        told, there = math.prod(shape) * dtype.itemsize, member.file_size - file.tell()
    if dtype.hasobject:
        message = "it holds pickled objects"
        raise ValueError(message)
    if told != there:
        message = f"its header tells of {told:,} bytes, but there are {there:,}"
        raise ValueError(message)


def _decoded(
    path: Path, files: Iterable[tuple[str, bytes]], fitting: Fitting, max_pixels: int
) -> Iterator[_Read]:
    for name, body in files:
        try:
            picture = opened(body, max_pixels=max_pixels)
            image = fitted(picture, fitting.size, fitting.resize)
        except PictureError as exc:
            raise ImageSetError(path, f"{_shown(name)}: {exc}", "take the file out") from exc
        yield _Read(name, image, _shape(picture))


def _folder(path: Path, at_most: int, example: str) -> Iterator[tuple[str, bytes]]:
    names = (file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
    for name in _chosen(path, names, at_most, example):
        try:
            _check_bytes(path, (path / name).stat().st_size, example)
            yield name, (path / name).read_bytes()
        except OSError as exc:
            problem = f"{_shown(name)} can't be read: {exc.strerror}"
            raise ImageSetError(path, problem, example) from exc


def _zip(path: Path, at_most: int, example: str) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = _chosen(path, archive.namelist(), at_most, example)
            _check_members(path, [archive.getinfo(name) for name in names], example)
            for name in names:
                with archive.open(name) as file:
                    # Without a size zipfile would unpack all that is there, and then cut it off.
                    body = file.read(archive.getinfo(name).file_size)
                yield name, body
    except ImageSetError:
        raise
    except Exception as exc:  # a hostile file raises whatever a parser stumbles on
        raise ImageSetError(path, f"this .zip can't be read: {exc}", example) from exc


def _chosen(path: Path, names: Iterable[str], at_most: int, example: str) -> list[str]:
    pictures = sorted(name for name in names if _is_picture(PurePosixPath(name)))
    _check_not_too_many(path, len(pictures), at_most, example)
    return pictures


def _is_picture(name: PurePosixPath) -> bool:
    hidden = any(part.startswith((".", "__MACOSX")) for part in name.parts)
    return name.suffix.lower() in _SUFFIXES and not hidden


def _npz(path: Path, at_most: int, example: str) -> Images:
    mend = f"x must be (n, height, width, 1 or 3) uint8: np.savez('{path.name}', x=images)"
    images = read_array(path, "x", mend)
    there = images.ndim == 4 and 0 not in images.shape[1:]  # noqa: PLR2004
    if images.dtype != np.uint8 or not there or images.shape[3] not in {1, 3}:
        raise ImageSetError(path, f"x is {images.shape} {images.dtype}", mend)
    _check_not_too_many(path, len(images), at_most, example)
    return images


def _shape(picture: Opened) -> tuple[int, int, int]:
    """Return the shape of a *picture* as one sees it, upright."""
    width, height = picture.picture.size
    channels = 1 if picture.picture.mode.startswith(_GREY) else 3
    return (width, height, channels) if picture.orientation in _LYING else (height, width, channels)


def _fitted(images: Images, fitting: Fitting) -> Iterator[_Read]:
    height, width, channels = images.shape[1:]
    for image in images:
        picture = Opened(Pillow.fromarray(image[:, :, 0] if channels == 1 else image))
        fits = fitted(picture, fitting.size, fitting.resize)
        yield _Read("", fits, (height, width, channels))


def _check_members(path: Path, members: list[zipfile.ZipInfo], mend: str) -> None:
    _check_bytes(path, sum(member.file_size for member in members), mend)
    for member in members:
        if member.compress_type not in _PACKINGS:
            problem = f"{_shown(member.filename)} is packed neither as it is nor by deflate"
            raise ImageSetError(path, problem, mend)


def _shown(name: str) -> str:
    """Return a file's name as a part of one line."""
    return name if name.isprintable() else repr(name)


def _check_bytes(path: Path, total: int, mend: str) -> None:
    if total > MAX_BYTES:
        problem = f"{total:,} bytes unpacked; at most {MAX_BYTES:,} are taken"
        raise ImageSetError(path, problem, mend)


def _check_not_too_many(path: Path, count: int, at_most: int, example: str) -> None:
    if count > at_most:
        raise ImageSetError(path, f"{count:,} images; at most {at_most:,} are taken", example)
