"""One measurement from the options to the tables; Ctrl-C shows what is done."""

from __future__ import annotations

import asyncio
import os
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from app.bench.checks import images_to_send, input_size, settings_of_gateway
from app.bench.comparing import Sent, compare
from app.bench.gateway import BenchError, running_gateway
from app.bench.report import document, figures, notes, table
from app.bench.waiting import Waiting
from app.library.server.embedded import embedded_valkey
from app.pictures.encoding import png
from app.ports import LibraryError, UpstreamError

if TYPE_CHECKING:
    from app.bench.options import Options
    from app.bench.report import Figures
    from app.settings import Settings

FAILURES = (BenchError, LibraryError, UpstreamError, OSError)
"""Errors that end a measurement and that its user can mend; each says how."""

WIDTH = 120
"""Characters in a line where the output is no terminal."""


def run(options: Options) -> None:
    """Measure, show and write what came of it. Raises one of FAILURES, after showing the rest."""
    os.environ.update(options.settings)
    settings = settings_of_gateway()
    images = images_to_send(options, settings, asyncio.run(input_size(settings)))
    sent = Sent(images, [png(image) for image in images])
    rows: list[Figures] = []
    try:
        for strategy in options.strategies or (settings.strategy,):
            _measure(options, settings.model_copy(update={"strategy": strategy}), sent, rows)
    finally:
        _show(options, settings, rows)


def _measure(options: Options, settings: Settings, sent: Sent, rows: list[Figures]) -> None:
    """Measure one strategy, in front of a gateway that knows nothing yet; add to *rows*."""
    strategy = settings.strategy
    with (
        Waiting() as waiting,
        tempfile.TemporaryDirectory(prefix="neo-bench-") as scratch,
        embedded_valkey() as redis_url,
    ):
        environment = {
            "NEO_LOG_LEVEL": "warning",
            **os.environ,
            "NEO_REDIS_URL": redis_url,
            "NEO_STRATEGY": strategy,
        }
        waiting.say(f"{strategy}: the gateway starts")
        with running_gateway(
            environment, Path(scratch) / "gateway.log", waiting.lacking
        ) as gateway:
            for clients in options.clients:
                waiting.say(f"{strategy}: {options.requests} images each way, {clients} at a time")
                comparison = asyncio.run(
                    compare(settings, gateway.url, sent, clients, options.requests)
                )
                rows.append(figures(comparison))


def _show(options: Options, settings: Settings, rows: list[Figures]) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    for strategy in dict.fromkeys(row.strategy for row in rows):
        own = [row for row in rows if row.strategy == strategy]
        console.print(table(strategy, own))
        for note in notes(own):
            console.print(note, style="dim", highlight=False, markup=False)
    if options.json and rows:
        program = f"neo-gateway {version('neo-gateway')}"
        options.json.write_bytes(document(rows, {"program": program, "model": settings.model}))
        console.print(f"All figures: {options.json}", highlight=False, soft_wrap=True)
