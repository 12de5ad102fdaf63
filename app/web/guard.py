"""Once keys are set, nothing but health is answered without one, whatever the path.

A path that doesn't exist is refused like the others: without a key nobody learns which ones do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fastapi import Request

from app.web.answering.problems import answered
from app.web.guarding.forms import FORMS, READING
from app.web.guarding.keys import UnknownKeyError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from app.web.guarding.keys import Keys

PAGES: Final = ("/", "/docs")
"""What people open in a browser: it asks them for a key, as the password."""

_ASK_PEOPLE: Final = 'Basic realm="NEO Gateway", charset="UTF-8"'


class Guard:
    """ASGI middleware: lets health pass, and requests with a key; *model* is the model's name."""

    def __init__(self, app: ASGIApp, keys: Keys, model: str) -> None:
        self._app = app
        self._keys = keys
        self._health = {
            *("/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"),
            *(f"/v2/models/{model}/ready", f"/v1/models/{model}"),
        }
        self._versions = (
            (f"/v2/models/{model}/versions/", "/ready"),
            (f"/v1/models/{model}/versions/", ""),
            (f"/v1/models/{model}/labels/", ""),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection (ASGI)."""
        if scope["type"] != "http" or not self._keys.required or self._is_health(scope):
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            self._keys.check_client(request)
        except UnknownKeyError as error:
            response = await answered(request, error)
            if _is_shown(request):
                response.headers.append("WWW-Authenticate", _ASK_PEOPLE)
            await response(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_health(self, scope: Scope) -> bool:
        path = _path(scope)
        if scope["method"] not in READING:
            return False
        return path in self._health or any(
            _is_one_between(before, path, after) for before, after in self._versions
        )


def _is_one_between(before: str, path: str, after: str) -> bool:
    """Return whether *path* has one segment between *before* and *after*."""
    segment = path.removeprefix(before).removesuffix(after)
    return bool(segment) and "/" not in segment and path == f"{before}{segment}{after}"


def _is_shown(request: Request) -> bool:
    """Return whether people are to see the answer: a page, or what a browser shows as one."""
    path, shown = _path(request.scope), request.headers.get("Sec-Fetch-Dest")
    return path in PAGES or path.startswith(FORMS) or shown in {"document", "image"}


def _path(scope: Scope) -> str:
    """Return the path as the routes see it: never from `request.url`, which has the caller's Host.

    (CVE-2026-48710: a Host with a path in it opened what a guard had closed.)
    """
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))
