"""What Linux knows of the gateway's workers: on which core, how much CPU time, how much memory."""

from __future__ import annotations

import os
import time
from pathlib import Path

WORKER = b"spawn_main"
"""In the command line of the workers that uvicorn starts, where there are several."""


def workers(pid: int) -> list[int]:
    """Return the processes that answer requests for the gateway *pid*: it itself, if it is one."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    spawned = [
        int(child) for child in children if WORKER in Path(f"/proc/{child}/cmdline").read_bytes()
    ]
    return spawned or [pid]


def pin(pid: int, cores: set[int]) -> None:
    """Keep all threads of a process on *cores*; those it makes later follow."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), cores)


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has taken so far, user and system, to the nanosecond."""
    return time.clock_gettime(~pid << 3 | 2)  # as clock_getcpuclockid(3) makes a clock's id


def rss_bytes(pid: int) -> int:
    """Return the memory that a process has in use."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
