"""Whatever goes wrong is a problem document with an id."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from prometheus_client import REGISTRY

from app.gateway.outcome import UnscreenedError
from app.ports import LibraryError
from tests.web.served import Served, assert_problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


async def test_unknown_path(served: Served) -> None:
    """A path that isn't there is a 404."""
    assert_problem(await served.http.get("/nowhere"), 404, "Not Found")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/predict", "POST"),
        ("/trigger", "GET, HEAD"),
        ("/trigger/t-1", "DELETE, GET, HEAD"),
        ("/trigger/t-1.png", "GET, HEAD"),
        ("/trigger/t-1/restore", "POST"),
        ("/v1/models/tiny", "GET, HEAD"),
        ("/v1/models/tiny:predict", "POST"),
        ("/v2/models/tiny/versions/1/infer", "POST"),
        ("/docs", "GET, HEAD"),
        ("/docs/assets/swagger-ui.css", "GET, HEAD"),
    ],
)
async def test_wrong_method(served: Served, path: str, allowed: str) -> None:
    """A method that a path doesn't have is a 405, with all those that it has."""
    response = await served.http.patch(path)
    assert 405 == response.status_code
    assert allowed == response.headers["allow"]
    if not path.startswith("/v"):
        assert_problem(response, 405, "Method Not Allowed")


async def test_missing_asset(served: Served) -> None:
    """A missing asset of the docs is a problem like any other."""
    assert_problem(await served.http.get("/docs/assets/nothing.js"), 404, "Not Found")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (UnscreenedError("not finished within 10 s"), "unscreened"),
        (LibraryError("Redis is away"), "library-unavailable"),
    ],
)
async def test_what_may_be_better_soon_says_when(
    served: Served, error: Exception, kind: str
) -> None:
    """An image that couldn't be screened, and a lost store, are worth another try."""
    served.app.add_api_route("/raise", _raising(error))
    response = await served.http.get("/raise")
    assert_problem(response, 503, str(error))
    assert f"urn:neo-gateway:{kind}" == response.json()["type"]
    assert "5" == response.headers["retry-after"]


async def test_defect_tells_nothing_to_the_caller(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    """An unexpected error is a 500 without its text; the log says where, under the request's id."""
    served.app.add_api_route("/raise", _raising(RuntimeError("the password is hunter2")))
    with caplog.at_level(logging.ERROR):
        response = await served.http.get("/raise", headers={"X-Request-Id": "r-42"})
    assert_problem(response, 500, "Something went wrong in the gateway")
    assert "hunter2" not in response.text
    assert "r-42" == response.json()["request_id"]
    (line,) = (line for line in caplog.messages if "r-42" in line)
    assert line.startswith(
        "request r-42 failed: RuntimeError at tests/web/answering/test_problems.py:"
    )
    assert "hunter2" not in line


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/raise/known", "unscreened"), ("/raise/defect", "unexpected"), ("/nowhere", "not-found")],
)
async def test_refusals_are_counted_by_their_kind(served: Served, path: str, kind: str) -> None:
    """Each problem adds one to the count of its kind; what a caller writes is no kind."""
    served.app.add_api_route("/raise/known", _raising(UnscreenedError("not finished")))
    served.app.add_api_route("/raise/defect", _raising(RuntimeError("hunter2")))
    before = _refused(kind)
    await served.http.get(path)
    assert 1 == _refused(kind) - before


def _refused(kind: str) -> float:
    return REGISTRY.get_sample_value("neo_refused_total", {"kind": kind}) or 0.0


def _raising(error: Exception) -> Callable[[], Awaitable[None]]:
    async def route() -> None:
        raise error

    return route
