"""Where files lie: a folder of this machine, or whatever fsspec knows."""

from __future__ import annotations

import os
import secrets
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from app.quarantine.eviction import File

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fsspec import AbstractFileSystem

_NEW: Final = ".new-"
"""What the name of a file begins with that isn't whole yet."""

ABANDONED_S: Final = 3600.0
"""After this a file that isn't whole is one of a process that has died."""


class Place(Protocol):
    """Files by their paths below it. It fails with OSError, or with errors of its own kind."""

    def address(self, path: str) -> str:
        """Return where *path* is found by others."""
        ...

    def write(self, path: str, content: bytes) -> None:
        """Write a file, whole or not at all, in place of one that is there."""
        ...

    def files(self) -> Iterator[File]:
        """Yield all files."""
        ...

    def remove(self, path: str) -> None:
        """Remove a file; one that is gone already is no error."""
        ...


class Folder:
    """A folder; what is made in it is for its owner alone."""

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()

    def address(self, path: str) -> str:
        """Return the absolute path; bytes in it that are no UTF-8 stay visible."""
        return str(self._path / path).encode(errors="backslashreplace").decode()

    def write(self, path: str, content: bytes) -> None:
        """Write a file under another name first."""
        target = self._path / path
        _make(target.parent)
        new = self._path / f"{_NEW}{secrets.token_hex(8)}"
        try:
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            new.replace(target)
        except BaseException:
            new.unlink(missing_ok=True)
            raise

    def files(self) -> Iterator[File]:
        """Yield all files; those that were never finished are removed."""
        for parent, _, names in os.walk(self._path):
            for name in names:
                file = Path(parent, name)
                try:
                    told = file.stat(follow_symlinks=False)
                except FileNotFoundError:  # another worker was faster
                    continue
                if name.startswith(_NEW):
                    if told.st_mtime < time.time() - ABANDONED_S:
                        file.unlink(missing_ok=True)
                    continue
                path = file.relative_to(self._path).as_posix()
                yield File(path, told.st_size, told.st_mtime)

    def remove(self, path: str) -> None:
        """Remove a file; folders stay."""
        (self._path / path).unlink(missing_ok=True)


class Cloud:
    """A place that fsspec knows by its *address*. Raises ImportError, ValueError."""

    def __init__(self, address: str) -> None:
        from fsspec.core import url_to_fs  # noqa: PLC0415  # the extra `cloud`

        files, path = url_to_fs(address, use_listings_cache=False)
        self._files: AbstractFileSystem = files
        self._path = str(path).rstrip("/")
        self._bucket = _first(self._path)
        self._address = address.rstrip("/")

    def address(self, path: str) -> str:
        """Return the address below that of the place."""
        return f"{self._address}/{path}"

    def write(self, path: str, content: bytes) -> None:
        """Write a file; object stores have it whole or not at all."""
        target = f"{self._path}/{path}"
        try:
            self._files.pipe_file(target, content)
        except FileNotFoundError:  # there are folders there, as by sftp
            if not self._files.exists(self._bucket):  # it isn't ours to make
                raise
            self._files.makedirs(target.rpartition("/")[0], exist_ok=True)
            self._files.pipe_file(target, content)

    def files(self) -> Iterator[File]:
        """Yield all files."""
        for path, told in self._files.find(self._path, detail=True).items():
            below = path.removeprefix(self._path).lstrip("/")
            yield File(below, int(told.get("size") or 0), _written_s(told))

    def remove(self, path: str) -> None:
        """Remove a file."""
        try:
            self._files.rm_file(f"{self._path}/{path}")
        except FileNotFoundError:
            return


def _first(path: str) -> str:
    """Return the first folder of *path*: the bucket, in an object store."""
    end = path.find("/", 1)
    return path if end < 0 else path[:end]


def _make(folder: Path) -> None:
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(mode=0o700, exist_ok=True)


def _written_s(told: dict[str, Any]) -> float:
    """Return when a file was written, by whatever name its store says it; now if by none."""
    for name in ("LastModified", "last_modified", "mtime", "updated", "created"):
        match told.get(name):
            case datetime() as moment:
                return moment.timestamp()
            case int() | float() as seconds:
                return float(seconds)
            case _:
                continue
    return time.time()
