"""Routes that FastAPI describes and hot ones run without it.

What FastAPI, Starlette and their middleware do for any request costs more than a tenth of a
millisecond, which is more than all that the gateway itself does for an image that isn't screened.
So the few paths that images come by are answered before them: same endpoints, same errors, same
limits. Everything else, and the document that describes them all, is FastAPI's.
"""

from __future__ import annotations

from inspect import signature
from typing import TYPE_CHECKING, Any, TypeAlias

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect

from app.web.body_limit import BodyTooLargeError
from app.web.disconnects import CallerGoneError, unless_gone
from app.web.problems import answered
from app.web.request_ids import HEADER, chosen_id

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from fastapi import Response
    from starlette.types import Receive, Scope, Send

    from app.web.keys import Keys
    from app.web.serving import Service

Endpoint: TypeAlias = "Callable[..., Coroutine[Any, Any, Response]]"
"""It takes the request and texts of its path by name; any key opens it."""


class DirectRoute(APIRoute):
    """A route whose endpoint FastAPI only describes; the key is checked here."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        endpoint: Endpoint = self.endpoint
        _, *taken = signature(endpoint).parameters

        async def handle(request: Request) -> Response:
            _check_key(request)
            return await endpoint(request, **{name: request.path_params[name] for name in taken})

        return handle


class HotPaths:
    """Answers POST requests to a few exact paths: each an endpoint and its path's texts."""

    def __init__(self, paths: Mapping[str, tuple[Endpoint, Mapping[str, str]]]) -> None:
        self._paths = paths

    def takes(self, scope: Scope) -> bool:
        """Say if the request is one of these; a path under a prefix (root_path) is not."""
        return (
            scope["type"] == "http"
            and scope["path"] in self._paths
            and scope["method"] == "POST"
            and not scope.get("root_path")
        )

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request (ASGI) that `takes` has taken."""
        endpoint, texts = self._paths[scope["path"]]
        request = Request(scope, receive, send)
        named = chosen_id(request.headers.get(HEADER))
        scope.setdefault("state", {})["request_id"] = named
        scope["path_params"] = texts
        service: Service = scope["app"].state.service
        try:
            _check_key(request)
            # Where Starlette's own `Request.body` would keep it.
            request._body = await _body(request, receive, service.max_body)  # noqa: SLF001
            async with unless_gone(receive):
                response = await endpoint(request, **texts)
        except CallerGoneError:
            return  # and so has the work for it
        except Exception as error:  # noqa: BLE001  # a defect is logged and answered there, too
            response = await answered(request, error)
        response.headers[HEADER] = named
        await response(scope, receive, send)


async def _body(request: Request, receive: Receive, max_body: int) -> bytes:
    """Read the request's body. Raises BodyTooLargeError as soon as it is known to be."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > max_body:
        raise BodyTooLargeError(max_body)
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        chunks.append(chunk)
        size += len(chunk)
        if size > max_body:
            raise BodyTooLargeError(max_body)
        more = message.get("more_body", False)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _check_key(request: Request) -> None:
    keys: Keys = request.app.state.service.keys
    if keys.required:
        keys.check_client(request)
