"""Every request has an id."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.web.served import Served


@pytest.mark.parametrize("offered", ["r-1", "A.b_C-9", "x" * 128])
async def test_callers_id_is_kept(served: Served, offered: str) -> None:
    """An acceptable id comes back in the header, on errors in the body too."""
    response = await served.http.get("/nowhere", headers={"X-Request-Id": offered})
    assert [offered] == response.headers.get_list("x-request-id")
    assert offered == response.json()["request_id"]


@pytest.mark.parametrize("offered", ["", "a b", "x" * 129, "ü", "a\tb", "<script>"])
async def test_unfit_id_is_replaced(served: Served, offered: str) -> None:
    """An id that could spoil a log or a header is replaced by one of ours."""
    headers = [(b"X-Request-Id", offered.encode())]
    response = await served.http.get("/healthz", headers=headers)
    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["x-request-id"])


async def test_each_request_has_its_own(served: Served) -> None:
    """Two requests without an id get two."""
    made = {(await served.http.get("/healthz")).headers["x-request-id"] for _ in range(2)}
    assert 2 == len(made)
