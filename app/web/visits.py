"""The images of a request, with what is known of who sent them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.gateway.timing import Timing
from app.gateway.visit import RequestFacts, Visit
from app.web.answering.server_timing import TIMING
from app.web.guarding.keys import caller
from app.web.intake.preferences import wait_s
from app.wire.trace import trace_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi import Request
    from numpy.typing import NDArray

    from app.gateway.predict import Gateway
    from app.ports import Arrival
    from app.web.service import Service
    from app.wire.selection import Selection


def visits(
    request: Request,
    arrivals: Sequence[Arrival],
    sent: Sequence[bytes] | NDArray[Any],
    selection: Selection | None = None,
    *,
    asks_verdict: bool = False,
) -> list[Visit]:
    """Return the images *arrivals* of *request*, which came as *sent*: files, or a tensor's rows.

    All pay from one account, and are asked by one *selection*. *asks_verdict*: the verdict is among
    what the request names. Raises RateExceededError.
    """
    gateway: Gateway = request.app.state.gateway
    scope = request.scope
    pay, facts = gateway.account(caller(request)), request_facts(request)
    waits = wait_s(request, asks_verdict=asks_verdict) if gateway.monitors else 0.0
    trace, timing = trace_of(scope["headers"]), Timing()
    scope["state"][TIMING] = timing
    return [  # by number: a tensor that is iterated over ends with an error, whose words take time
        Visit(arrival, pay, selection, facts, sent[one], waits, None, trace, timing)
        for one, arrival in enumerate(arrivals)
    ]


def request_facts(request: Request) -> RequestFacts:
    """Return what is known of *request*: its id, and the name of the key that has opened it."""
    state = request.scope["state"]  # `request.state` takes a microsecond for both
    key = state.get("key")
    if key is None:
        return RequestFacts(state["request_id"])
    service: Service = request.app.state.service
    return RequestFacts(state["request_id"], service.keys.name(key))
