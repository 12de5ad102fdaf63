"""GET /: what the gateway does and has found, on one page that needs neither script nor network."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from anyio import to_thread
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from app.events import Kind
from app.events.fleet import OFTEN
from app.templates import templates
from app.web.guarding.forms import browser_number, keep_number, token
from app.web.guarding.keys import caller
from app.web.pages.shown import all_shown
from app.web.routes.health import missing
from app.web.service import TheGateway, TheService  # noqa: TC001  # FastAPI evaluates them

if TYPE_CHECKING:
    from app.gateway.readiness import Readiness

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
"""Triggers that are shown at full length; further ones are one click away.

The model is asked for their examples, which browsers without scripts load at once.
"""


@router.get("/")
async def dashboard(request: Request, service: TheService, gateway: TheGateway) -> HTMLResponse:
    """Return the page; the triggers are on it only where the request's key allows it."""
    allowed = service.keys.admits_admin(request)
    readiness = await gateway.readiness()
    number = browser_number(request)
    response = await to_thread.run_sync(  # with many triggers it takes a while
        partial(
            page,
            "dashboard.html",
            model=service.model_name,
            monitors=gateway.monitors,
            keyed=service.keys.required,
            parts=readiness.parts,
            state=_state(readiness),
            shown=await all_shown(gateway, service.labels) if allowed else None,
            opened=OPEN,
            form=token(number, caller(request), TRY),
            rare=sorted(set(Kind) - OFTEN),
            often=sorted(OFTEN),
            now=datetime.now(UTC),
        )
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
