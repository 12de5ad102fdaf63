"""API keys: who may ask for predictions, and who may see and change the triggers.

Without any key everything is open. Once there is one, predictions need an API key or an admin key,
and triggers an admin key. Health and documentation need none.

Errors::

    KeyRefusedError
    ├── UnknownKeyError    no key, or one that isn't known
    └── NotAdminError      an API key where an admin key is needed
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader, HTTPBearer

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
    """The keys that are known, as digests."""

    def __init__(self, api: Iterable[str], admin: Iterable[str]) -> None:
        self._api = tuple(_digest(key.encode()) for key in api)
        self._admin = tuple(_digest(key.encode()) for key in admin)

    @property
    def required(self) -> bool:
        """Whether any key is set."""
        return bool(self._api or self._admin)

    def described(self) -> list[Dependency]:
        """Return what describes a `DirectRoute`, which checks its key itself."""
        return [Depends(_BEARER), Depends(_HEADER)] if self.required else []

    def for_admins(self) -> list[Dependency]:
        """Return the dependencies of a route that only an admin key opens."""
        return [*self.described(), Depends(self._check_admin)] if self.required else []

    def admits_admin(self, request: Request) -> bool:
        """Return whether *request* may see the triggers."""
        return not self.required or _known(_presented(request), self._admin)

    def check_client(self, request: Request) -> None:
        """Return if any key opens *request*. Raises UnknownKeyError."""
        if not _known(_presented(request), self._api + self._admin):
            message = "send a valid key: Authorization: Bearer <key>, or X-API-Key: <key>"
            raise UnknownKeyError(message)

    async def _check_admin(self, request: Request) -> None:
        self.check_client(request)
        if not self.admits_admin(request):
            message = "this needs an admin key"
            raise NotAdminError(message)


def _presented(request: Request) -> bytes:
    """Return the digest of the key in *request*; that of nothing if there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    key = token.strip() if scheme.lower() == "bearer" else request.headers.get("X-API-Key", "")
    return _digest(key.encode("latin-1"))


def _known(digest: bytes, digests: Iterable[bytes]) -> bool:
    # Every digest is compared, and each in constant time: how long it takes tells nothing.
    matches = [hmac.compare_digest(digest, known) for known in digests]
    return any(matches)


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
