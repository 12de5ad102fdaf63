"""What a result is about."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """A model with its attack, ``attack`` None where none is known, under one ``strategy``."""

    subject: str
    attack: str | None
    strategy: str
