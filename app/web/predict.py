"""POST /predict."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import anyio
from anyio import to_thread
from fastapi import APIRouter, Request, Response

from app.pictures.decoding import fitted, opened
from app.web.answers import PredictionAnswer, json_response, prediction_answer, verdict
from app.web.problems import described
from app.web.request_ids import request_id
from app.web.serving import TheGateway, TheService  # noqa: TC001  # FastAPI evaluates them
from app.web.uploads import REQUEST_BODY, uploaded

if TYPE_CHECKING:
    from app.detection.search import Image
    from app.ports import InputSize

router = APIRouter(tags=["predictions"])

# Decoding a quarter of a megapixel takes a few milliseconds: more would hold up the event loop.
_PIXELS_AT_ONCE = 250_000
# A large picture takes some hundred megabytes while it is decoded.
_LARGE_ONES_TOGETHER = 4

_VERDICT = {
    "X-Neo-Verdict": {
        "description": "The verdict in one word",
        "schema": {"type": "string", "enum": ["clean", "backdoor", "incomplete"]},
    }
}


@router.post(
    "/predict",
    summary="Classify one image",
    response_class=Response,
    responses={
        200: {"model": PredictionAnswer, "description": "OK", "headers": _VERDICT},
        **described(413, 415, 422, 502, 503, 504),
    },
    openapi_extra={"requestBody": REQUEST_BODY},
)
async def predict(request: Request, service: TheService, gateway: TheGateway) -> Response:
    """Return the model's prediction, corrected and flagged if the image carries a trigger."""
    body = await uploaded(request, service.max_body)
    image = await _decoded(body, gateway.size, service.max_pixels)
    outcome = await gateway.predict(image)
    answer = prediction_answer(outcome, service.labels, service.model_name, request_id(request))
    return json_response(answer, {"X-Neo-Verdict": verdict(outcome)})


async def _decoded(body: bytes, size: InputSize, max_pixels: int) -> Image:
    picture = opened(body, max_pixels=max_pixels)
    if picture.width * picture.height <= _PIXELS_AT_ONCE:
        return fitted(picture, size)
    return await to_thread.run_sync(partial(fitted, picture, size), limiter=_limiter)


_limiter = anyio.CapacityLimiter(_LARGE_ONES_TOGETHER)
