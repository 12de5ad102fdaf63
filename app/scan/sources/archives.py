"""Pictures in a .zip or a .tar. Nothing is unpacked to disk: no name in it leads anywhere."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import time
import zipfile
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, Final

from app.scan.sources.files import about, located, opened
from app.scan.sources.items import Item, Kind, Place, UnreadableError, shown
from app.scan.sources.names import is_picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PACKINGS: Final = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
"""Python's zipfile bounds what comes out of these at once, but not of others."""

INSIDE: Final = "!/"
"""Between an archive's path and a member's name."""

_ENCRYPTED = 1
_UNPACKERS: Final[dict[bytes, Callable[[IO[bytes]], Any]]] = {
    b"\x1f\x8b": gzip.open,
    b"BZ": bz2.open,
    b"\xfd7": lzma.open,
}
_DAMAGED = (
    *(OSError, EOFError, ValueError, RuntimeError, NotImplementedError, lzma.LZMAError),
    UnreadableError,
)
"""What Python's own modules raise of a damaged or a hostile archive."""


def listed_zip(path: str) -> Iterator[Item]:
    """Yield the pictures of the .zip at *path*, in its own order."""
    file = located(path)
    try:
        with opened_zip(path) as archive:
            for member in archive.infolist():
                if is_picture(member.filename):
                    place = Place(Kind.ZIP, file, member.filename, size=member.file_size)
                    stamp = f"{member.CRC:08x}:{member.file_size}"
                    name = shown(f"{path}{INSIDE}{member.filename}")
                    yield Item(name, place, stamp, _modified(member), _refused(member))
    except (*_DAMAGED, zipfile.BadZipFile) as exc:
        yield _unreadable(path, "zip", Place(Kind.ZIP, file), exc)


@contextmanager
def opened_zip(path: str) -> Iterator[zipfile.ZipFile]:
    """Open the .zip at *path*. Raises OSError, BadZipFile."""
    with opened(path) as file, zipfile.ZipFile(file) as archive:
        yield archive


def read_zip(archive: zipfile.ZipFile, place: Place) -> bytes:
    """Return the member of an open .zip. Raises UnreadableError."""
    try:
        with archive.open(place.member) as file:
            # Without a size zipfile would unpack all that is there, and then cut it off.
            return file.read(place.size)
    except (*_DAMAGED, zipfile.BadZipFile, KeyError) as exc:
        message = f"it can't be taken out of the .zip: {_words(exc)}"
        raise UnreadableError(message) from exc


def listed_tar(path: str) -> Iterator[Item]:
    """Yield the pictures of the .tar at *path*, packed or not, in its own order."""
    file = located(path)
    try:
        changed = about(path).stamp
        with opened_tar(path) as unpacked, tarfile.open(fileobj=unpacked) as archive:
            while (member := archive.next()) is not None:
                archive.members = []  # type: ignore[attr-defined]  # it would keep them all
                if member.isfile() and is_picture(member.name):
                    place = Place(Kind.TAR, file, "", member.offset_data, member.size)
                    stamp = f"{changed}:{member.offset_data}:{member.size}"
                    name = shown(f"{path}{INSIDE}{member.name}")
                    reason = "a sparse member is not taken" if member.issparse() else None
                    yield Item(name, place, stamp, int(member.mtime), reason)
    except (*_DAMAGED, tarfile.TarError) as exc:
        yield _unreadable(path, "tar", Place(Kind.TAR, file), exc)


@contextmanager
def opened_tar(path: str) -> Iterator[IO[bytes]]:
    """Open the .tar at *path* as what it is unpacked. Raises OSError."""
    with opened(path) as file:
        unpack = _UNPACKERS.get(file.read(2))
        file.seek(0)
        if unpack is None:
            yield file
            return
        with unpack(file) as unpacked:
            yield unpacked


def read_tar(unpacked: IO[bytes], place: Place) -> bytes:
    """Return a part of an open .tar; forwards is quick. Raises UnreadableError."""
    try:
        unpacked.seek(place.start)
        body = unpacked.read(place.size)
    except _DAMAGED as exc:
        message = f"it can't be taken out of the .tar: {_words(exc)}"
        raise UnreadableError(message) from exc
    if len(body) != place.size:
        message = "the .tar ends within it"
        raise UnreadableError(message)
    return body


def _refused(member: zipfile.ZipInfo) -> str | None:
    if member.flag_bits & _ENCRYPTED:
        return "it is encrypted"
    if member.compress_type not in PACKINGS:
        return "it is packed neither as it is nor by deflate"
    return None


def _modified(member: zipfile.ZipInfo) -> int | None:
    try:
        return int(time.mktime((*member.date_time, 0, 0, -1)))
    except (OverflowError, ValueError):
        return None


def _unreadable(path: str, kind: str, place: Place, error: Exception) -> Item:
    return Item(shown(path), place, reason=f"this .{kind} can't be read: {_words(error)}")


def _words(error: Exception) -> str:
    """Return what is wrong, in one line."""
    return " ".join(str(error).split()) or type(error).__name__
