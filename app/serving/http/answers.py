"""Heads of answers: looked at as a whole, and written, in half the time that uvicorn takes for it.

uvicorn searches each name and each value by itself for what may not stand there, which of the
thirteen headers of an answer to images takes ten microseconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    RequestResponseCycle,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uvicorn._types import ASGISendEvent


class Exchange(RequestResponseCycle):
    """A request and its answer."""

    async def send(self, message: ASGISendEvent) -> None:
        """Send a part of the answer; uvicorn itself sends all but a usual head."""
        waits = self.response_started or self.disconnected or self.flow.write_paused
        if waits or message["type"] != "http.response.start":
            await super().send(message)
            return
        headers = [*self.default_headers, *message.get("headers", ())]
        length = None if self.access_log else _length_of_usual(headers)
        if length is None or not self.keep_alive:
            await super().send(message)
            return
        self.response_started, self.waiting_for_100_continue = True, False
        self.chunked_encoding, self.expected_content_length = False, length
        lines = [b"%b: %b\r\n" % header for header in headers]
        self.transport.write(b"".join((STATUS_LINE[message["status"]], *lines, b"\r\n")))


def _length_of_usual(headers: Sequence[tuple[bytes, bytes]]) -> int | None:
    """Return the length of the body that *headers* announce; None if they aren't as is usual.

    Then nothing in them is wrong, or says anything of the connection or of another frame.
    """
    told = dict(headers)
    names = b"".join(told)
    if (
        len(told) < len(headers)
        or b"connection" in told
        or b"transfer-encoding" in told
        or not names.islower()
        or HEADER_RE.search(names)
        or HEADER_VALUE_RE.search(b"".join(told.values()))
    ):
        return None
    length = told.get(b"content-length")
    return None if length is None or not length.isdigit() else int(length)
