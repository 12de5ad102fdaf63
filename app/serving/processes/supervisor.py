"""The process above several workers: uvicorn's, with a restart that nobody notices.

On SIGHUP the workers are replaced one after the other. The new one begins to listen when it can
answer, and only then does the old one end; all others serve meanwhile. uvicorn's own restart would
hear no other signal and see to no dead worker until it is over.

Each worker is told whether another one is ready: while it isn't itself, it lets nobody in (`door`).
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess

from app.serving.processes.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from socket import socket

    from uvicorn.config import Config

READY_S: Final = 300.0
"""How long a new worker may take until it can answer: a model may have to be measured anew."""

LEAVE_S: Final = 30.0
"""How long an old one may take to end: more than the 22 s that it gives its clients, and less than
what a container's `stop_grace_period` should be, or it is killed before it has ended in order."""

IMPORT_S: Final = 120.0
"""How long a worker may take to its first answer, which it gives when it has imported everything:
that takes one and a half seconds of CPU time, fifteen where it may have a tenth of a core. Were it
replaced before, so would be the next one, and none would ever serve."""

TICK_S: Final = 0.1

_LOG = logging.getLogger(__name__)


class _Due:
    """A worker that must have started, or ended, within *seconds*."""

    def __init__(self, worker: Worker, seconds: float) -> None:
        self.worker = worker
        self._deadline = time.monotonic() + seconds

    @property
    def overdue(self) -> bool:
        return time.monotonic() > self._deadline


class Supervisor(Multiprocess):
    """Runs `Config.workers` processes, which take their clients from *sockets*."""

    processes: list[Worker]  # type: ignore[assignment]  # all that are started here are

    def __init__(self, config: Config, sockets: list[socket]) -> None:
        super().__init__(config, sockets)
        self._to_replace: list[Worker] = []
        self._successor: _Due | None = None
        self._leaving: list[_Due] = []

    @property
    def failed(self) -> bool:
        """Whether it has ended because a worker couldn't start."""
        return any(process.exitcode == STARTUP_FAILURE for process in self.processes)

    def restart_all(self) -> None:
        """Begin to replace the workers."""
        self._to_replace = list(self.processes)

    def init_processes(self) -> None:
        """Start the workers."""
        self.processes = [self._start(relieved=False) for _ in range(self.processes_num)]

    def handle_ttin(self) -> None:
        """Start one more."""
        self.processes_num += 1
        self.processes.append(self._start(relieved=self._is_relieved(None)))

    def keep_subprocess_alive(self) -> None:
        """Replace workers that have died, and go on with the restart; called again and again."""
        if self.should_exit.is_set():
            return
        for worker in self.processes:
            worker.relieved = self._is_relieved(worker)
        self.processes = [self._living(worker) for worker in self.processes]
        self._leaving = list(_alive(self._leaving))
        self._to_replace = [process for process in self._to_replace if process in self.processes]
        if self._successor is not None:
            self._introduce(self._successor)
        elif self._to_replace and not self._leaving and not self.should_exit.is_set():
            self._successor = _Due(self._start(relieved=True), READY_S)

    def terminate_all(self) -> None:
        """Tell all workers to end."""
        if self._successor is not None:
            self._drop(self._successor)  # it has no clients yet
        super().terminate_all()

    def join_all(self) -> None:
        """Wait until all have ended; a second signal is passed on, to end them sooner."""
        leaving = [*self._leaving, *(_Due(worker, LEAVE_S) for worker in self.processes)]
        self.signal_queue.clear()
        while leaving := list(_alive(leaving)):
            if self.signal_queue:
                self.signal_queue.clear()
                for due in leaving:
                    due.worker.terminate()
            leaving[0].worker.process.join(TICK_S)

    def _start(self, *, relieved: bool) -> Worker:
        worker = Worker(self.config, self.sockets, relieved=relieved)
        worker.start()
        return worker

    def _is_relieved(self, worker: Worker | None) -> bool:
        """Tell if another one than *worker* is ready."""
        return any(other.ready for other in self.processes if other is not worker)

    def _living(self, worker: Worker) -> Worker:
        """Return *worker*, or another one if it has died, or hangs."""
        patience: float = self.config.timeout_worker_healthcheck
        if not worker.has_answered:
            patience = max(patience, IMPORT_S)
        if self.should_exit.is_set() or worker.is_alive(patience):
            return worker
        hangs = worker.exitcode is None
        worker.kill()
        worker.join()
        if worker.exitcode == STARTUP_FAILURE:  # another one would fail, too
            self.should_exit.set()
            return worker
        what = f"has answered nothing for {patience:g} s" if hangs else f"ended ({worker.exitcode})"
        _LOG.error("a worker %s: it is replaced", what)
        return self._start(relieved=self._is_relieved(worker))

    def _introduce(self, successor: _Due) -> None:
        """Let *successor*, if it is ready, take the place of one that isn't, or of the next one."""
        if successor.worker.is_ready(READY_S):
            self._successor = None
            old = self._unready() or next(iter(self._to_replace), None)
            if old is None:
                self._retire(successor.worker)
                return
            if old in self._to_replace:
                self._to_replace.remove(old)
            self.processes[self.processes.index(old)] = successor.worker
            self._retire(old)
        elif successor.overdue or not successor.worker.process.is_alive():
            _LOG.error("a new worker can't answer; the old ones stay")
            self._to_replace.clear()
            self._drop(successor)

    def _unready(self) -> Worker | None:
        """Return a worker that isn't ready: what has been started for one that died may never be.

        With Redis away nobody new can answer, and one that serves must not go for it.
        """
        return next((worker for worker in self.processes if not worker.ready), None)

    def _retire(self, worker: Worker) -> None:
        worker.terminate()
        self._leaving.append(_Due(worker, LEAVE_S))

    def _drop(self, successor: _Due) -> None:
        self._successor = None
        successor.worker.kill()
        successor.worker.join()


def _alive(leaving: Iterable[_Due]) -> Iterator[_Due]:
    """Return those of *leaving* that still live; kill those that take too long."""
    for due in leaving:
        if due.overdue:
            due.worker.kill()
        if due.worker.process.is_alive():
            yield due
