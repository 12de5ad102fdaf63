"""The field's table as the documents have it, printed from what `--json` wrote."""

from __future__ import annotations

from typing import Any

from tests.benchmarks.field import beside


def _row(attack: str, defence: str, tpr: float | None, fpr: float) -> dict[str, Any]:
    caught = None if tpr is None else {"value": tpr}
    flips = None if tpr is None else {"value": 0.95}
    return {
        "attack": attack,
        "rate": "" if tpr is None else "10%",
        "defence": defence,
        "success_before": flips,
        "tpr": caught,
        "fpr": {"value": fpr},
    }


def test_defences_stand_beside_each_other() -> None:
    """A line has an attack, what it flips, and of each defence TPR and FPR; a dash what lacks."""
    rows = [
        _row("badnets", "full", 1.0, 0.005),
        _row("badnets", "strip", 0.25, 0.02),
        _row("none", "full", None, 0.0),
    ]
    assert [
        "| badnets 10 % | 95 | 100, 0.5 | 25, 2 |",
        "| none | – | –, 0 | – |",
    ] == list(beside(rows))[2:]
