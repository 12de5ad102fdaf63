"""Routes that FastAPI only describes, and hot paths that are answered without it.

What FastAPI, Starlette and their middleware do for any request costs more than a tenth of a
millisecond, which is more than all that the gateway itself does for an image that isn't screened.
So the few paths that images come by are answered before them: same endpoints, same errors, same
limits. Everything else, and the document that describes them all, is FastAPI's.
"""

from __future__ import annotations

from inspect import signature
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from fastapi import Request, Response
from fastapi.routing import APIRoute

from app.metrics import REQUEST_SECONDS, REQUESTS
from app.metrics.routes import route_of, status_of
from app.web.answering.problems import answered
from app.web.answering.request_ids import HEADER, chosen_id
from app.web.answering.server_timing import server_timing
from app.web.guarding.callers import CallerGoneError, unless_gone
from app.web.guarding.security_headers import SECURITY
from app.web.intake.bodies import LENGTH, Body
from app.web.intake.heads import header

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from starlette.types import Receive, Scope, Send

    from app.web.service import Service

Endpoint: TypeAlias = "Callable[..., Coroutine[Any, Any, Response]]"
"""It takes the request and texts of its path by name; any key opens it."""

_HEADER: Final = HEADER.lower().encode()

GONE: Final = 499
"""The status of an answer that nobody is there to read."""


class DirectRoute(APIRoute):
    """A route whose endpoint FastAPI only describes."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        endpoint: Endpoint = self.endpoint
        _, *taken = signature(endpoint).parameters

        async def handle(request: Request) -> Response:
            texts = {name: request.path_params[name] for name in taken}
            try:
                await request.body()  # so that what comes next is the caller's end
                with unless_gone(request.receive):
                    response = await endpoint(request, **texts)
            except CallerGoneError:
                return Response(status_code=GONE)
            except Exception as error:  # noqa: BLE001  # as on the hot paths
                response = await answered(request, error)
            if request.method == "POST":
                response.raw_headers.append(server_timing(request.scope["state"]))
            return response

        return handle


class HotPaths:
    """Answers POST requests to a few exact paths: each an endpoint and its path's texts.

    And counts them: `counting` would stand between the answer and the client.
    """

    def __init__(
        self, service: Service, paths: Mapping[str, tuple[Endpoint, Mapping[str, str]]]
    ) -> None:
        self._service = service
        self._paths = {path: (*taken, route_of(path)) for path, taken in paths.items()}

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
        began = perf_counter()
        endpoint, texts, route = self._paths[scope["path"]]
        request = Request(scope, receive, send)
        named = chosen_id(header(scope, _HEADER))
        service = self._service
        body = Body(service.bodies, header(scope, LENGTH), receive)
        state = scope.setdefault("state", {})
        state.update(request_id=named, body=body, key=None)
        scope["path_params"] = texts
        try:
            if service.keys.required:
                service.keys.check_client(request)
            with body:
                # Where Starlette's own `Request.body` would keep it.
                request._body = await body.whole()  # noqa: SLF001
                with unless_gone(receive):
                    response = await endpoint(request, **texts)
        except CallerGoneError:
            REQUESTS.inc(route, str(GONE))
            return  # and so has the work for it
        except Exception as error:  # noqa: BLE001  # a defect is logged and answered there, too
            response = await answered(request, error)
        response.raw_headers += [(_HEADER, named.encode()), server_timing(state), *SECURITY]
        REQUESTS.inc(route, status_of(response.status_code))
        REQUEST_SECONDS.observe(perf_counter() - began, route)
        await response(scope, receive, send)
