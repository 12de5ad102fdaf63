"""The models of the evasion table beside each other, as docs/measured.md has them.

make bench-evasion ARGS="--in-process --known --models signs/signs_flower --json known.json"
make bench-evasion ARGS="--in-process --models signs/signs_flower --json both.json"
python -m tests.benchmarks.evasion.side_by_side both.json known.json

A cell is "unknown; known", how many evaded; "of n" where there weren't as many pictures as asked
for. What several files have of an attack is taken from the last of them. Attacks by which nothing
evaded on any model stand below the table.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from rich.console import Console

from tests.benchmarks.evasion.attacks import ATTACKS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

NONE = "–"
STATES = ("unknown", "known")

Told = dict[str, Any]
"""A document of `--json`."""


def main() -> None:
    """Print the table of the files that are named."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.evasion.side_by_side",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("json", type=Path, nargs="+")
    documents = [orjson.loads(path.read_bytes()) for path in parser.parse_args().json]
    console = Console()
    for line in side_by_side(documents):
        console.print(line, soft_wrap=True, highlight=False, markup=False)


def side_by_side(documents: Sequence[Told]) -> Iterator[str]:
    """Return the table's lines, and one that names the attacks by which nothing evaded."""
    cells = _cells(documents)
    models = list(dict.fromkeys(model for some in cells.values() for model in some))
    evading = [attack for attack in cells if _evades(cells[attack].values())]
    yield _line(["attack", *models])
    yield _line(["---"] * (1 + len(models)))
    for attack in evading:
        yield _line([attack, *(_cell(cells[attack].get(model)) for model in models)])
    held = [attack for attack in cells if attack not in evading]
    if held:
        yield f"\nNothing evaded by {', '.join(held)}."


def _cells(documents: Sequence[Told]) -> Mapping[str, Mapping[str, Told]]:
    """Return for each attack, in its own order, and model what is told of the two states."""
    found: defaultdict[str, defaultdict[str, Told]] = defaultdict(lambda: defaultdict(dict))
    for document in documents:
        for row in document["rows"]:
            if not row["n"]:
                continue
            cell = found[row["attack"]][row["model"]]
            cell["asked"] = document["images"]
            cell.update({state: row[state]["evaded"] for state in STATES if row[state]["evaded"]})
    order = [*ATTACKS, *found]
    return {attack: found[attack] for attack in sorted(found, key=order.index)}


def _evades(cells: Iterable[Told]) -> bool:
    return any(one[state]["hits"] for one in cells for state in STATES if state in one)


def _cell(told: Told | None) -> str:
    return NONE if told is None else "; ".join(_count(told, state) for state in STATES)


def _count(told: Told, state: str) -> str:
    if state not in told:
        return NONE
    hits, of = told[state]["hits"], told[state]["of"]
    return str(hits) if of == told["asked"] else f"{hits} of {of}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
