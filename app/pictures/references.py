"""The reference set: clean images from a folder, a zip of one, or a .npz."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Pillow

from app.pictures.decoding import ACCEPTED, PictureError, fitted, load

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from app.detection.search import Image, Images
    from app.ports import InputSize

AT_LEAST = 20
"""Fewer references decide nothing; 200 or more are advised."""
AT_MOST = 10_000
"""Each one is asked of the model once."""
MAX_BYTES = 1024**3

_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}
_EXAMPLE = "for example a folder, a .zip of one, or a .npz, with 200 or more clean images"


class ReferenceSetError(Exception):
    """The reference set can't be used: its path, what is wrong, and an example."""

    def __init__(self, path: Path, problem: str, example: str = _EXAMPLE) -> None:
        super().__init__(f"{path}: {problem} ({example})")


def load_references(
    path: Path, size: InputSize, *, max_pixels: int, at_most: int = AT_MOST
) -> Images:
    """Return the images at *path*, as the model takes them, in the order of their names.

    They go through the same decoding as the pictures of requests. Raises ReferenceSetError.
    """
    if path.is_dir():
        images = _decoded(path, _folder(path, at_most), size, max_pixels)
    elif path.suffix.lower() == ".zip" and path.is_file():
        images = _decoded(path, _zip(path, at_most), size, max_pixels)
    elif path.suffix.lower() == ".npz" and path.is_file():
        images = _fitted(_npz(path, at_most), size)
    else:
        problem = "no such file" if not path.exists() else "neither a folder nor a .zip nor a .npz"
        raise ReferenceSetError(path, problem)
    _check_count(path, len(images))
    return np.stack(images)


def fingerprint(images: Images) -> str:
    """Return a digest of the shape and the pixels of *images*: blake2b, 40 hex digits."""
    digest = hashlib.blake2b(repr(images.shape).encode(), digest_size=20)
    digest.update(images.tobytes())
    return digest.hexdigest()


def _decoded(
    path: Path, files: Iterable[tuple[str, bytes]], size: InputSize, max_pixels: int
) -> list[Image]:
    images = []
    for name, body in files:
        try:
            images.append(load(body, size, max_pixels=max_pixels))
        except PictureError as exc:
            raise ReferenceSetError(path, f"{name}: {exc}", "take the file out") from exc
    return images


def _folder(path: Path, at_most: int) -> Iterator[tuple[str, bytes]]:
    names = (file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
    for name in _chosen(path, names, at_most):
        try:
            yield name, (path / name).read_bytes()
        except OSError as exc:
            raise ReferenceSetError(path, f"{name} can't be read: {exc.strerror}") from exc


def _zip(path: Path, at_most: int) -> Iterator[tuple[str, bytes]]:
    # RuntimeError: a password; NotImplementedError: an odd compression.
    try:
        with zipfile.ZipFile(path) as archive:
            names = _chosen(path, archive.namelist(), at_most)
            _check_bytes(path, sum(archive.getinfo(name).file_size for name in names))
            for name in names:
                yield name, archive.read(name)
    except (OSError, RuntimeError, zipfile.BadZipFile, zlib.error) as exc:
        raise ReferenceSetError(path, f"this .zip can't be read: {exc}") from exc


def _chosen(path: Path, names: Iterable[str], at_most: int) -> list[str]:
    pictures = sorted(name for name in names if _is_picture(PurePosixPath(name)))
    if len(pictures) > at_most:
        raise ReferenceSetError(path, f"{len(pictures):,} images; at most {at_most:,} are taken")
    return pictures


def _is_picture(name: PurePosixPath) -> bool:
    hidden = any(part.startswith((".", "__MACOSX")) for part in name.parts)
    return name.suffix.lower() in _SUFFIXES and not hidden


def _npz(path: Path, at_most: int) -> Images:
    example = "x must be (n, height, width, 1 or 3) uint8: np.savez('references.npz', x=images)"
    try:
        with zipfile.ZipFile(path) as archive:
            _check_bytes(path, sum(member.file_size for member in archive.infolist()))
        with np.load(path, allow_pickle=False) as arrays:
            images: Images = arrays["x"]
    except KeyError as exc:
        raise ReferenceSetError(path, "it has no array named x", example) from exc
    except (OSError, ValueError, zipfile.BadZipFile, zlib.error) as exc:
        raise ReferenceSetError(path, f"this .npz can't be read: {exc}", example) from exc
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in {1, 3}:  # noqa: PLR2004
        raise ReferenceSetError(path, f"x is {images.shape} {images.dtype}", example)
    if len(images) > at_most:
        raise ReferenceSetError(path, f"{len(images):,} images; at most {at_most:,} are taken")
    return images


def _fitted(images: Images, size: InputSize) -> list[Image]:
    grey = images.shape[3] == 1
    return [fitted(Pillow.fromarray(image[:, :, 0] if grey else image), size) for image in images]


def _check_bytes(path: Path, total: int) -> None:
    if total > MAX_BYTES:
        raise ReferenceSetError(path, f"{total:,} bytes unpacked; at most {MAX_BYTES:,} are taken")


def _check_count(path: Path, count: int) -> None:
    if count == 0:
        raise ReferenceSetError(path, f"there is no image in it; {ACCEPTED} are taken")
    if count < AT_LEAST:
        raise ReferenceSetError(path, f"{count} images are too few; at least {AT_LEAST} are needed")
