"""One trigger by itself; dismissing and restoring it: a question, and a form that answers it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from app.incidents import Deed  # noqa: TC001  # FastAPI evaluates it
from app.ports import LibraryError
from app.web.answering.answers import trigger_answer
from app.web.guarding.forms import (
    ForeignFormError,
    browser_number,
    check_form,
    keep_number,
    token,
)
from app.web.guarding.keys import caller
from app.web.intake.uploads import form_texts
from app.web.pages.dashboard import page
from app.web.service import TheGateway, TheService  # noqa: TC001  # FastAPI evaluates them
from app.web.visits import request_facts

if TYPE_CHECKING:
    from app.ports import Entry

router = APIRouter(prefix="/page", include_in_schema=False)


@router.get("/trigger/{trigger_id}")
async def show(trigger_id: str, service: TheService, gateway: TheGateway) -> HTMLResponse:
    """Return all of a trigger, dismissed or not."""
    one = trigger_answer(gateway.library.entry(trigger_id), service.labels)
    return page("trigger.html", model=service.model_name, one=one)


@router.get("/{deed}/{trigger_id}")
async def ask(
    deed: Deed, trigger_id: str, request: Request, service: TheService, gateway: TheGateway
) -> HTMLResponse:
    """Return the question whether that is meant, with the form that does it."""
    return _question(deed, gateway.library.entry(trigger_id), request, service)


@router.post("/{deed}/{trigger_id}")
async def do(
    deed: Deed, trigger_id: str, request: Request, service: TheService, gateway: TheGateway
) -> Response:
    """Do it, and lead back to the page; where that fails the question says why."""
    entry = gateway.library.entry(trigger_id)
    try:
        fields = await form_texts(request, service.max_body)
        check_form(request, caller(request), fields, _purpose(deed, trigger_id))
        await gateway.deeds.do(deed, trigger_id, request_facts(request))
    except ForeignFormError as error:
        return _question(deed, entry, request, service, 403, str(error))
    except LibraryError as error:
        return _question(deed, entry, request, service, 503, str(error))
    return RedirectResponse(f"../../#{trigger_id}", 303)


def _question(  # noqa: PLR0913, PLR0917  # what is asked, of whom, and what went wrong before
    deed: Deed,
    entry: Entry,
    request: Request,
    service: TheService,
    status: int = 200,
    problem: str | None = None,
) -> HTMLResponse:
    number = browser_number(request)
    response = page(
        "confirm.html",
        status,
        model=service.model_name,
        act=deed.value,
        one=trigger_answer(entry, service.labels),
        problem=problem,
        form=token(number, caller(request), _purpose(deed, entry.id)),
    )
    keep_number(response, request, number)
    return response


def _purpose(deed: Deed, trigger_id: str) -> str:
    return f"{deed.value} {trigger_id}"
