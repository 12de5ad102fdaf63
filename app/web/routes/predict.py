"""POST /predict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response

from app.ports import Arrival
from app.web.answering.answers import (
    MonitoredAnswer,
    PredictionAnswer,
    Verdict,
    json_response,
    prediction_answer,
    verdict,
)
from app.web.answering.problems import described
from app.web.answering.request_ids import request_id
from app.web.answering.server_timing import WAITED
from app.web.direct import DirectRoute
from app.web.intake.pixels import decoded
from app.web.intake.preferences import applied
from app.web.intake.uploads import REQUEST_BODY, uploaded
from app.web.visits import visits

if TYPE_CHECKING:
    from app.gateway.predict import Gateway
    from app.web.service import Service

router = APIRouter(tags=["predictions"], route_class=DirectRoute)

_VERDICT = {
    "X-Neo-Verdict": {
        "description": "The verdict in one word",
        "schema": {"type": "string", "enum": [*Verdict]},
    },
    **WAITED,
}


@router.post(
    "/predict",
    summary="Classify one image",
    response_class=Response,
    responses={
        200: {
            "model": PredictionAnswer | MonitoredAnswer,
            "description": "OK",
            "headers": _VERDICT,
        },
        **described(400, 413, 415, 422, 429, 502, 503, 504),
    },
    openapi_extra={"requestBody": REQUEST_BODY},
)
async def predict(request: Request) -> Response:
    """Return the model's prediction, corrected and flagged if the image carries a trigger."""
    gateway: Gateway = request.app.state.gateway
    answer, said = await predicted(request, gateway)
    return json_response(answer, {"X-Neo-Verdict": said, **applied(request, gateway)})


async def predicted(
    request: Request, gateway: Gateway, *, asks_verdict: bool = False
) -> tuple[PredictionAnswer, Verdict]:
    """Return what *gateway* answers to the image in *request*, and that in one word.

    One that *asks_verdict* waits for it in monitor mode, too.
    """
    service: Service = request.app.state.service
    file = await uploaded(request, service.max_body)
    image = await decoded(file, gateway, service.pictures)
    (visit,) = visits(request, [Arrival(image)], [file], asks_verdict=asks_verdict)
    outcome = await gateway.predict(visit)
    answer = prediction_answer(outcome, service.labels, service.model_name, request_id(request))
    return answer, verdict(outcome)
