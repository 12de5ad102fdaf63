"""What all workers have counted together, and what is said of them."""

from __future__ import annotations

import multiprocessing
import os
from array import array
from contextlib import suppress
from platform import python_version
from typing import TYPE_CHECKING, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from app.metrics.cells import CELLS, VERSION, read_cells, write_cell
from app.metrics.hot import FAMILIES
from app.metrics.processes import CPU, of_process, together, value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from prometheus_client import Metric

_CPU: Final = CELLS.take(1)
"""What the process had used when somebody last looked, in seconds: it is gone with it else."""

_ENDED: Final = CELLS.take(1)
"""1 when the process has ended in order."""


def ended() -> None:
    """Say that this process ends in order: else it counts as lost."""
    CELLS.at(_ENDED)[0] = 1.0


class ThisProcess(Collector):
    """What is said of the only process, which counts in prometheus_client's registry."""

    def collect(self) -> Iterable[Metric]:
        """Return what is said of all workers where there are several."""
        return _told(workers=1, started=1, lost=0)


class AllWorkers(Collector):
    """What the workers have counted, each in files of its own in *folder*.

    What dead workers have counted stays counted; their gauges are gone with them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        """Return the sums over all workers."""
        for gauges in self._folder.glob("gauge_live*.db"):
            pid = int(gauges.stem.rpartition("_")[2])
            if not _lives(pid):
                with suppress(FileNotFoundError):  # another worker was faster
                    mark_process_dead(pid, str(self._folder))  # type: ignore[no-untyped-call]
        files = [str(path) for path in self._folder.glob("*.db") if _written(path)]
        yield from MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
        yield from self._from_cells(dict(read_cells(self._folder)))

    def _from_cells(self, cells: Mapping[int, array[float]]) -> Iterator[Metric]:
        if not cells:
            return
        living = {pid: of_process(pid) for pid in cells if _lives(pid)}
        for pid, process in living.items():
            if CPU in process:
                write_cell(self._folder, pid, _CPU.start, value(process[CPU]))
        gone = [numbers for pid, numbers in cells.items() if pid not in living]
        lost = sum(numbers[_ENDED.start] == 0 for numbers in gone)
        sums = array("d", map(sum, zip(*cells.values(), strict=True)))
        for family in FAMILIES:
            yield family.metric(sums)
        yield from _told(workers=len(living), started=len(cells), lost=lost)
        above = multiprocessing.parent_process()
        supervisor = [] if above is None else [of_process(above.pid or 0)]
        cpu_before = sum(numbers[_CPU.start] for numbers in gone)
        yield from together([*supervisor, *living.values()], cpu_before)


def _told(*, workers: int, started: int, lost: int) -> Iterator[Metric]:
    yield GaugeMetricFamily("neo_workers", "Worker processes that live", workers)
    yield CounterMetricFamily("neo_workers_started", "Worker processes that have begun", started)
    yield CounterMetricFamily(
        "neo_workers_lost", "Worker processes that have ended without a word: killed, say", lost
    )
    facts = {"version": VERSION, "python": python_version()}
    yield InfoMetricFamily("neo_build", "The release that runs", facts)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _written(file: Path) -> bool:
    """Return whether *file* is there and not only about to be written."""
    try:
        return file.stat().st_size > 0
    except FileNotFoundError:
        return False
