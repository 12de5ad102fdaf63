"""What several workers have counted, each in files of its own; served: `serving/processes`."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from app.metrics.cells import FOLDER
from app.metrics.workers import AllWorkers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COUNTING = """
import os, sys
from app import metrics
from app.metrics.workers import ended
metrics.STORE_LOST.inc(2)
metrics.BREAKER_STATE.set(1)
metrics.TRIGGERS.set(int(sys.argv[1]))
metrics.IMAGES.inc("clear", by=3)
metrics.UPSTREAM_SECONDS.observe(0.02)
end = os.times().user + 0.2
while os.times().user < end:
    pass
print(os.getpid(), flush=True)
if sys.stdin.readline():
    ended()
"""
SUMS = (
    *("neo_store_lost_total", "neo_breaker_state", "neo_triggers"),
    *("neo_images_total", "neo_upstream_request_duration_seconds_count"),
    *("neo_workers", "neo_workers_started_total", "neo_workers_lost_total"),
)


@contextmanager
def counting(folder: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run two workers that have counted in *folder*."""
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", COUNTING, str(triggers)],
            env={**os.environ, FOLDER: str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for triggers in (3, 5)
    ]
    try:
        for worker in workers:
            assert worker.stdout
            assert int(worker.stdout.readline()) == worker.pid
        yield workers
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()


def test_what_the_dead_have_counted_stays(tmp_path: Path) -> None:
    """Counters of a worker that was killed stay in the sums; its gauges go with it."""
    with counting(tmp_path) as workers:
        assert [4, 2, 5, 6, 2, 2, 2, 0] == _sums(tmp_path)
        workers[1].kill()
        workers[1].wait()
        assert [4, 1, 3, 6, 2, 1, 2, 1] == _sums(tmp_path)
        assert [4, 1, 3, 6, 2, 1, 2, 1] == _sums(tmp_path)


def test_who_ends_in_order_is_not_lost(tmp_path: Path) -> None:
    """A worker that was replaced, or told to end, isn't one that has died."""
    with counting(tmp_path) as workers:
        workers[0].communicate(b"end\n")
        assert [1, 2, 0] == _sums(tmp_path)[-3:]


@pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")
def test_processes_are_told_together(tmp_path: Path) -> None:
    """CPU time and memory are those of all; CPU time that a dead one has used stays."""
    with counting(tmp_path) as workers:
        both = _samples(tmp_path)
        assert 0.4 <= both["process_cpu_seconds_total"] < 60
        workers[1].kill()
        workers[1].wait()
        one = _samples(tmp_path)
        assert one["process_cpu_seconds_total"] >= both["process_cpu_seconds_total"]
        assert one["process_resident_memory_bytes"] < both["process_resident_memory_bytes"]
        assert one["process_open_fds"] < both["process_open_fds"]
        assert one["process_start_time_seconds"] == both["process_start_time_seconds"]


def test_a_worker_that_is_only_beginning_is_no_error(tmp_path: Path) -> None:
    """A file that has been made, but not written to, has nothing to tell yet."""
    (tmp_path / f"counter_{os.getpid()}.db").touch()
    with counting(tmp_path):
        name = next(tmp_path.glob("cells-*")).name
        (tmp_path / f"{name.rpartition('_')[0]}_{os.getpid()}").touch()
        assert [2, 2, 0] == _sums(tmp_path)[-3:]


def test_another_release_is_not_mistaken(tmp_path: Path) -> None:
    """After an upgrade the workers' numbers stand elsewhere: files of the former aren't read."""
    with counting(tmp_path):
        next(tmp_path.glob("cells-*")).rename(tmp_path / "cells-0.0.9_1234567")
        assert [1, 1, 0] == _sums(tmp_path)[-3:]


def _samples(folder: Path) -> dict[str, float]:
    """Return the sum of each metric's samples, by their name."""
    found: dict[str, float] = {}
    for metric in AllWorkers(folder).collect():
        for sample in metric.samples:
            found[sample.name] = found.get(sample.name, 0) + sample.value
    return found


def _sums(folder: Path) -> list[float]:
    samples = _samples(folder)
    return [samples[name] for name in SUMS]
