"""The memory that a worker has let go of goes back to the system."""

from __future__ import annotations

import ctypes
import os
import platform
from threading import Event, Thread
from typing import Final

M_TRIM_THRESHOLD: Final = -1
M_MMAP_THRESHOLD: Final = -3
"""What mallopt(3) calls them."""

BY_THE_OPERATOR: Final = {"MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"}

LARGE: Final = 4 << 20
"""Bytes from which on an array has pages of its own, which go back when it is freed.

A batch of probes of 224 px has more. With one megabyte, what each clean photograph needs would have
such pages as well, which takes a third more CPU time."""

KEPT: Final = 8 << 20
"""Freed bytes at the heap's end that are kept for what comes next: each of two heaps has one.

About what a photograph needs at once. With 32 MB a worker had 262 MB after a discovery, with this
209, and for as much CPU time."""


TRIMMED_EVERY: Final = 5.0
"""Seconds between two times that what is freed between things that stay goes back, too.

That takes 2 ms. Where a sticker moves a worker had 218 MB at the end of a stream instead of 245."""


def give_back_freed_memory() -> None:
    """Let what is large go back to the system as soon as it is freed, and the rest now and then.

    By itself glibc learns from the first large array that is freed to keep all up to 32 MB, and
    twice that at the heap's end, and small objects between them hold them fast. Nothing is changed
    where the C library isn't glibc, or where the environment says otherwise (mallopt(3)).
    """
    if platform.libc_ver()[0] != "glibc" or BY_THE_OPERATOR & os.environ.keys():
        return
    mallopt = ctypes.CDLL(None).mallopt
    mallopt(M_MMAP_THRESHOLD, LARGE)
    mallopt(M_TRIM_THRESHOLD, KEPT)
    Thread(target=_trim_now_and_then, name="memory", daemon=True).start()


def _trim_now_and_then() -> None:
    """Give back the pages between things that stay (malloc_trim(3)), as long as this lives."""
    trim, never = ctypes.CDLL(None).malloc_trim, Event()
    while not never.wait(TRIMMED_EVERY):
        trim(0)
