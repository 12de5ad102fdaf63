"""The evasion table of several models: what the files of `--json` come to beside each other."""

from __future__ import annotations

from typing import Any

import orjson

from tests.benchmarks.evasion.ground import Answer
from tests.benchmarks.evasion.rows import row
from tests.benchmarks.evasion.side_by_side import side_by_side
from tests.benchmarks.evasion.trying import Tried

PAST = Answer(7, flagged=False, inferences=11)
STOPPED = Answer(7, flagged=True, inferences=7)


def _document(*rows: tuple[str, str, list[Tried]], images: int = 2) -> dict[str, Any]:
    made = [row(model, "in process", attack, tried) for model, attack, tried in rows]
    told: dict[str, Any] = orjson.loads(orjson.dumps({"images": images, "rows": made}))
    return told


def test_models_stand_beside_each_other_in_the_order_of_the_attacks() -> None:
    """A cell has unknown and known ones, and of how many where it isn't as many as asked for."""
    document = _document(
        ("a", "copies 2", [Tried(7, PAST, STOPPED)]),
        ("a", "alpha 0.3", [Tried(7, PAST, PAST), Tried(7, STOPPED, PAST)]),
        ("b", "alpha 0.3", [Tried(7, STOPPED, STOPPED)] * 2),
    )
    lines = list(side_by_side([document]))
    assert "| attack | a | b |" == lines[0]
    assert ["| alpha 0.3 | 1; 2 | 0; 0 |", "| copies 2 | 1 of 1; 0 of 1 | – |"] == lines[2:4]


def test_attacks_by_which_nothing_evaded_stand_below() -> None:
    """They are named in a line, not in the table; what had no picture isn't named at all."""
    held = [Tried(7, STOPPED, STOPPED)] * 2
    made = _document(("a", "plain", held), ("b", "plain", held), ("b", "split", []))
    lines = list(side_by_side([made]))
    assert "\nNothing evaded by plain." == lines[2]


def test_what_a_later_file_has_of_an_attack_counts() -> None:
    """What it lacks is taken from the earlier one."""
    both = _document(("a", "split", [Tried(7, PAST, PAST)] * 2))
    known = _document(("a", "split", [Tried(7, None, STOPPED)] * 3), images=3)
    assert "| split | 2 of 2; 0 |" == list(side_by_side([both, known]))[2]
