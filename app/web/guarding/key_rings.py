"""The keys of one setting, as digests, by name; a file of keys is read again when it changes."""

from __future__ import annotations

import hashlib
import logging
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from os import stat_result
    from pathlib import Path

    from app.settings import KeySetting, NamedKey

logger = logging.getLogger(__name__)

LOOK_S: Final = 1.0
"""Between two looks at a file: a look costs more than all else about a request's key."""


class KeyRing:
    """Keys that stay as they are."""

    def __init__(self, keys: Iterable[NamedKey]) -> None:
        self._take(keys)

    def digests(self) -> tuple[bytes, ...]:
        """Return the digests of the keys that are known now."""
        return self._digests

    def name(self, known: bytes) -> str | None:
        """Return what the key of this digest is called, None where it isn't known here."""
        return self._names.get(known)

    def _take(self, keys: Iterable[NamedKey]) -> None:
        each = [(digest(key.secret.get_secret_value().encode()), key.name) for key in keys]
        self._digests = tuple(known for known, _ in each)
        self._names = {known: name or unnamed(known) for known, name in each}


class KeyFile(KeyRing):
    """Keys from a file, which is looked at when they are asked for, at most once in `LOOK_S`.

    A file that can't be read, or has no right keys in it, changes nothing: the last keys stay.
    """

    def __init__(
        self, name: str, setting: KeySetting, path: Path, clock: Callable[[], float]
    ) -> None:
        super().__init__(setting.values)
        self._name = name
        self._setting = setting
        self._path = path
        self._clock = clock
        self._next_look = clock()
        self._read: tuple[int, ...] | None = None
        self._problem: str | None = None

    def digests(self) -> tuple[bytes, ...]:
        """Return the digests of the keys that the file has, or had when it was last right."""
        now = self._clock()
        if now >= self._next_look:
            self._next_look = now + LOOK_S
            self._look()
        return self._digests

    def _look(self) -> None:
        try:
            seen = _identity(self._path.stat())
            if seen != self._read:
                self._take(self._setting.read_again().values)
                self._read = seen
        except (OSError, ValueError) as exc:
            self._note((isinstance(exc, OSError) and exc.strerror) or str(exc))
        else:
            self._note(None)

    def _note(self, problem: str | None) -> None:
        if problem and problem != self._problem:
            logger.warning("%s, %s: %s; the last keys stay", self._name, self._path, problem)
        self._problem = problem


def key_ring(
    name: str, setting: KeySetting, clock: Callable[[], float] = time.monotonic
) -> KeyRing:
    """Return the keys of *setting*, whose variable is *name*; *clock* is in seconds."""
    if setting.path is None:
        return KeyRing(setting.values)
    return KeyFile(name, setting, setting.path, clock)


def digest(key: bytes) -> bytes:
    """Return what is kept and compared in place of *key*."""
    return hashlib.sha256(key).digest()


def unnamed(known: bytes) -> str:
    """Return what a key of this digest is called whose owner has given it no name.

    Its holder can work it out, and nobody can undo it.
    """
    return f"key-{known.hex()[:8]}"


def _identity(told: stat_result) -> tuple[int, ...]:
    """Return what changes with a file: by writing, by renaming another over it, by its mode."""
    return told.st_dev, told.st_ino, told.st_size, told.st_mtime_ns, told.st_ctime_ns
