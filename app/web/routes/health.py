"""GET /healthz and /readyz."""

from __future__ import annotations

import enum
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response

from app.gateway.readiness import Readiness
from app.web.answering.answers import json_response
from app.web.answering.problems import Problem, described, problem_response
from app.web.answering.request_ids import request_id
from app.web.service import readiness

if TYPE_CHECKING:
    from app.gateway.readiness import Part
    from app.web.service import Service

router = APIRouter(tags=["health"], default_response_class=Response)

UNTOLD = "the reason is told to holders of a key"


class Health(enum.StrEnum):
    """How much of the gateway is there."""

    ALIVE = "alive"
    READY = "ready"
    DEGRADED = "degraded"


@dataclass(frozen=True)
class HealthAnswer:
    """The process lives."""

    status: Health


@dataclass(frozen=True)
class PartAnswer:
    """One thing that the gateway needs; ``reason`` says why it isn't there, or what it lacks.

    Once keys are set only their holders are told: it may name hosts, and quote the model server.
    """

    name: str
    ok: bool
    reason: str | None


@dataclass(frozen=True)
class ReadinessAnswer:
    """All parts; degraded: something is missing that the gateway can go on without."""

    status: Health
    parts: tuple[PartAnswer, ...]


@router.get(
    "/healthz",
    summary="Is the process alive?",
    responses={200: {"model": HealthAnswer, "description": "It is"}, **described()},
)
async def healthz() -> Response:
    """Return at once; no other part is asked."""
    return json_response(HealthAnswer(Health.ALIVE))


@router.get(
    "/readyz",
    summary="Can this worker answer?",
    responses={200: {"model": ReadinessAnswer, "description": "It can"}, **described(503)},
)
async def readyz(request: Request) -> Response:
    """Return each part and why it isn't there; where it isn't ready, the problem has ``parts``."""
    now = await readiness(request)
    service: Service = request.app.state.service
    if not service.keys.admits_client(request):
        now = without_reasons(now)
    parts = tuple(part_answer(part) for part in now.parts)
    if now.ready:
        status = Health.DEGRADED if now.degraded else Health.READY
        return json_response(ReadinessAnswer(status, parts))
    problem = Problem(
        type="urn:neo-gateway:not-ready",
        title="The gateway isn't ready",
        status=503,
        detail=missing(now),
        request_id=request_id(request),
    )
    return problem_response(problem, parts=[asdict(part) for part in parts])


def without_reasons(readiness: Readiness) -> Readiness:
    """Return *readiness* as anybody may hear it."""
    return Readiness(
        tuple(
            replace(part, problem=UNTOLD if part.problem else None, note=None)
            for part in readiness.parts
        )
    )


def missing(readiness: Readiness) -> str:
    """Return what isn't there, each with its reason, in one line; empty if nothing is missing."""
    return "; ".join(f"{part.name}: {part.problem}" for part in readiness.parts if part.problem)


def part_answer(part: Part) -> PartAnswer:
    """Return *part* as it is answered."""
    return PartAnswer(part.name, ok=part.problem is None, reason=part.problem or part.note)
