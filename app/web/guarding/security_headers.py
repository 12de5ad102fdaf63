"""What every answer says to browsers: nothing is to be made of it but what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.types import Message, Send

_ALWAYS: Final = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
_UNLESS_SAID: Final = [
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),  # answers and triggers are for the key's holder alone
]
SECURITY: Final = [*_ALWAYS, *_UNLESS_SAID]
"""The headers as ASGI has them, for answers that say none of them themselves."""


def secured(send: Send) -> Send:
    """Return *send* (ASGI) with the headers on every response."""

    async def send_secured(message: Message) -> None:
        if message["type"] == "http.response.start":
            said = {name for name, _ in message["headers"]}
            more = [(name, value) for name, value in _UNLESS_SAID if name not in said]
            message["headers"] = [*message["headers"], *_ALWAYS, *more]
        await send(message)

    return send_secured
