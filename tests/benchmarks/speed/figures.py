"""Figures beside their targets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A figure is to be this, or less; or where it is ``at_least`` this, or more."""

    value: float
    at_least: bool = False

    def met(self, value: float) -> bool:
        """Say if *value* is what it is to be."""
        return value >= self.value if self.at_least else value <= self.value


@dataclass(frozen=True)
class Figure:
    """One thing that was measured of a ``subject``; what has no target is only reported."""

    subject: str
    name: str
    value: float
    unit: str
    target: Target | None = None

    @property
    def met(self) -> bool | None:
        """Whether it is as it is to be; None where there is no target."""
        return None if self.target is None else self.target.met(self.value)
