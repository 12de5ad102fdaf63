"""An image that somebody gives the page: asked as every other one, answered for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from fastapi import APIRouter, Request, Response

from app.web.answering.problems import answered
from app.web.direct import DirectRoute
from app.web.guarding.forms import check_form
from app.web.guarding.keys import caller
from app.web.intake.uploads import form_texts
from app.web.pages.dashboard import TRY, page
from app.web.routes.predict import predicted

if TYPE_CHECKING:
    from app.gateway.predict import Gateway
    from app.web.service import Service

router = APIRouter(prefix="/page", include_in_schema=False, route_class=DirectRoute)


@router.post("/try")
async def try_image(request: Request) -> Response:
    """Return what the gateway makes of the image in the form."""
    service: Service = request.app.state.service
    try:
        check_form(request, caller(request), await form_texts(request, service.max_body), TRY)
        gateway: Gateway = request.app.state.gateway
        answer, said = await predicted(request, gateway, asks_verdict=True)
    except Exception as error:  # noqa: BLE001  # a defect is logged and answered there, too
        refusal = await answered(request, error)
        return page(
            "tried.html",
            refusal.status_code,
            model=service.model_name,
            problem=orjson.loads(refusal.body),
            answer=None,
        )
    return page(
        "tried.html", model=service.model_name, problem=None, answer=answer, verdict=said.value
    )
