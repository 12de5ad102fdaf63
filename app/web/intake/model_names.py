"""The one model that the gateway stands for, by its name in a path."""

from __future__ import annotations


class UnknownModelError(Exception):
    """There is no model of this name, or of this version."""


def check_model(named: str, model: str) -> None:
    """Return if *named* is *model*, the model's own name. Raises UnknownModelError."""
    if named != model:
        message = f"there is no model {named[:80]!r}"
        raise UnknownModelError(message)
