"""Forms of the gateway's own pages, which no other site can fill in for the browser.

A browser sends the key that was typed into it (Basic) with whatever any page asks for. So it is
taken for reading alone, but for these forms, of which two things must be right:

1. The browser says that a page of this gateway sends it: `Sec-Fetch-Site`, or, where browsers leave
   that out (plain HTTP to another machine), `Origin`. Other sites can't forge either.
2. The form has its token: an HMAC of what it does, under a number that only this browser has and
   under the key that it sends. The number is in a cookie that no script reads and that other sites'
   requests don't bring. So nothing is kept here, and any worker can check what another one gave.

Without keys the same holds: what a page of somebody else's may not do with a key it may not do
without.
"""

from __future__ import annotations

import hmac
import re
import secrets
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from fastapi import Request  # noqa: TC002  # FastAPI evaluates it

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import Response

READING: Final = ("GET", "HEAD")

FORMS: Final = "/page/"
"""All of them lie below it."""

FIELD: Final = "form"
"""Of a form, with its token."""

_NUMBER: Final = re.compile(r"[\w-]{43}", re.ASCII)


class ForeignFormError(Exception):
    """Another site's page asks for this, or nobody knows which."""


def is_form(request: Request) -> bool:
    """Return whether a page of this gateway has the browser send *request*, to one of the forms."""
    path: str = request.scope["path"]
    below = path.removeprefix(request.scope.get("root_path", "")).startswith(FORMS)
    return below and _is_own(request) is True


async def unless_foreign(request: Request) -> None:
    """Return unless a browser says that another site's page wants to change something.

    Programs say nothing of the kind. Raises ForeignFormError.
    """
    if request.method not in READING and _is_own(request) is False:
        message = "a page of another site asks for this; only the gateway's own may"
        raise ForeignFormError(message)


def browser_number(request: Request) -> str:
    """Return the number of the browser that asks: the one in its cookie, or a new one."""
    known = request.cookies.get(_cookie(request), "")
    return known if _NUMBER.fullmatch(known) else secrets.token_urlsafe(32)


def keep_number(response: Response, request: Request, number: str) -> None:
    """Have the browser keep its *number* until it is closed."""
    response.set_cookie(
        _cookie(request), number, httponly=True, samesite="strict", secure=_is_https(request)
    )


def token(number: str, key: bytes | None, purpose: str) -> str:
    """Return what a form has to bring that does *purpose*, from this browser with this key."""
    return hmac.new(number.encode(), (key or b"") + purpose.encode(), "sha256").hexdigest()


def check_form(
    request: Request, key: bytes | None, fields: Mapping[str, str], purpose: str
) -> None:
    """Return if *request*, with *fields*, is one of our forms for *purpose*.

    Raises ForeignFormError.
    """
    number = request.cookies.get(_cookie(request), "")
    wanted = token(number, key, purpose)
    given = fields.get(FIELD, "").encode(errors="replace")
    if not is_form(request) or not _NUMBER.fullmatch(number):
        message = "this form has to be sent by the gateway's own page, with its cookie"
        raise ForeignFormError(message)
    if not hmac.compare_digest(wanted.encode(), given):
        message = "this form is too old, or another key's; open the page again"
        raise ForeignFormError(message)


def _is_own(request: Request) -> bool | None:
    """Return whether a page of this origin sends *request*; None if nothing says which does."""
    match request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin"):
        case "same-origin", _:
            return True
        case "cross-site" | "same-site", _:
            return False
        case None, str(origin):
            return _is_here(request, origin)
        case _:
            return None


def _is_here(request: Request, origin: str) -> bool:
    """Return whether *origin* is this gateway's, as the browser or the proxy before it names it."""
    names = (request.headers.get(name) for name in ("Host", "X-Forwarded-Host"))
    hosts = {name.strip().lower() for name in names if name}
    try:
        return urlsplit(origin).netloc.lower() in hosts
    except ValueError:
        return False


def _cookie(request: Request) -> str:
    return "__Host-neo-form" if _is_https(request) else "neo-form"


def _is_https(request: Request) -> bool:
    """Return whether the browser speaks TLS: a proxy before the gateway says so."""
    said = request.headers.get("X-Forwarded-Proto", request.scope["scheme"])
    return said.strip().lower() == "https"
