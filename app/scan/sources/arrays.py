"""Images in a .npz: the array ``x`` (n, height, width, 1 or 3) uint8, read one image at a time."""

from __future__ import annotations

import math
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

import numpy as np

from app.scan.sources.archives import INSIDE, PACKINGS, opened_zip
from app.scan.sources.files import about, located
from app.scan.sources.items import Content, Item, Kind, Place, UnreadableError, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

ARRAY: Final = "x.npy"

_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
_DIMENSIONS = 4


@dataclass(frozen=True, eq=False)
class OpenArray:
    """The array of an open .npz: its bytes from ``begin`` on, so many images of a ``shape``."""

    file: IO[bytes]
    begin: int
    count: int
    shape: tuple[int, int, int]

    def read(self, place: Place) -> Content:
        """Return the image of number ``place.start``. Raises UnreadableError."""
        size = math.prod(self.shape)
        try:
            self.file.seek(self.begin + place.start * size)
            body = self.file.read(size)
        except (OSError, EOFError, ValueError, zipfile.BadZipFile) as exc:
            message = f"it can't be taken out of the .npz: {exc}"
            raise UnreadableError(message) from exc
        if len(body) != size:
            message = "the .npz ends within it"
            raise UnreadableError(message)
        return Content(body, self.shape)


def listed_array(path: str) -> Iterator[Item]:
    """Yield the images of the .npz at *path*; of one that can't be read a single item says why."""
    file = located(path)
    try:
        facts = about(path)
        with opened_array(path) as array:
            count = array.count
    except UnreadableError as exc:
        yield Item(shown(path), Place(Kind.ARRAY, file), reason=str(exc))
        return
    for i in range(count):
        name = shown(f"{path}{INSIDE}{i}")
        yield Item(name, Place(Kind.ARRAY, file, start=i), facts.stamp, facts.modified)


@contextmanager
def opened_array(path: str) -> Iterator[OpenArray]:
    """Open the array in the .npz at *path*; no pickled objects. Raises UnreadableError."""
    try:
        with opened_zip(path) as archive:
            member = archive.getinfo(ARRAY)
            with archive.open(member) as file:
                yield _checked(file, member)
    except KeyError as exc:
        message = "this .npz has no array named x"
        raise UnreadableError(message) from exc
    except (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile) as exc:
        message = f"this .npz can't be read: {' '.join(str(exc).split())}"
        raise UnreadableError(message) from exc


def _checked(file: IO[bytes], member: zipfile.ZipInfo) -> OpenArray:
    """Return the array in *file* if it is one of images, as long as its header says."""
    length = member.file_size
    if member.compress_type not in PACKINGS:
        message = "it is packed neither as it is nor by deflate"
        raise ValueError(message)
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        message = f"its arrays are of the version {version}"
        raise ValueError(message)
    shape, fortran, dtype = _HEADERS[version](file)
    begin = file.tell()
    images = len(shape) == _DIMENSIONS and 0 not in shape[1:] and shape[3] in {1, 3}
    if dtype != np.uint8 or not images or fortran:
        order = ", columns first" if fortran else ""
        message = f"x is {shape} {dtype}{order}, and not (n, height, width, 1 or 3) uint8"
        raise ValueError(message)
    if math.prod(shape) != length - begin:
        message = (
            f"its header tells of {math.prod(shape):,} bytes, but there are {length - begin:,}"
        )
        raise ValueError(message)
    count, height, width, channels = shape
    return OpenArray(file, begin, count, (height, width, channels))
