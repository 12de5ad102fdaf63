"""HEAD is GET without the body, on every path (RFC 9110, 9.3.2).

No route says it itself: one that forgot would answer 405.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Message, Scope, Send


def as_get(scope: Scope) -> Scope:
    """Return the *scope* (ASGI) of the GET whose headers a HEAD asks for."""
    return {**scope, "method": "GET"}


def without_body(send: Send) -> Send:
    """Return *send* (ASGI) that ends each answer after its head.

    Also one whose body has no end: who sends it hears that the client has gone.
    """
    ended = False

    async def send_head(message: Message) -> None:
        nonlocal ended
        if message["type"] == "http.response.start":
            await send(message)
        elif not ended:
            ended = True
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return send_head
