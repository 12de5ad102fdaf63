"""`make bench-stream`: what the gateway finds and what it costs, over HTTP, on models of the zoo.

make bench-stream ARGS="--strategy fast --seeds 1 --models signs/signs_ysq --json results.json"
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress

from tests.benchmarks.measuring import Result, Run, measure
from tests.benchmarks.servers import running
from tests.benchmarks.zoo import IMAGES, ZOO, ZooModel, make_stream

if TYPE_CHECKING:
    from collections.abc import Iterable

MODELS = (
    "mnist/poisoned_1",
    "signs/signs_ysq",
    "signs/signs_bomb",
    "faces/faces_trojan_square",
    "signs/signs_clean",
    "mnist/normal",
)
COLUMNS = {
    "model": "model",
    "strategy": "strategy",
    "seed": "seed",
    "tpr": "TPR",
    "fpr": "FPR",
    "agreement": "agreement",
    "first_flagged": "first flagged",
    "inferences_clean": "inferences a clean image",
    "inferences_clean_p95": "p95",
    "inferences_searching": "before the discovery",
    "inferences_known": "a known poisoned image",
    "discovery": "the discovery",
    "round_trips_clean": "round trips a clean image",
    "preparation": "preparation",
    "triggers": "triggers",
    "overlap": "IoU",
}


def main() -> None:
    """Measure every model, strategy and seed; print a table, and save it if a file is named."""
    arguments = _arguments()
    console = Console()
    if not ZOO.is_dir():
        console.print("skipped: no zoo")
        return
    runs = [
        (model, seed, strategy)
        for model in arguments.models
        for seed in range(arguments.seeds)
        for strategy in arguments.strategy
    ]
    results: list[Result] = []
    console.print(_row(COLUMNS.values()), soft_wrap=True)
    console.print(_row("---" for _ in COLUMNS), soft_wrap=True)
    try:
        with Progress(console=console) as progress:
            for name, seed, strategy in runs:
                results.append(_run(name, seed, strategy, arguments.images, progress))
                console.print(_result_row(results[-1]), soft_wrap=True)
    finally:  # Ctrl-C keeps what is done
        if arguments.json:
            arguments.json.write_text(json.dumps([asdict(result) for result in results], indent=1))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-stream", description=__doc__)
    parser.add_argument("--models", nargs="+", default=MODELS)
    parser.add_argument("--strategy", nargs="+", default=["full", "fast", "paper"])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def _run(name: str, seed: int, strategy: str, images: int, progress: Progress) -> Result:
    folder, _, model_name = name.rpartition("/")
    model = ZooModel(ZOO / folder, model_name)
    stream = make_stream(model, seed, images)
    task = progress.add_task(f"{name} {strategy} {seed}", total=len(stream.images))
    settings = {
        "NEO_REFERENCE": str(model.folder / "reference.npz"),
        "NEO_STRATEGY": strategy,
        "NEO_PATIENCE": "120",
    }
    with (
        tempfile.TemporaryDirectory() as scratch,
        running(model, settings, Path(scratch)) as servers,
    ):
        run = Run(model, strategy, seed, stream)
        result = measure(run, servers, lambda: progress.advance(task))
    progress.remove_task(task)
    return result


def _row(cells: Iterable[str]) -> str:
    """Return one line of a Markdown table: it goes into docs/measured.md as it is."""
    return f"| {' | '.join(cells)} |"


def _result_row(result: Result) -> str:
    return _row(_cell(getattr(result, name)) for name in COLUMNS)


def _cell(value: object) -> str:
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.1f}" if value > 1 else f"{value:.3f}"
        case _:
            return str(value)


if __name__ == "__main__":
    main()
