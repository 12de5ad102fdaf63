"""Answers: their heads are looked at as a whole, and go out with the first part of their bodies.

uvicorn searches each name and each value by itself for what may not stand there, which of the
thirteen headers of an answer to images takes ten microseconds; and it writes head and body one by
one, which takes the kernel, the client and the network twice the work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    RequestResponseCycle,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeGuard

    from uvicorn._types import ASGISendEvent, HTTPResponseBodyEvent


_BYTES: Final = [bytes((one,)) for one in range(256)]
_NOT_IN_NAMES: Final = b"".join(filter(HEADER_RE.search, _BYTES))
_NOT_IN_VALUES: Final = b"".join(filter(HEADER_VALUE_RE.search, _BYTES))


class Exchange(RequestResponseCycle):
    """A request and its answer."""

    held: bytes = b""
    """A usual head, until some of the body comes: as ASGI has it."""

    async def send(self, message: ASGISendEvent) -> None:
        """Send a part of the answer; uvicorn itself sends all but what is usual."""
        waits = self.disconnected or self.flow.write_paused
        if self.held:
            head, self.held = self.held, b""
            if not waits and self._is_all(message):
                self._finish(head + message.get("body", b""))
                return
            self.transport.write(head)
        elif message["type"] == "http.response.start" and not (waits or self.response_started):
            headers = [*self.default_headers, *message.get("headers", ())]
            length = None if self.access_log else _length_of_usual(headers)
            if length is not None and self.keep_alive:
                lines = map(b": ".join, headers)
                self.held = STATUS_LINE[message["status"]] + b"\r\n".join((*lines, b"", b""))
                self.response_started, self.waiting_for_100_continue = True, False
                self.chunked_encoding, self.expected_content_length = False, length
                return
        await super().send(message)

    def _is_all(self, message: ASGISendEvent) -> TypeGuard[HTTPResponseBodyEvent]:
        """Say if *message* is the whole body, after which the connection is kept."""
        return (
            message["type"] == "http.response.body"
            and not message.get("more_body")
            and len(message.get("body", b"")) == self.expected_content_length
            and self.keep_alive
            and self.scope["method"] != "HEAD"
        )

    def _finish(self, answer: bytes) -> None:
        self.transport.write(answer)
        self.response_complete = True
        self.message_event.set()
        self.on_response()


def _length_of_usual(headers: Sequence[tuple[bytes, bytes]]) -> int | None:
    """Return the length of the body that *headers* announce; None if they aren't as is usual.

    Then nothing in them is wrong, or says anything of the connection or of another frame.
    """
    told = dict(headers)
    names, values = b"".join(told), b"".join(told.values())
    if (
        len(told) < len(headers)
        or b"connection" in told
        or b"transfer-encoding" in told
        or not names.islower()
        or names.translate(None, _NOT_IN_NAMES) != names
        or values.translate(None, _NOT_IN_VALUES) != values
    ):
        return None
    length = told.get(b"content-length")
    return None if length is None or not length.isdigit() else int(length)
