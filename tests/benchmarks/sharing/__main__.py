"""How soon every other worker has a trigger: ``python -m tests.benchmarks.sharing``.

Four processes share a library, as the workers of a gateway do; each registration is drawn for one
of them. Clocks are the machine's monotonic one, which all processes share. With ``--busy N``
N more processes keep the cores busy; with ``--blocked MS`` each worker's event loop stands still
for so long four times a second, as under heavy load.
"""

from __future__ import annotations

import argparse
import multiprocessing
import shutil
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console

from app.library.server.embedded import server_program
from tests.benchmarks.sharing.worker import REGISTRATIONS, WORKERS, spin, work
from tests.library.servers import running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.sharing.worker import Result

TARGET_MS = 100


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="tests.benchmarks.sharing", description=__doc__)
    parser.add_argument("--busy", type=int, default=0, help="processes that keep cores busy")
    parser.add_argument("--blocked", type=float, default=0.0, help="ms that the loops stand still")
    parser.add_argument("--redis", action="store_true", help="the installed Redis, not the Valkey")
    chosen = parser.parse_args()
    program = shutil.which("redis-server") if chosen.redis else server_program()
    assert program is not None, "no redis-server is installed"
    with running(program) as server, keeping_busy(chosen.busy):
        begin = time.monotonic() + 5.0
        with ProcessPoolExecutor(WORKERS, multiprocessing.get_context("spawn")) as pool:
            told = [
                pool.submit(work, server.url, worker, begin, chosen.blocked / 1000)
                for worker in range(WORKERS)
            ]
            results = [one.result() for one in told]
    report(results)


def report(results: list[Result]) -> None:
    """Print how long the others waited for each registration."""
    confirmed = {target: at for registered, _, _ in results for target, at in registered.items()}
    waits = [
        (seen[target] - at) * 1000
        for target, at in confirmed.items()
        for registered, seen, _ in results
        if target not in registered
    ]
    assert len(waits) == REGISTRATIONS * (WORKERS - 1)
    p50, p99 = np.percentile(waits, [50, 99])
    mark = " " if p99 <= TARGET_MS else "*"
    say = partial(Console().print, markup=False, highlight=False)
    say(f"{REGISTRATIONS} registrations, {WORKERS} workers: ms until each other worker has it")
    say(f"  p50 {p50:.0f}  p99 {p99:.0f}{mark} max {max(waits):.0f}  (p99 at most {TARGET_MS})")
    say(f"  reports of Redis being away, though it wasn't: {sum(lost for *_, lost in results)}")


@contextmanager
def keeping_busy(count: int) -> Iterator[None]:
    """Keep cores busy for as long as the block takes."""
    with ExitStack() as stack:
        for _ in range(count):
            process = multiprocessing.get_context("spawn").Process(target=spin, daemon=True)
            process.start()
            stack.callback(process.kill)
        yield


if __name__ == "__main__":
    main()
