"""HEAD wherever GET is: the same head, and no body."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route

from app.web.bodiless import without_body
from tests.tiny import tiny_trigger
from tests.web.served import Served, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

pytestmark = pytest.mark.asyncio(loop_scope="module")

OTHERWISE = {"x-request-id", "date"}
"""Headers that are others in each answer."""

ENDLESS = "/events"
"""Its answer has no end: tests/web/routes/test_events.py."""

CHANGING = {"/metrics", "/trigger/t-1/report.zip"}
"""Paths whose answer is longer or shorter each time."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def served() -> AsyncIterator[Served]:
    """Run the application; it knows a trigger."""
    async with serving() as running:
        await running.library.register(tiny_trigger())
        yield running


async def test_every_path_has_both(served: Served) -> None:
    """On each path that GET knows the answer to HEAD has the same status and headers, no more."""
    (entry,) = served.library.entries()
    paths = [path for path, methods in _paths(served) if "get" in methods and path != ENDLESS]
    names = {"model": "tiny", "trigger_id": entry.id, "suspect_id": "s-1"}
    named = [path.format(**names) for path in paths]
    for path in [*named, "/", "/docs", "/openapi.json", "/docs/assets/swagger-ui.css", "/none"]:
        got, told = await served.http.get(path), await served.http.head(path)
        assert (got.status_code, b"") == (told.status_code, told.content), path
        assert _headers(got, path) == _headers(told, path), path
    assert len(named) > len(CHANGING) + 10


async def test_where_get_is_not(served: Served) -> None:
    """A path that only takes POST says so, and a path with both names both."""
    told = await served.http.head("/predict")
    assert (405, "POST", b"") == (told.status_code, told.headers["allow"], told.content)
    told = await served.http.post("/trigger")
    assert (405, "GET, HEAD") == (told.status_code, told.headers["allow"])


async def test_accept_is_heard(served: Served) -> None:
    """HEAD is told of the same representation as GET."""
    told = await served.http.head("/trigger", headers={"Accept": "image/png"})
    assert "image/png" == told.headers["content-type"]


async def test_keys_are_asked_for() -> None:
    """Without a key HEAD gets what GET gets: health."""
    async with serving(api_keys=["key"]) as served:
        for path in ("/healthz", "/trigger", "/metrics", "/", "/v2/models/tiny", "/none"):
            got, told = await served.http.get(path), await served.http.head(path)
            assert (got.status_code, b"") == (told.status_code, told.content), path
            assert _headers(got, path) == _headers(told, path), path


async def test_an_endless_answer_ends() -> None:
    """Of an answer without an end HEAD gets the head, and whoever writes it stops."""
    stopped = []

    async def stream(_: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield b"more"
                    await asyncio.sleep(0)
            finally:
                stopped.append(True)

        return StreamingResponse(pieces(), media_type="text/event-stream")

    app = Starlette(routes=[Route("/", stream)])

    async def bodiless(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, without_body(send))

    transport = httpx.ASGITransport(bodiless)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        told = await client.get("/")
    assert (200, b"", [True]) == (told.status_code, told.content, stopped)


def _paths(served: Served) -> list[tuple[str, dict[str, object]]]:
    return list(served.app.openapi()["paths"].items())


def _headers(response: httpx.Response, path: str) -> dict[str, str]:
    other = OTHERWISE | ({"content-length"} if path in CHANGING else set())
    return {name: value for name, value in response.headers.items() if name not in other}
