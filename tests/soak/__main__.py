"""`make soak`: steady load on the whole service, and one fault after another.

make soak ARGS="--minutes 2 --seed 7 --json soak.json"
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tests.soak.faults import service_faults
from tests.soak.hostile import client_faults
from tests.soak.ledger import CALM, Episode, Ledger
from tests.soak.load import Load, opened_session
from tests.soak.report import figures, good, tables
from tests.soak.scene import Scene
from tests.soak.stage import running_stage
from tests.soak.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.soak.faults import Fault
    from tests.soak.stage import Stage

CLIENTS = 32
POISONED = 0.25
WARM_UP_S = 15.0
FAULT_S = 5.0
FAILED, TERMINATED = 1, 143


def main() -> None:
    """Run it; print what came of it, also of what was interrupted."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # the servers end with us
    arguments = _arguments()
    console = Console()
    console.print(f"seed {arguments.seed}: the same faults again with --seed {arguments.seed}")
    with running_stage() as stage:
        ledger = Ledger()
        watch = Watch(stage.service, ledger)
        with suppress(KeyboardInterrupt):
            asyncio.run(_run(stage, ledger, watch, arguments, console))
        workers = sorted(watch.workers.values(), key=lambda worker: worker.since)
        for table in tables(ledger, workers):
            console.print(table)
        if arguments.json:
            told = figures(ledger, workers, arguments.seed)
            arguments.json.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2))
        if arguments.log:
            arguments.log.write_text(stage.service.process.said)
    console.print(f"seed {arguments.seed}: {'good' if good(ledger) else 'NOT GOOD'}")
    sys.exit(0 if good(ledger) else FAILED)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10_000))
    parser.add_argument("--every", type=float, default=20, help="seconds from fault to fault")
    parser.add_argument("--rate", type=float, default=40, help="requests a second")
    parser.add_argument("--only", nargs="+", default=[], help="kinds of faults, by their names")
    parser.add_argument("--json", type=Path, help="a file for all figures")
    parser.add_argument("--log", type=Path, help="a file for what the gateway has logged")
    return parser.parse_args()


async def _run(
    stage: Stage, ledger: Ledger, watch: Watch, arguments: argparse.Namespace, console: Console
) -> None:
    seconds = arguments.minutes * 60
    scene = Scene(POISONED, arguments.seed)
    async with opened_session(stage.service.url) as session:
        load = Load(session, scene, ledger, lambda: min(1.0, ledger.now / seconds))
        # Of their own: how much a fault draws depends on time, and the next must not depend on it.
        order, rng = np.random.default_rng(arguments.seed).spawn(2)
        faults = _drawn([*service_faults(), *client_faults(load)], arguments.only, order)
        background = [
            asyncio.create_task(watch.keep()),
            asyncio.create_task(load.keep_up(CLIENTS, arguments.rate, arguments.seed)),
            asyncio.create_task(_show(ledger, seconds, console)),
        ]
        director = asyncio.create_task(_direct(stage, ledger, faults, rng, arguments.every))
        tasks = [*background, director]
        try:
            done, _ = await asyncio.wait(
                tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION
            )
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _direct(
    stage: Stage,
    ledger: Ledger,
    faults: Iterator[Fault],
    rng: np.random.Generator,
    every: float,
) -> None:
    """Bring about one fault after the other, without an end."""
    due = WARM_UP_S
    for fault in faults:
        await asyncio.sleep(due - ledger.now)
        due = max(due, ledger.now) + every
        episode = Episode(fault.name, ledger.now)
        ledger.episodes.append(episode)
        await fault.work(stage, FAULT_S, rng)
        episode.end = ledger.now


async def _show(ledger: Ledger, seconds: float, console: Console) -> None:
    columns = (BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task(CALM, total=seconds)
        while True:
            bad = len(ledger.wrong) + len(ledger.unflagged) + len(ledger.false_alarms)
            told = f"{ledger.fault}  sent {ledger.sent:,}  good {ledger.answered:,}"
            told += f"  bad {bad}  unstated {ledger.unstated.total()}"
            progress.update(bar, completed=ledger.now, description=told)
            await asyncio.sleep(0.5)


def _drawn(faults: list[Fault], only: list[str], rng: np.random.Generator) -> Iterator[Fault]:
    """Yield *faults*, each once in an order that is drawn, then again, without an end."""
    chosen = [fault for fault in faults if not only or fault.name in only]
    if not chosen:
        message = f"--only takes some of: {', '.join(fault.name for fault in faults)}"
        raise SystemExit(message)
    while True:
        for index in rng.permutation(len(chosen)):
            yield chosen[index]


if __name__ == "__main__":
    main()
