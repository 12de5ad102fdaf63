"""API keys: who may ask for predictions, and who may see and change the triggers.

Without any key everything is open. Once there is one, nothing but health is answered without
(`guard`): any key opens predictions, pages and metrics; triggers need an admin key.

Errors::

    KeyRefusedError
    ├── UnknownKeyError    no key, or one that isn't known
    └── NotAdminError      an API key where an admin key is needed
"""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import TYPE_CHECKING

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader, HTTPBearer

from app.settings import NamedKey
from app.web.guarding.forms import READING, is_form
from app.web.guarding.key_rings import KeyRing, digest, unnamed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fastapi.params import Depends as Dependency

# They only describe the two headers in the OpenAPI document; `Keys` reads them itself.
_BEARER = HTTPBearer(auto_error=False, description="A key from NEO_API_KEYS or NEO_ADMIN_KEYS")
_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, description="The same, as a header")


class KeyRefusedError(Exception):
    """The request's key doesn't allow this."""


class UnknownKeyError(KeyRefusedError):
    """There is no key in the request, or it isn't known."""


class NotAdminError(KeyRefusedError):
    """The key is known, but only an admin key allows this."""


class Keys:
    """The keys that are known.

    ``required`` is whether there are any; it never changes, for a file is never without keys.
    """

    def __init__(self, api: Iterable[str] | KeyRing, admin: Iterable[str] | KeyRing) -> None:
        self._api = _ring(api)
        self._admin = _ring(admin)
        self.required = bool(self._api.digests() or self._admin.digests())

    def described(self) -> list[Dependency]:
        """Return what describes in the OpenAPI document that a route needs a key."""
        return [Depends(_BEARER), Depends(_HEADER)] if self.required else []

    def for_admins(self) -> list[Dependency]:
        """Return the dependencies of a route that only an admin key opens."""
        return [*self.described(), Depends(self._check_admin)] if self.required else []

    def admits_admin(self, request: Request) -> bool:
        """Return whether *request* may see the triggers."""
        return not self.required or _known(_presented(request), self._admin.digests())

    def admits_client(self, request: Request) -> bool:
        """Return whether *request* may hear more than anybody."""
        return not self.required or self._opens(_presented(request))

    def check_client(self, request: Request) -> None:
        """Return if any key opens *request*, and remember it there. Raises UnknownKeyError."""
        presented = _presented(request)
        if not self._opens(presented):
            message = "send a valid key: Authorization: Bearer <key>, or X-API-Key: <key>"
            raise UnknownKeyError(message)
        request.state.key = presented

    def name(self, known: bytes | None) -> str | None:
        """Return what the key of this digest is called; None where no key is needed."""
        if known is None:
            return None
        return self._api.name(known) or self._admin.name(known) or unnamed(known)

    def _opens(self, presented: bytes) -> bool:
        return _known(presented, self._api.digests() + self._admin.digests())

    async def _check_admin(self, request: Request) -> None:
        if not self.admits_admin(request):
            message = "this needs an admin key"
            raise NotAdminError(message)


def caller(request: Request) -> bytes | None:
    """Return the digest of the key that has opened *request*; None where no key is needed."""
    key: bytes | None = request.scope["state"].get("key")
    return key


def _ring(keys: Iterable[str] | KeyRing) -> KeyRing:
    return keys if isinstance(keys, KeyRing) else KeyRing(map(NamedKey.read, keys))


def _presented(request: Request) -> bytes:
    """Return the digest of the key in *request*; that of nothing if there is none.

    A browser can only send it as a password (Basic), and then sends it along with whatever any page
    asks for: so it is taken for reading, which other pages get no answer of, and for the forms of
    our own pages (`forms`) alone.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return digest(token.strip().encode("latin-1"))
    key = request.headers.get("X-API-Key")
    if key is None and scheme.lower() == "basic" and _may_be_typed(request):
        return digest(_password(token))
    return digest((key or "").encode("latin-1"))


def _may_be_typed(request: Request) -> bool:
    return request.method in READING or is_form(request)


def _password(token: str) -> bytes:
    try:
        return base64.b64decode(token.strip(), validate=True).partition(b":")[2]
    except (binascii.Error, ValueError):
        return b""


def _known(presented: bytes, digests: Iterable[bytes]) -> bool:
    # Every digest is compared, and each in constant time: how long it takes tells nothing.
    matches = [hmac.compare_digest(presented, known) for known in digests]
    return any(matches)
