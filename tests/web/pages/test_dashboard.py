"""The page at /."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.ports import UpstreamUnreachableError
from tests.tiny import tiny_trigger
from tests.web.served import serving

if TYPE_CHECKING:
    from tests.web.served import Served


async def test_page_shows_state_counts_and_triggers(served: Served) -> None:
    """The page has the counts, each trigger with its picture, and no script of any kind."""
    await served.library.register(tiny_trigger())
    served.library.count(screened=120, flagged=3)
    response = await served.http.get("/")
    page = response.text
    assert "Ready." in page
    assert "120 images screened, 3 flagged." in page
    assert 'src="trigger/t-1.png"' in page
    assert 'src="trigger/t-1/examples.png"' in page
    assert "blue &lt;b&gt;" in page
    assert "<b>" not in page
    assert "<script" not in page
    assert "default-src 'none'" in response.headers["content-security-policy"]


async def test_page_says_what_is_missing(served: Served) -> None:
    """A lost store and a lost model are said on the page, with their reasons."""
    served.library.fault = "Redis is away"
    assert "Ready, but degraded. store: Redis is away" in (await served.http.get("/")).text
    served.model.failure = UpstreamUnreachableError("no connection")
    assert "Not ready. upstream: no connection" in (await served.http.get("/")).text


async def test_page_shows_that_nothing_was_found(served: Served) -> None:
    """Before the first trigger the page says so."""
    assert "No trigger has been found." in (await served.http.get("/")).text


async def test_triggers_are_hidden_from_strangers() -> None:
    """Once keys are set, the page shows triggers only to an admin key."""
    async with serving(api_keys=("api-1",), admin_keys=("admin-1",)) as served:
        await served.library.register(tiny_trigger())
        hidden = (await served.http.get("/", headers={"X-API-Key": "api-1"})).text
        shown = (await served.http.get("/", headers={"X-API-Key": "admin-1"})).text
    assert "t-1" not in hidden
    assert "images screened" not in hidden
    assert "t-1" in shown
