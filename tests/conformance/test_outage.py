"""A real model server dies under load and comes back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING

from tests.conformance.gateways import wait_until_ready
from tests.conformance.replies import Reply, reply

if TYPE_CHECKING:
    import httpx

    from tests.conformance.model_server import ModelServer
    from tests.conformance.samples import Sample
    from tests.faults.service import Service

CALLERS = 4
BEFORE = 12
"""So many requests are answered before the server dies."""


def test_a_restart_of_the_model_server_is_survived(
    server: ModelServer, gateway: Service, stream: list[Sample], replies: list[Reply]
) -> None:
    """While it is away nothing wrong is answered, only problems; then all is as it was."""
    assert replies  # from here on the trigger is known
    try:
        responses = _responses_as_it_dies(server, gateway, stream)
    finally:
        server.start()
    failed = [response for response in responses if response.status_code != 200]
    assert len(stream) // 2 < len(failed)
    others = [response for response in failed if not _is_outage(response)]
    assert len(others) <= CALLERS  # those that were at it
    assert [] == [response.text for response in others if not _is_half_screened(response)]
    answered = [
        (reply(response), sample)
        for response, sample in zip(responses, stream, strict=True)
        if response.status_code == 200
    ]
    assert [] == _wrong(answered)

    wait_until_ready(gateway)
    again = [reply(gateway.predict(sample.image)) for sample in stream]
    assert [] == _wrong(list(zip(again, stream, strict=True)))


def _responses_as_it_dies(
    server: ModelServer, gateway: Service, stream: list[Sample]
) -> list[httpx.Response]:
    with ThreadPoolExecutor(CALLERS) as callers:
        asked = [callers.submit(gateway.predict, sample.image) for sample in stream]
        for count, _ in enumerate(as_completed(asked), 1):
            if count == BEFORE:
                server.kill()
    return [one.result() for one in asked]


def _is_outage(response: httpx.Response) -> bool:
    """Tell if it is a problem of the model server's, or that it isn't asked for now."""
    if not _is_problem(response):
        return False
    return response.status_code in {502, 504} or "upstream-open" in response.json()["type"]


def _is_half_screened(response: httpx.Response) -> bool:
    """Tell if the model still answered for the image itself, but not for all its probes."""
    return response.status_code == 503 and _is_problem(response)


def _is_problem(response: httpx.Response) -> bool:
    return response.headers["Content-Type"] == "application/problem+json"


def _wrong(answered: list[tuple[Reply, Sample]]) -> list[tuple[Reply, bool, int]]:
    """Return the wrong replies, each with what is true."""
    return [
        (said, sample.poisoned, sample.label)
        for said, sample in answered
        if not said.is_right(sample)
    ]
