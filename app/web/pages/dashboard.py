"""GET /: the state of the gateway on one page, without scripts and without a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from app.templates import templates
from app.web.answering.answers import trigger_answer
from app.web.routes.health import missing
from app.web.service import TheGateway, TheService  # noqa: TC001  # FastAPI evaluates them

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.gateway.predict import Gateway
    from app.gateway.readiness import Readiness
    from app.ports import Tally
    from app.web.answering.answers import Labels, TriggerAnswer

router = APIRouter(include_in_schema=False)

_POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'unsafe-inline';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_PAGE = templates(__package__).get_template("dashboard.html")


@dataclass(frozen=True)
class Shown:
    """What holders of an admin key see."""

    tally: Tally
    triggers: Sequence[TriggerAnswer]


@router.get("/")
async def dashboard(request: Request, service: TheService, gateway: TheGateway) -> HTMLResponse:
    """Return the page; the triggers are on it only where the request's key allows it."""
    allowed = service.keys.admits_admin(request)
    page = _PAGE.render(
        model=service.model_name,
        state=_state(await gateway.readiness()),
        shown=_shown(gateway, service.labels) if allowed else None,
    )
    return HTMLResponse(page, headers={"Content-Security-Policy": _POLICY})


def _state(readiness: Readiness) -> str:
    if not readiness.ready:
        return f"Not ready. {missing(readiness)}"
    if readiness.degraded:
        return f"Ready, but degraded. {missing(readiness)}"
    return "Ready."


def _shown(gateway: Gateway, labels: Labels) -> Shown:
    library = gateway.library
    return Shown(library.tally(), [trigger_answer(entry, labels) for entry in library.entries()])
