"""Answers: their heads are looked at as a whole, and go out with the first part of their bodies.

uvicorn searches each name and each value by itself for what may not stand there, which of the
thirteen headers of an answer to images takes ten microseconds; and it writes head and body one by
one, which takes the kernel, the client and the network twice the work.
"""

from __future__ import annotations

from functools import lru_cache
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
    if not headers:
        return None
    names, values = zip(*headers, strict=True)
    place = _place_of_length(names)
    together = b"".join(values)
    if place is None or together.translate(None, _NOT_IN_VALUES) != together:
        return None
    length: bytes = values[place]
    return int(length) if length.isdigit() else None


@lru_cache(maxsize=64)
def _place_of_length(names: tuple[bytes, ...]) -> int | None:
    """Return which of *names* is the body's length; None if they aren't as is usual.

    There are few such lists: an answer's values are a caller's, its names are ours.
    """
    together = b"".join(names)
    usual = (
        len(set(names)) == len(names)
        and names.count(b"content-length")
        and not {b"connection", b"transfer-encoding"}.intersection(names)
        and together.islower()
        and together.translate(None, _NOT_IN_NAMES) == together
    )
    return names.index(b"content-length") if usual else None
