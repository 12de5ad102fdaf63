"""Which images go when there is no room, or their time is over.

Whoever floods it pushes out his own: the key whose images take most gives the oldest of the trigger
whose images take most of that.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from app.quarantine.names import read_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

T = TypeVar("T")


@dataclass(frozen=True)
class File:
    """A file at ``path`` below the place; ``written_s`` is when, in seconds since 1970."""

    path: str
    size: int
    written_s: float


@dataclass(frozen=True)
class Kept:
    """An image with its evidence: their paths, their size together, when the last was written."""

    key: str
    trigger: str
    paths: tuple[str, ...]
    size: int
    written_s: float


def kept_in(files: Iterable[File]) -> list[Kept]:
    """Return the images that *files* are, oldest first; what is none of ours isn't among them."""
    found: dict[str, Kept] = {}
    for file in files:
        named = read_path(file.path)
        if named is None:
            continue
        before = found.get(named.stem, Kept(named.key, named.trigger, (), 0, file.written_s))
        found[named.stem] = Kept(
            named.key,
            named.trigger,
            (*before.paths, file.path),
            before.size + file.size,
            max(before.written_s, file.written_s),
        )
    return sorted(found.values(), key=lambda one: one.written_s)


def surplus(kept: Iterable[Kept], most: int, since_s: float) -> list[Kept]:
    """Return those that go: older than *since_s*, and what is more than *most* bytes."""
    every = list(kept)
    gone = [one for one in every if one.written_s < since_s]
    groups: dict[str, dict[str, deque[Kept]]] = {}
    sizes: dict[str, dict[str, int]] = {}
    for one in every:
        if one.written_s >= since_s:
            groups.setdefault(one.key, {}).setdefault(one.trigger, deque()).append(one)
            of_key = sizes.setdefault(one.key, {})
            of_key[one.trigger] = of_key.get(one.trigger, 0) + one.size
    totals = {key: sum(of_key.values()) for key, of_key in sizes.items()}
    while sum(totals.values()) > most:
        key = _largest(totals)
        trigger = _largest(sizes[key])
        one = groups[key][trigger].popleft()
        totals[key] -= one.size
        sizes[key][trigger] -= one.size
        gone.append(one)
    return gone


def _largest(sizes: Mapping[str, int]) -> str:
    return max(sizes, key=lambda name: sizes[name])
