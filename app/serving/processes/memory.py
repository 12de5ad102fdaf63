"""The memory that a worker has let go of goes back to the system."""

from __future__ import annotations

import ctypes
from typing import Final

M_TRIM_THRESHOLD: Final = -1
M_MMAP_THRESHOLD: Final = -3
"""What mallopt(3) calls them."""

LARGE: Final = 4 << 20
"""Bytes of what has pages of its own, which go back when it is freed: a batch of probes of 224 px.

From one megabyte on, whatever a clean photograph takes would, and cost a third more CPU time."""

KEPT: Final = 32 << 20
"""Freed bytes at the heap's end that are kept for what comes next."""


def give_back_freed_memory() -> None:
    """Let what is large go back to the system as soon as it is freed.

    By itself glibc learns from the first large array that is freed to keep all up to 32 MB, and
    twice that at the heap's end, and small objects between them hold them fast. Where the C library
    isn't glibc nothing is changed.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGE)
        mallopt(M_TRIM_THRESHOLD, KEPT)
