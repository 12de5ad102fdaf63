"""How many triggers are kept, and which of them make room for a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.ports import Entry

CAPACITY = 200
"""Triggers that are kept, dismissed ones too."""

CONFIRMED_HITS = 2
"""The image that revealed a trigger is its first hit; a second image has confirmed it."""


def confirmed(entry: Entry) -> bool:
    """Tell if *entry* never makes room: it is in use, and a second image has carried it."""
    return not entry.dismissed and entry.hits >= CONFIRMED_HITS


def expendable(entries: Iterable[Entry]) -> list[Entry]:
    """Return those of *entries* that may make room for a new one, the first to go first.

    They are those in use that no second image has confirmed, and after them the dismissed ones,
    each from the least recently seen on. `lua.library.PUT` says the same in Lua; of a shared
    library of which one caller has filled more than half, his own go first, and his next ones
    displace no other's.
    """
    spare = [entry for entry in entries if not confirmed(entry)]
    return sorted(spare, key=lambda entry: (entry.dismissed, entry.last_seen_at))
