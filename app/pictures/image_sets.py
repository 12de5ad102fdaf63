"""Sets of images: a folder tree of files, a .zip of one, or a .npz with an array ``x``."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as Pillow

from app.pictures.decoding import ACCEPTED, Opened, PictureError, fitted, load
from app.settings import Resize

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from app.detection.search import Image, Images
    from app.ports import InputSize

MAX_BYTES = 1024**3

_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}


class ImageSetError(Exception):
    """The set can't be used: its path, what is wrong, and what to do or an example."""

    def __init__(self, path: Path, problem: str, mend: str) -> None:
        super().__init__(f"{path}: {problem} ({mend})")


@dataclass(frozen=True)
class Fitting:
    """How pictures are made to fit: to which size, and by which way."""

    size: InputSize
    resize: Resize = Resize.STRETCH


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images (n, h, w, c), n >= 1, and the names of their files, none for those of a .npz."""

    images: Images
    names: tuple[str, ...]


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
        read = [("", image) for image in _fitted(_npz(path, at_most, example), fitting)]
    else:
        problem = "no such file" if not path.exists() else "neither a folder nor a .zip nor a .npz"
        raise ImageSetError(path, problem, example)
    if not read:
        raise ImageSetError(path, f"there is no image in it; {ACCEPTED} are taken", example)
    names = tuple(name for name, _ in read if name)
    return ImageSet(np.stack([image for _, image in read]), names)


def is_npz(path: Path) -> bool:
    """Tell whether *path* is a .npz."""
    return path.suffix.lower() == ".npz" and path.is_file()


def read_array(path: Path, name: str, mend: str) -> NDArray[Any]:
    """Return the array *name* in the .npz at *path*; no pickled objects. Raises ImageSetError."""
    try:
        with zipfile.ZipFile(path) as archive:
            _check_bytes(path, sum(member.file_size for member in archive.infolist()), mend)
        with np.load(path, allow_pickle=False) as arrays:
            array: NDArray[Any] = arrays[name]
    except KeyError as exc:
        raise ImageSetError(path, f"it has no array named {name}", mend) from exc
    except (OSError, ValueError, zipfile.BadZipFile, zlib.error) as exc:
        raise ImageSetError(path, f"this .npz can't be read: {exc}", mend) from exc
    return array


def _decoded(
    path: Path, files: Iterable[tuple[str, bytes]], fitting: Fitting, max_pixels: int
) -> list[tuple[str, Image]]:
    images = []
    for name, body in files:
        try:
            images.append((name, _load(body, fitting, max_pixels)))
        except PictureError as exc:
            raise ImageSetError(path, f"{name}: {exc}", "take the file out") from exc
    return images


def _folder(path: Path, at_most: int, example: str) -> Iterator[tuple[str, bytes]]:
    names = (file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
    for name in _chosen(path, names, at_most, example):
        try:
            yield name, (path / name).read_bytes()
        except OSError as exc:
            raise ImageSetError(path, f"{name} can't be read: {exc.strerror}", example) from exc


def _zip(path: Path, at_most: int, example: str) -> Iterator[tuple[str, bytes]]:
    # RuntimeError: a password; NotImplementedError: an odd compression.
    try:
        with zipfile.ZipFile(path) as archive:
            names = _chosen(path, archive.namelist(), at_most, example)
            _check_bytes(path, sum(archive.getinfo(name).file_size for name in names), example)
            for name in names:
                yield name, archive.read(name)
    except (OSError, RuntimeError, zipfile.BadZipFile, zlib.error) as exc:
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
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in {1, 3}:  # noqa: PLR2004
        raise ImageSetError(path, f"x is {images.shape} {images.dtype}", mend)
    _check_not_too_many(path, len(images), at_most, example)
    return images


def _load(body: bytes, fitting: Fitting, max_pixels: int) -> Image:
    return load(body, fitting.size, max_pixels=max_pixels, resize=fitting.resize)


def _fitted(images: Images, fitting: Fitting) -> list[Image]:
    grey = images.shape[3] == 1
    pictures = (Pillow.fromarray(image[:, :, 0] if grey else image) for image in images)
    return [fitted(Opened(picture), fitting.size, fitting.resize) for picture in pictures]


def _check_bytes(path: Path, total: int, mend: str) -> None:
    if total > MAX_BYTES:
        problem = f"{total:,} bytes unpacked; at most {MAX_BYTES:,} are taken"
        raise ImageSetError(path, problem, mend)


def _check_not_too_many(path: Path, count: int, at_most: int, example: str) -> None:
    if count > at_most:
        raise ImageSetError(path, f"{count:,} images; at most {at_most:,} are taken", example)
