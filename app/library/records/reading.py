"""What a store's answers say; what can't be read is counted, named once, and left out."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from app import metrics
from app.library.records.basics import EncodingError, decode_time
from app.library.records.encoding import decode_entry, decode_sample

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from app.library.records.names import Keys
    from app.ports import Entry, Samples

logger = logging.getLogger(__name__)

NUMBER: Final = re.compile(rb"0|[1-9][0-9]{0,15}")
ID: Final = re.compile(rb"\w[\w.-]{0,63}")
"""Of a trigger: it becomes part of addresses, names of files and headers."""

LARGEST: Final = 2**53
"""As `lua.READING` has it."""

NAMED: Final = 1000
"""Fields that are named in the log; more are only counted."""

SHOWN: Final = 80
"""Characters of a field's name."""


class Unreadable:
    """What was left out so far: each is named once, until it has other bytes."""

    def __init__(self) -> None:
        self._told: set[tuple[str, bytes, int]] = set()

    def leave_out(self, key: str, field: bytes = b"", value: bytes = b"") -> None:
        """Count and name what is under *key*, or of that the *field*, which has *value*."""
        told = (key, field, hash(value))
        if told in self._told or len(self._told) >= 2 * NAMED:
            return
        self._told.add(told)
        metrics.STORE_UNREADABLE.inc()
        if len(self._told) <= NAMED:
            logger.warning("%s in Redis can't be read and is left out", _named(key, field))


def _named(key: str, field: bytes) -> str:
    name = f"{field.decode(errors='backslashreplace')!r:.{SHOWN}} of " if field else ""
    return f"{name}{key}"


class Entries:
    """It remembers what it has decoded: of a full library one entry changes at a time.

    ``unread`` are the names of those that couldn't be.
    """

    def __init__(self, keys: Keys, unreadable: Unreadable) -> None:
        self._key = keys.triggers
        self._unreadable = unreadable
        self._known: dict[bytes, tuple[bytes, Entry]] = {}
        self.unread: frozenset[bytes] = frozenset()

    def decoded(
        self,
        triggers: Mapping[bytes, bytes],
        hits: Mapping[str, int],
        seen: Mapping[str, datetime],
        now: datetime,
    ) -> dict[str, Entry]:
        """Return the entries in *triggers* by their ids, with their *hits* and last times.

        One of which no last time can be read was seen *now*: nothing is dropped for that.
        """
        self._known = {
            name: known
            for name, data in triggers.items()
            if (known := self._read(name, data)) is not None
        }
        self.unread = frozenset(triggers.keys() - self._known.keys())
        return {
            entry.id: replace(
                entry, hits=hits.get(entry.id, 0), last_seen_at=min(seen.get(entry.id, now), now)
            )
            for _, entry in self._known.values()
        }

    def _read(self, name: bytes, data: bytes) -> tuple[bytes, Entry] | None:
        known = self._known.get(name)
        if known is not None and known[0] == data:
            return known
        try:
            entry = decode_entry(data, hits=0, last_seen_at=None)
        except EncodingError:
            entry = None
        if entry is None or entry.id.encode(errors="replace") != name or not ID.fullmatch(name):
            self._unreadable.leave_out(self._key, name, data)
            return None
        return data, entry


def pairs(flat: Sequence[bytes]) -> dict[bytes, bytes]:
    """Return the fields of a hash, as Redis lists them."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def numbers(key: str, fields: Mapping[bytes, bytes], unreadable: Unreadable) -> dict[str, int]:
    """Return the whole numbers in *fields* of the hash *key*."""
    return dict(_numbers(key, fields, unreadable))


def times(key: str, fields: Mapping[bytes, bytes], unreadable: Unreadable) -> dict[str, datetime]:
    """Return the moments in *fields* of the hash *key*."""
    return {name: decode_time(n) for name, n in _numbers(key, fields, unreadable)}


def decoded_samples(
    key: str, name: str, encoded: Sequence[bytes], unreadable: Unreadable
) -> Samples:
    """Return the samples of the trigger *name* that *encoded* holds."""
    samples = []
    for data in encoded:
        try:
            samples.append(decode_sample(data))
        except EncodingError:
            unreadable.leave_out(key, name.encode(), data)
    return tuple(samples)


def number(text: bytes) -> int | None:
    """Return the whole number that *text* is, if it is one."""
    if not NUMBER.fullmatch(text) or int(text) > LARGEST:
        return None
    return int(text)


def _numbers(
    key: str, fields: Mapping[bytes, bytes], unreadable: Unreadable
) -> Iterator[tuple[str, int]]:
    for name, value in fields.items():
        read = number(value)
        if read is None or not _is_text(name):
            unreadable.leave_out(key, name, value)
        else:
            yield name.decode(), read


def _is_text(name: bytes) -> bool:
    return name.decode(errors="replace").encode() == name
