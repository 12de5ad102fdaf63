"""Rows of the field's table as docs/measured.md has them, from what --json wrote.

neo-gateway evaluate --suite field --kept --seeds 3 --images 200 --json field.json
python -m tests.benchmarks.field field.json

A TPR has its 95 % interval (Wilson) in brackets, a mean over several streams half its own (t).
"""

from __future__ import annotations

import argparse
from itertools import groupby
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console

NONE = "–"

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
    rows = orjson.loads(parser.parse_args().json.read_bytes())["rows"]
    console = Console()
    for (data, network), some in groupby(rows, lambda row: (row["data"], row["network"])):
        lines = [f"{data}, {network}", "", _line(HEAD), _line("---" for _ in HEAD)]
        for attack, its in groupby(some, lambda row: f"{row['attack']} {row['rate']}"):
            shown = attack.strip().replace("%", " %")
            for i, row in enumerate(its):
                lines.append(_line(("" if i else shown, *_cells(row))))
        console.print("\n".join(lines), "", sep="\n", soft_wrap=True, highlight=False, markup=False)


def _line(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
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


def _percent(rate: dict[str, Any] | None, *, within: bool = False) -> str:
    if rate is None or rate["value"] is None:
        return NONE
    share = f"{100 * rate['value']:.1f}".removesuffix(".0")
    bounds = f" ({100 * rate['low']:.0f} to {100 * rate['high']:.0f})" if within else ""
    return f"{share} %{bounds}"


def _mean(mean: dict[str, Any] | None, digits: int) -> str:
    if mean is None or mean["value"] is None:
        return NONE
    half = "" if mean["high"] is None else f" ± {mean['high'] - mean['value']:.{digits}f}"
    return f"{mean['value']:.{digits}f}{half}"


if __name__ == "__main__":
    main()
