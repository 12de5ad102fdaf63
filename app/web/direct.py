"""Routes that FastAPI describes and Starlette runs.

An endpoint that takes the request and texts of its path needs nothing of what FastAPI does before
it calls one, which costs a tenth of a millisecond a request. Who may call it is checked here.
"""

from __future__ import annotations

from inspect import signature
from typing import TYPE_CHECKING, Any

from fastapi.routing import APIRoute

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from fastapi import Request, Response

    from app.web.keys import Keys


class DirectRoute(APIRoute):
    """A route whose endpoint takes the request and texts of the path, and which any key opens."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        endpoint: Callable[..., Coroutine[Any, Any, Response]] = self.endpoint
        _, *taken = signature(endpoint).parameters

        async def handle(request: Request) -> Response:
            keys: Keys = request.app.state.service.keys
            if keys.required:
                keys.check_client(request)
            return await endpoint(request, **{name: request.path_params[name] for name in taken})

        return handle
