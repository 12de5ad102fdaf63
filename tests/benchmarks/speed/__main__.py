"""`make bench`: what the gateway costs, in front of an upstream that costs nothing.

make bench ARGS="--quick --only passing screening --json speed.json --plot growth.svg"
make bench ARGS="--beside ../other-clone"    plain requests only: another source tree, then this one
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import orjson
from rich.console import Console

from tests.benchmarks.speed import page
from tests.benchmarks.speed.beside import beside
from tests.benchmarks.speed.encoding import encoding
from tests.benchmarks.speed.fairness import fairness
from tests.benchmarks.speed.growth import growth
from tests.benchmarks.speed.memory import memory
from tests.benchmarks.speed.passing import passing
from tests.benchmarks.speed.report import GROWTH_HEAD, HEAD, growth_row, picture, row, table
from tests.benchmarks.speed.screening import screening

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from tests.benchmarks.speed.figures import Figure
    from tests.benchmarks.speed.growth import Point

T = TypeVar("T")

INTERRUPTED, TERMINATED = 130, 143


@dataclass(frozen=True)
class Amounts:
    """How many requests there are of each kind; for fairness also for how many seconds at most.

    For another tree: how many rounds of how many each.
    """

    passing: int
    screening: int
    fairness: tuple[int, float]
    memory: tuple[int, int]
    growth: int
    beside: tuple[int, int]


FULL = Amounts(
    passing=5000,
    screening=1500,
    fairness=(3000, 45),
    memory=(2000, 20_000),
    growth=1000,
    beside=(12, 800),
)
QUICK = Amounts(
    passing=500,
    screening=400,
    fairness=(600, 9),
    memory=(300, 1500),
    growth=150,
    beside=(4, 200),
)


def main() -> None:
    """Measure; print each figure beside its target, and save them if files are named."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # the servers end with us
    arguments = _arguments()
    figures: list[Figure] = []
    points: list[Point] = []
    try:
        _measure(arguments, figures, points)
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    finally:  # Ctrl-C keeps what is done
        _save(arguments, figures, points)


def _arguments() -> argparse.Namespace:
    parts = [*_parts(FULL), "growth"]
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of all, in two minutes")
    some = parser.add_mutually_exclusive_group()
    some.add_argument("--only", nargs="+", choices=parts, default=parts)
    some.add_argument("--beside", type=_tree, metavar="TREE", help="another source tree instead")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path, help="an .svg file for how the cost grows")
    return parser.parse_args()


def _tree(path: str) -> Path:
    tree = Path(path).resolve()
    if not (tree / "app" / "cli.py").is_file():
        message = f"{path} is no source tree of the gateway: it has no app/cli.py"
        raise argparse.ArgumentTypeError(message)
    return tree


def _parts(amounts: Amounts) -> Mapping[str, Callable[[], Iterator[Figure]]]:
    return {
        "passing": partial(passing, amounts.passing),
        "screening": partial(screening, amounts.screening),
        "fairness": partial(fairness, *amounts.fairness),
        "memory": partial(memory, *amounts.memory),
        "encoding": encoding,
    }


def _measure(arguments: argparse.Namespace, figures: list[Figure], points: list[Point]) -> None:
    """Add to *figures* and *points* as they are measured, and print them."""
    amounts = QUICK if arguments.quick else FULL
    if arguments.beside:
        found = beside(arguments.beside, *amounts.beside)
        _print(table(HEAD, (row(one) for one in _kept(found, figures))))
        _print_page(page.beside(figures))
        return
    chosen = [make for name, make in _parts(amounts).items() if name in arguments.only]
    if chosen:
        _print(table(HEAD, (row(one) for make in chosen for one in _kept(make(), figures))))
    if "passing" in arguments.only:
        _print_page(page.plain(figures))
    if "growth" in arguments.only:
        costs = growth(amounts.growth, quick=arguments.quick)
        _print([""])
        _print(table(GROWTH_HEAD, (growth_row(one) for one in _kept(costs, points))))
        _print(["", f"Several workers share {os.cpu_count()} cores with the client and upstream."])
        _print_page(page.growth(points))


def _print_page(lines: Iterable[str]) -> None:
    _print(["", "For docs/performance.md:", "", *lines])


def _kept(found: Iterator[T], kept: list[T]) -> Iterator[T]:
    for one in found:
        kept.append(one)
        yield one


def _print(lines: Iterable[str]) -> None:
    console = Console()
    for line in lines:
        console.print(line, soft_wrap=True, highlight=False, markup=False)


def _save(arguments: argparse.Namespace, figures: list[Figure], points: list[Point]) -> None:
    if arguments.json:
        told = {
            "quick": arguments.quick,
            "figures": [asdict(one) | {"met": one.met} for one in figures],
            "growth": [asdict(one) for one in points],
        }
        how = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        arguments.json.write_bytes(orjson.dumps(told, option=how))
    if arguments.plot and points:
        arguments.plot.write_text(picture(points))


if __name__ == "__main__":
    main()
