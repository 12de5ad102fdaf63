"""What the page loads."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.web.served import serving

if TYPE_CHECKING:
    from tests.web.served import Served

ASSETS = {
    "style.css": "text/css; charset=utf-8",
    "script.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


@pytest.mark.parametrize(("name", "media_type"), ASSETS.items())
async def test_a_browser_asks_whether_it_has_the_last_one(
    served: Served, name: str, media_type: str
) -> None:
    """A file is sent once: then its tag tells that it is still the same."""
    first = await served.http.get(f"/page/{name}")
    assert (200, media_type) == (first.status_code, first.headers["content-type"])
    assert "no-cache" == first.headers["cache-control"]
    tag = first.headers["etag"]
    again = await served.http.get(f"/page/{name}", headers={"If-None-Match": f'"other", W/{tag}'})
    assert (304, b"", tag) == (again.status_code, again.content, again.headers["etag"])
    other = await served.http.get(f"/page/{name}", headers={"If-None-Match": '"other"'})
    assert first.content == other.content


async def test_all_that_the_page_loads_is_there(served: Served) -> None:
    """The page names no file but these."""
    page = (await served.http.get("/")).text
    assert {f"page/{name}" for name in ASSETS} == set(re.findall(r'"(page/[\w]+\.\w+)"', page))


async def test_they_need_a_key_as_the_page_does() -> None:
    """With keys set a stranger doesn't even get the style."""
    async with serving(api_keys=("api-1",)) as served:
        assert 401 == (await served.http.get("/page/style.css")).status_code
