"""What the table says of how the defences are set is what they are set to."""

from __future__ import annotations

from app.evaluation.field.defences import defences
from app.evaluation.field.hyperparameters import hyperparameters
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "evaluate.md").read_text()


def test_every_defence_says_how_it_is_set() -> None:
    """In the table's order; those that are told a patch name its side."""
    told = hyperparameters(0.25)
    assert list(defences(0.25)) == list(told)
    assert ["fast", "full", "full+opinion", "neo", "patchcleanser"] == [
        name for name, one in told.items() if "0.25 of the side" in one.values
    ]
    assert "suspicious: 1 %" in told["full+opinion"].values
    assert "Λ_T 0.75, Δ_T 1, k 24, N 400" in told["neo"].values


def test_only_strip_needs_scores() -> None:
    """Without them it can't be run (`test_measuring`); the others look at labels."""
    assert ["strip"] == [
        name for name, one in hyperparameters(0.25).items() if one.needs == "scores"
    ]


def test_the_page_says_of_each_baseline_what_was_checked() -> None:
    """A row of each, beside its paper."""
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    for name in ("neo", "strip", "scale-up", "teco", "patchcleanser"):
        assert any(line.startswith(f"| `{name}` |") for line in rows)
