"""What `neo-gateway scan` takes and finds: ``python -m tests.benchmarks.scan``.

First the second pass alone, by pixels, beside decoding (``pace``, of several kinds of triggers on
the zoo's photographs, too), where its time goes (``floor``) and what it loses beside a search
everywhere (``glances``), both on the zoo's pictures; then whole
``scans`` of digits, beside the model alone. ``--images N`` is how large the large archive is,
``--quick`` measures less of everything, ``--only`` one of the four.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.table import Table

from app.digits.images import digits
from tests.benchmarks.scan.comparing_tables import show_floor, show_glances, show_kinds
from tests.benchmarks.scan.pace import measured
from tests.benchmarks.scan.whole import (
    REFERENCES,
    make_archive,
    model_alone,
    scanned,
    served_model,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.scan.whole import Scan

TARGET = 1.3
"""Of decoding alone, that decoding and comparing may take at 224 px."""
SIZES = ((28, 28), (48, 48), (224, 224), (224, 400))
"""Sides of what the model takes, and of the files: photographs are mostly larger."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="tests.benchmarks.scan", description=__doc__)
    parser.add_argument("--images", type=int, default=100_000, help="of the large archive")
    parser.add_argument("--quick", action="store_true", help="less of everything")
    parser.add_argument("--only", choices=["pace", "floor", "glances", "scans"])
    chosen = parser.parse_args()
    console = Console(width=120)
    if chosen.only in {None, "pace"}:
        _show_pace(console, images=256 if chosen.quick else 1024)
        show_kinds(console, images=64 if chosen.quick else 128)
    if chosen.only in {None, "floor"}:
        show_floor(console, quick=chosen.quick)
    if chosen.only in {None, "glances"}:
        show_glances(console, quick=chosen.quick)
    if chosen.only in {None, "scans"}:
        _show_whole(console, chosen.images, quick=chosen.quick)


def _show_whole(console: Console, images: int, *, quick: bool) -> None:
    small = 1000 if quick else 4000
    with tempfile.TemporaryDirectory() as folder, served_model(Path(folder)) as url:
        np.savez(Path(folder) / REFERENCES, x=digits().references.images)
        alone = asyncio.run(model_alone(url, Path(folder)))
        _show_scans(console, _scans(url, Path(folder), small, images), alone)


def _show_pace(console: Console, images: int) -> None:
    table = Table(title="The second pass: decoding, and comparing with triggers", width=120)
    for column in (
        *(
            "side",
            "files",
            "triggers",
            "decoding ms",
            "both ms",
            "of decoding",
            "in full",
            "matches",
        ),
        *("1 process, images/s", "decoding alone", "2 processes", "decoding alone"),
    ):
        table.add_column(column, justify="right")
    for side, stored in SIZES:
        for pace in measured(side, (1, 10, 100), images, stored):
            rates = [(pace.a_second[n], pace.alone[n]) for n in (1, 2)]
            table.add_row(
                str(pace.side),
                str(pace.stored),
                str(pace.triggers),
                f"{pace.decoding_ms:.3f}",
                f"{pace.both_ms:.3f}",
                f"{pace.both_ms / pace.decoding_ms:.2f}",
                f"{pace.in_full:.0%}",
                f"{pace.matches:.1%}",
                *(f"{rate:,.0f}" for pair in rates for rate in pair),
            )
    console.print(table)
    console.print(f"The goal: at 224 px {TARGET} of decoding alone.")


def _scans(url: str, folder: Path, small: int, large: int) -> Iterator[Scan]:
    archive = make_archive(folder, small, 0.01)
    for processes in (1, 2):
        yield scanned(url, archive, "full", processes)
        yield scanned(url, archive, "two-pass", processes, prevalence="1%")
    yield scanned(url, make_archive(folder, large, 0.001), "two-pass", 2, killed=True)


def _show_scans(console: Console, scans: Iterator[Scan], alone: float) -> None:
    """Print *scans*; the model *alone* answers so many images a second."""
    table = Table(title="Whole scans of digits, over HTTP", width=112)
    for column in (
        *("plan", "processes", "images", "images/s", "inferences/image", "of the model alone"),
        *("TPR", "FPR"),
        *("MiB, at first", "at the end", "killed"),
    ):
        table.add_column(column, justify="right")
    for scan in scans:
        middle, last = scan.memory[len(scan.memory) // 3], scan.memory[-2]
        table.add_row(
            scan.plan,
            str(scan.processes),
            f"{scan.images:,}",
            f"{scan.images / scan.seconds:,.0f}",
            f"{scan.inferences:.2f}",
            f"{scan.images / scan.seconds * scan.inferences / alone:.0%}",
            f"{scan.tpr:.1%}",
            f"{scan.fpr:.2%}",
            "+".join(map(str, middle)),
            "+".join(map(str, last)),
            "once" if scan.killed else "",
        )
    console.print(table)
    console.print(f"The model alone answers {alone:,.0f} images a second, in batches of 64.")


if __name__ == "__main__":
    main()
