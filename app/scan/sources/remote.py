"""Files at addresses that fsspec knows: `s3://`, `gs://`, `az://` and others; extra `cloud`."""

from __future__ import annotations

import errno
import hashlib
import io
import os
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import IO, TYPE_CHECKING, Any, Final, cast

from app.scan.sources.items import Item, Kind, Place, SourceError, UnreadableError, shown
from app.scan.sources.names import is_hidden
from app.settings.sources import check_scheme

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fsspec import AbstractFileSystem

BLOCK_BYTES: Final = 2**20
"""Of an archive that are fetched at once."""

_VERSIONS = ("ETag", "etag", "md5Hash", "content_md5", "checksum")
_TIMES = ("LastModified", "last_modified", "mtime", "updated", "created")


def is_address(path: str) -> bool:
    """Tell whether *path* is an address and no file of this machine."""
    return "://" in path


def found_below(address: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the address and the facts of each file at *address* or below it, by name.

    One folder's listing is in memory at a time. Raises SourceError.
    """
    try:
        files, path = _opened(address)
        facts = files.info(path)
        if facts["type"] != "directory":
            yield address, facts
            return
        scheme, _, rest = address.partition("://")
        path, top = path.rstrip("/"), f"{scheme}://{rest.rstrip('/')}"  # stores strip what they can
        for folder, folders, here in files.walk(path, detail=True):
            for name in [name for name in folders if is_hidden(name)]:
                del folders[name]
            for name in sorted(here):
                if name and not is_hidden(name):
                    yield f"{top}{folder.rstrip('/')[len(path) :]}/{name}", here[name]
    except SourceError:
        raise
    except Exception as exc:  # each store's client has errors of its own
        message = f"{shown(address)}: {_words(exc)}"
        raise SourceError(message) from exc


def item_of(address: str, facts: dict[str, Any]) -> Item:
    """Return the item that is a file of its own."""
    size = int(facts.get("size") or 0)
    place = Place(Kind.ADDRESS, address, size=size)
    return Item(shown(address), place, stamp_of(facts), modified_of(facts))


def stamp_of(facts: dict[str, Any]) -> str:
    """Return what changes when the file does; empty where the store tells nothing of that."""
    version = next((facts[name] for name in _VERSIONS if facts.get(name)), None)
    told = version or modified_of(facts)
    if told is None:
        return ""
    return hashlib.blake2b(f"{facts.get('size')}:{told}".encode(), digest_size=12).hexdigest()


def modified_of(facts: dict[str, Any]) -> int | None:
    """Return when it was written, in seconds since 1970."""
    for name in _TIMES:
        match facts.get(name):
            case datetime() as moment:
                return int(moment.timestamp())
            case int() | float() as seconds:
                return int(seconds)
            case _:
                continue
    return None


def facts_of(address: str) -> dict[str, Any]:
    """Return what is known of the file at *address*. Raises UnreadableError."""
    try:
        files, path = _opened(address)
        facts: dict[str, Any] = files.info(path)
    except Exception as exc:  # as above
        raise UnreadableError(_words(exc)) from exc
    return facts


def open_remote(address: str) -> IO[bytes]:
    """Open an archive at *address*: parts of it are fetched as they are read. Raises OSError."""
    with _raising_os_error():
        files, path = _opened(address)
        return cast("IO[bytes]", _Archive(files.open(path, "rb", block_size=BLOCK_BYTES)))


class _Archive(io.BufferedIOBase):
    """An open file there, which raises OSError as any file does when its store is away."""

    def __init__(self, opened: IO[bytes]) -> None:
        self._opened = opened

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        with _raising_os_error():
            return self._opened.read(-1 if size is None else size)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._opened.seek(offset, whence)

    def tell(self) -> int:
        return self._opened.tell()

    def close(self) -> None:
        self._opened.close()
        super().close()


@contextmanager
def _raising_os_error() -> Iterator[None]:
    try:
        yield
    except Exception as exc:  # each store's client has errors of its own
        raise OSError(_words(exc)) from exc


def fetch(address: str, most: int) -> bytes:
    """Return at most *most* bytes of the file at *address*. Raises UnreadableError."""
    try:
        files, path = _opened(address)
        body: bytes = files.cat_file(path, start=0, end=most)
    except Exception as exc:  # as above
        if facts_of(address).get("size") == 0:  # of an empty file stores have no first byte
            return b""
        raise UnreadableError(_words(exc)) from exc
    return body


@lru_cache(maxsize=16)
def _store(scheme: str, host: str) -> AbstractFileSystem:
    from fsspec.core import url_to_fs  # noqa: PLC0415  # an extra

    files, _ = url_to_fs(f"{scheme}://{host}", use_listings_cache=False)
    return files


def _opened(address: str) -> tuple[AbstractFileSystem, str]:
    scheme, _, rest = address.partition("://")
    try:
        check_scheme(scheme)
    except ValueError as exc:
        message = f"{shown(address)}: {exc}"
        raise SourceError(message) from exc
    files = _store(scheme, rest.partition("/")[0])
    return files, str(files._strip_protocol(address))  # noqa: SLF001  # as its own url_to_fs does


def _words(error: Exception) -> str:
    """Return what is wrong, in one line."""
    if isinstance(error, FileNotFoundError):  # some stores' clients tell its name alone
        return os.strerror(errno.ENOENT)
    told = getattr(error, "strerror", None) or str(error)
    return " ".join(told.split()) or type(error).__name__
