"""What each worker has in use while the load goes on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.speed.processes import rss_bytes

if TYPE_CHECKING:
    from tests.faults.service import Service
    from tests.soak.ledger import Ledger

EVERY_S = 1.0
WARM_S = 12.0
"""A worker's age from which its memory is compared: it has imported and calibrated by then."""


@dataclass
class Worker:
    """One worker: since when it is there and was last seen; its memory (MB) and open files.

    ``most_under`` is the fault during or after which it had the most memory.
    """

    pid: int
    since: float
    seen: float
    rss: float
    files: int
    rss_warm: float | None = None
    rss_most: float = 0.0
    most_under: str = ""
    files_warm: int | None = None
    files_most: int = 0


class Watch:
    """The workers of *service*, by process id."""

    def __init__(self, service: Service, ledger: Ledger) -> None:
        self.workers: dict[int, Worker] = {}
        self._service = service
        self._ledger = ledger

    async def keep(self) -> None:
        """Look every second, without an end."""
        while True:
            for pid in await asyncio.to_thread(self._service.workers):
                self._look(pid)
            await asyncio.sleep(EVERY_S)

    def _look(self, pid: int) -> None:
        try:
            rss = rss_bytes(pid) / 1e6
            files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        except (OSError, IndexError):  # it has just ended
            return
        now = self._ledger.now
        worker = self.workers.setdefault(pid, Worker(pid, now, now, rss, files))
        worker.seen, worker.rss, worker.files = now, rss, files
        if rss > worker.rss_most:
            worker.rss_most, worker.most_under = rss, self._ledger.fault
        worker.files_most = max(worker.files_most, files)
        if worker.rss_warm is None and now - worker.since >= WARM_S:
            worker.rss_warm, worker.files_warm = rss, files
