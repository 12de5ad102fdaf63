"""Backdoored models for whoever has none at hand: real digits, every kind of attack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.evaluation.attacks import Attack
    from app.evaluation.subject import Subject


@dataclass(frozen=True, eq=False)
class Exercise:
    """An attack on the digits, by its ``name``; without one the model is clean."""

    name: str
    attack: Attack | None

    def subject(self) -> Subject:
        """Return its model: from this user's cache, else trained now, in some seconds."""
        raise NotImplementedError


def suite() -> tuple[Exercise, ...]:
    """Return an exercise for each kind of attack, and one without; nothing is trained yet.

    clean, patch, two-triggers, moving, two-piece, source-specific, all-to-all, blended, large.
    """
    raise NotImplementedError
