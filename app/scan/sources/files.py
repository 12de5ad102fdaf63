"""The one door to files: of this machine, or at addresses."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import IO

from app.scan.sources.items import Item, Kind, Place, UnreadableError, shown
from app.scan.sources.remote import (
    facts_of,
    is_address,
    item_of,
    modified_of,
    open_remote,
    stamp_of,
)


@dataclass(frozen=True)
class Facts:
    """What is told of a file: ``stamp`` changes when it does, ``modified`` is its time.

    In seconds since 1970, as that of an item.
    """

    stamp: str
    modified: int | None


def located(path: str) -> str:
    """Return where *path* is, wherever somebody else is started."""
    return path if is_address(path) else os.path.abspath(path)  # noqa: PTH100


def opened(path: str) -> IO[bytes]:
    """Open the file at *path* to read, forwards and backwards. Raises OSError."""
    return open_remote(path) if is_address(path) else open(path, "rb")  # noqa: PTH123


def about(path: str) -> Facts:
    """Return what is told of the file at *path*. Raises OSError, UnreadableError."""
    if is_address(path):
        facts = facts_of(path)
        return Facts(stamp_of(facts), modified_of(facts))
    told = os.stat(path)  # noqa: PTH116
    return Facts(f"{told.st_size}:{told.st_mtime_ns}", int(told.st_mtime))


def one_item(path: str) -> Item:
    """Return the item that the file at *path* is."""
    if is_address(path):
        try:
            return item_of(path, facts_of(path))
        except UnreadableError as exc:
            return Item(shown(path), Place(Kind.ADDRESS, path), reason=str(exc))
    place = Place(Kind.FILE, located(path))
    try:
        is_file = stat.S_ISREG(os.stat(path).st_mode)  # noqa: PTH116
        facts = about(path)
    except OSError as exc:
        return Item(shown(path), place, reason=exc.strerror)
    if not is_file:
        return Item(shown(path), place, reason="not a file of bytes")
    return Item(shown(path), place, facts.stamp, facts.modified)
