"""A browser as far as forms go: it opens a page, and sends the form on it."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
_TOKEN = re.compile(r'name="form" value="([0-9a-f]{64})"')


def typed(key: str) -> dict[str, str]:
    """Return the header of a browser into which *key* was typed as the password."""
    return {"Authorization": f"Basic {base64.b64encode(f'me:{key}'.encode()).decode()}"}


def token(page: str) -> str:
    """Return the token of the form on *page*."""
    (found,) = _TOKEN.findall(page)
    return str(found)


async def sent(
    http: httpx.AsyncClient,
    page: str,
    to: str | None = None,
    headers: dict[str, str] | None = None,
    **files: Any,
) -> httpx.Response:
    """Open *page* and send its form, *to* another address maybe, with *files*."""
    headers = headers or {}
    opened = await http.get(page, headers=headers)
    fields = {"form": (None, token(opened.text)), **files}
    return await http.post(to or page, headers=SAME_ORIGIN | headers, files=fields)
