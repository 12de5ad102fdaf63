"""A caller's trace goes on to the model server, with its image and its probes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from app.events import Kind
from app.settings import Protocol, Strategy
from app.tracing.exporting import exporting
from app.upstream.assembly import Server
from tests.collector import collector
from tests.gateway.test_selections import PREDICT, TOLD, Signatures
from tests.library.servers import eventually
from tests.upstream.odd_server import odd
from tests.web.drop_in import CLEAN, NAME, application, client_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from app.events import Event

PARENTS = [f"00-{digit * 32}-{digit * 16}-01" for digit in "12"]
STATE = "rojo=00f067aa0ba902b7"


class Traced(Signatures):
    """A model server that keeps the headers that requests for answers have."""

    def __init__(self) -> None:
        super().__init__()
        self.headers: list[tuple[str | None, str | None, str | None]] = []

    async def handle(self, request: Request) -> Response:
        """Answer one request."""
        if request.method == "POST":
            told = [request.headers.get(one) for one in ("traceparent", "tracestate", "x-secret")]
            self.headers.append((told[0], told[1], told[2]))
        return await super().handle(request)


@pytest.mark.parametrize("protocol", [Protocol.OIP, Protocol.INSTANCES])
async def test_who_is_traced_is_traced_on(protocol: Protocol) -> None:
    """Each request with a caller's images alone is in its trace; nothing else of its headers is."""
    server = Traced()
    with odd(server) as url:
        app = application(Server(url, NAME, protocol), Strategy.FAST, TOLD)
        async with client_of(app) as client:
            server.headers.clear()
            server.sizes.clear()
            body = {"instances": CLEAN[:1].tolist()}
            headers = {"traceparent": PARENTS[0], "tracestate": STATE, "x-secret": "1"}
            assert 200 == (await client.post(PREDICT, json=body, headers=headers)).status_code
            assert sum(server.sizes) > 1  # probes, too
            assert {(PARENTS[0], STATE, None)} == set(server.headers)
            server.headers.clear()
            assert 200 == (await client.post(PREDICT, json=body)).status_code
            assert {(None, None, None)} == set(server.headers)


async def test_requests_of_two_callers_are_in_neither_trace() -> None:
    """What is asked for both at once would be told to one of them alone."""
    server = Traced()
    with odd(server) as url:
        app = application(Server(url, NAME, Protocol.INSTANCES), Strategy.OFF, TOLD)
        async with client_of(app) as client:
            server.headers.clear()
            server.sizes.clear()
            body = {"instances": CLEAN[:1].tolist()}
            asked = [
                client.post(PREDICT, json=body, headers={"traceparent": one}) for one in PARENTS
            ]
            await asyncio.gather(*asked)
    # After it the canaries may be asked, on a slow machine.
    assert (2, (None, None, None)) == (server.sizes[0], server.headers[0])
    assert {(None, None, None)} == set(server.headers)


async def test_a_start_is_two_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    """What calibrating asks is one, waiting for all parts the other: not each request by itself."""
    server = Traced()
    with collector() as it, odd(server) as url:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", it.url)
        async with exporting():
            app = application(Server(url, NAME, Protocol.INSTANCES), Strategy.FAST, TOLD)
            async with client_of(app):
                heard: list[Event] = []
                app.state.gateway.events.hear(heard.append)
                await eventually(lambda: Kind.WORKER_READY in {event.kind for event in heard})
    assert server.sizes
    assert "upstream" in it.spans
    assert {it.spans[name].trace_id for name in ("start", "calibrate")} == it.traces
