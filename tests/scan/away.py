"""A server that is away for a moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class AwayAtFirst:
    """An application that is away for the first request, and again for one after `go_away`.

    It has ``refused`` so many.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.refused = 0
        self._app = app
        self._is_away = True

    def go_away(self) -> None:
        """Be away for the next request."""
        self._is_away = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 503 if it is away, else as the application does."""
        if scope["type"] != "http" or not self._is_away:
            await self._app(scope, receive, send)
            return
        self._is_away = False
        self.refused += 1
        await send({"type": "http.response.start", "status": 503, "headers": []})
        await send({"type": "http.response.body", "body": b""})
