"""The one model that the gateway stands for, by its name in a path."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import Request

    from app.web.serving import Service


class UnknownModelError(Exception):
    """There is no model of this name, or of this version."""


def check_model(request: Request, named: str) -> None:
    """Return if *named* is the model's name. Raises UnknownModelError."""
    service: Service = request.app.state.service
    if named != service.model_name:
        message = f"there is no model {named[:80]!r}"
        raise UnknownModelError(message)
