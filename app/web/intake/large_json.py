"""Large JSON is read in a thread, one at a time: others are answered meanwhile.

Ten megabytes of it take most of a second and some hundred megabytes. The thread holds the
interpreter for a part of that time only, and two at once would take twice the memory.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable


Read = TypeVar("Read")

AT_ONCE: Final = 262_144
"""Bytes that are read without a thread: a few milliseconds."""

_READER = ThreadPoolExecutor(1, "json")


async def read_apart(body: bytes, read: Callable[[bytes], Read]) -> Read:
    """Return what *read* makes of *body*; it keeps nothing of what it parsed."""
    if len(body) <= AT_ONCE:
        return read(body)
    return await asyncio.get_running_loop().run_in_executor(_READER, read, body)
