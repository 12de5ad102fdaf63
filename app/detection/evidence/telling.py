"""How a placebo rate is told in words: measured on the class, taken from others, not asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.detection.reference_set.references import References


def at_the_rate(rate: float, label: int, references: References) -> str:
    """Say that it is a placebo *rate* of class *label*, and of what if there are too few of it."""
    told = f"at the rate {rate:.2f}"
    if references.are_enough(label):
        return told
    few = references.count(label)
    return f"{told} (assumed, for {few} references are of it: so other classes' carry their own)"


def at_worst(rate: float) -> str:
    """Say that nobody was asked, and this *rate* was taken."""
    return f"at the rate {rate:.2f}, which is taken, since it says least: they weren't asked"
