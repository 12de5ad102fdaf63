"""GET /: what the gateway does and has found, on one page that needs neither script nor network."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from app.ports import LibraryError
from app.templates import templates
from app.web.answering.answers import trigger_answer
from app.web.guarding.forms import browser_number, keep_number, token
from app.web.guarding.keys import caller
from app.web.pages.timeline import Timeline, timeline
from app.web.routes.health import missing
from app.web.service import TheGateway, TheService  # noqa: TC001  # FastAPI evaluates them

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.gateway.predict import Gateway
    from app.gateway.readiness import Readiness
    from app.history import History
    from app.ports import Tally
    from app.web.answering.answers import Labels, TriggerAnswer

router = APIRouter(include_in_schema=False)

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",  # without any, browsers don't say where a form comes from
}

OPEN: Final = 12
"""Triggers that are shown at full length; further ones open on a click.

The model is asked for their examples, which browsers without scripts load at once.
"""


@dataclass(frozen=True)
class Shown:
    """What holders of an admin key see."""

    tally: Tally
    timeline: Timeline
    triggers: Sequence[TriggerAnswer]
    dismissed: Sequence[TriggerAnswer]


@router.get("/")
async def dashboard(request: Request, service: TheService, gateway: TheGateway) -> HTMLResponse:
    """Return the page; the triggers are on it only where the request's key allows it."""
    allowed = service.keys.admits_admin(request)
    readiness = await gateway.readiness()
    number = browser_number(request)
    response = page(
        "dashboard.html",
        model=service.model_name,
        monitors=gateway.monitors,
        parts=readiness.parts,
        state=_state(readiness),
        shown=await _shown(gateway, service.labels) if allowed else None,
        opened=OPEN,
        form=token(number, caller(request), TRY),
        now=datetime.now(UTC),
    )
    keep_number(response, request, number)
    return response


TRY: Final = "try"
"""The purpose of the form that takes an image."""


def page(template: str, status: int = 200, **facts: Any) -> HTMLResponse:
    """Return the page that *template* makes of *facts*."""
    html = templates(__package__).get_template(template).render(facts)
    return HTMLResponse(html, status, HEADERS)


def _state(readiness: Readiness) -> str:
    if not readiness.ready:
        return f"Not ready. {missing(readiness)}"
    if readiness.degraded:
        return f"Ready, but degraded. {missing(readiness)}"
    return "Ready."


async def _shown(gateway: Gateway, labels: Labels) -> Shown:
    library = gateway.library
    return Shown(
        library.tally(),
        await _timeline(gateway.history),
        [trigger_answer(entry, labels) for entry in library.entries()],
        [trigger_answer(entry, labels) for entry in library.dismissed()],
    )


async def _timeline(history: History) -> Timeline:
    try:
        return timeline(await history.all(), history.now(), shared=True)
    except LibraryError:  # the state says why
        return timeline(history.own(), history.now(), shared=False)
