"""Rows of the field's table as docs/measured.md has them, from what --json wrote.

neo-gateway evaluate --suite field --kept --seeds 3 --images 200 --json field.json
python -m tests.benchmarks.field field.json
python -m tests.benchmarks.field field.json --beside    the defences beside each other

A TPR has its 95 % interval (Wilson) in brackets, a mean over several streams half its own (t).
"""

from __future__ import annotations

import argparse
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

NONE = "–"

Told = dict[str, Any]
"""A row, or a part of one, as it was written."""

HEAD = (
    "attack",
    "defence",
    "streams",
    "AUROC",
    "TPR at FPR 1 %, 0.1 %",
    "TPR, FPR at its line",
    "FPR, clean model",
    "first one",
    "inferences",
    "trips",
    "accuracy",
    "attack succeeds",
    "agreement",
    "IoU",
)


def main() -> None:
    """Print a table for each network."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.field",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("json", type=Path)
    parser.add_argument("--beside", action="store_true", help="a line each attack: TPR, FPR")
    options = parser.parse_args()
    rows = orjson.loads(options.json.read_bytes())["rows"]
    console = Console()
    for (data, network), some in groupby(rows, lambda row: (row["data"], row["network"])):
        its = list(some)
        made = beside(its) if options.beside else whole(its)
        lines = [f"{data}, {network}", "", *made]
        console.print("\n".join(lines), "", sep="\n", soft_wrap=True, highlight=False, markup=False)


def whole(rows: Iterable[Told]) -> Iterator[str]:
    """Return a table with all columns, a line for each attack and defence."""
    yield from (_line(HEAD), _line("---" for _ in HEAD))
    for attack, its in groupby(rows, _attack):
        for i, row in enumerate(its):
            yield _line(("" if i else attack, *_cells(row)))


def beside(rows: Sequence[Told]) -> Iterator[str]:
    """Return a table with a line for each attack: TPR and FPR of each defence, at its own line.

    *flips* is what share of the poisoned images the model without a defence calls as wanted.
    """
    defences = list(dict.fromkeys(row["defence"] for row in rows))
    yield from (
        _line(("attack", "flips", *defences)),
        _line("---" for _ in range(2 + len(defences))),
    )
    for attack, its in groupby(rows, _attack):
        of = {row["defence"]: row for row in its}
        flips = next(iter(of.values()))["success_before"]
        yield _line((attack, _share(flips), *(_rates(of.get(one)) for one in defences)))


def _attack(row: Told) -> str:
    return f"{row['attack']} {row['rate']}".strip().replace("%", " %")


def _rates(row: Told | None) -> str:
    return NONE if row is None else f"{_share(row['tpr'])}, {_share(row['fpr'])}"


def _share(rate: Told | None) -> str:
    return _percent(rate).removesuffix(" %")


def _line(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(row: Told) -> tuple[str, ...]:
    at_lines = (_percent(row["tpr_at_1"]), _percent(row["tpr_at_01"]))
    before, after = row["success_before"], row["success_after"]
    first = row["first_flagged"]
    return (
        f"{row['defence']} *" if row["earlier"] else row["defence"],
        str(row["runs"]),
        _mean(row["auroc"], 3),
        NONE if row["tpr"] is None else ", ".join(at_lines),
        f"{_percent(row['tpr'], within=True)}, {_percent(row['fpr'])}",
        _percent(row["clean_fpr"]),
        NONE if first is None else f"{first['hits']} of {first['of']}",
        _mean(row["inferences"], 1),
        _mean(row["round_trips"], 1),
        _percent(row["accuracy_after"]),
        NONE if before is None else f"{_percent(before)} → {_percent(after)}",
        _percent(row["agreement"]),
        _mean(row["overlap"], 2),
    )


def _percent(rate: Told | None, *, within: bool = False) -> str:
    if rate is None or rate["value"] is None:
        return NONE
    share = f"{100 * rate['value']:.1f}".removesuffix(".0")
    bounds = f" ({100 * rate['low']:.0f} to {100 * rate['high']:.0f})" if within else ""
    return f"{share} %{bounds}"


def _mean(mean: Told | None, digits: int) -> str:
    if mean is None or mean["value"] is None:
        return NONE
    half = "" if mean["high"] is None else f" ± {mean['high'] - mean['value']:.{digits}f}"
    return f"{mean['value']:.{digits}f}{half}"


if __name__ == "__main__":
    main()
