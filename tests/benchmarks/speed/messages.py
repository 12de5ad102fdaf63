"""HTTP/1.1 as far as two ends need it that know each other: bodies have a Content-Length."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

END = b"\r\n\r\n"
LENGTH = b"content-length:"


class Messages:
    """Cuts a stream of bytes into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Take more of the stream; give each message that is complete: its head and its body."""
        self._buffer += data
        while (end := self._buffer.find(END)) >= 0:
            head = bytes(self._buffer[:end])
            start = end + len(END)
            stop = start + int(field(head, LENGTH) or 0)
            if len(self._buffer) < stop:
                return
            body = bytes(self._buffer[start:stop])
            del self._buffer[:stop]
            yield head, body


def field(head: bytes, name: bytes) -> bytes | None:
    """Return the value of the header *name* (in small letters, with its colon), if it is there."""
    at = head.lower().find(b"\r\n" + name)
    if at < 0:
        return None
    return head[at + 2 + len(name) :].partition(b"\r\n")[0].strip()


def post(path: str, body: bytes, **headers: str) -> bytes:
    """Return a POST request as it goes over the wire; an underscore in *headers* is a hyphen."""
    fields = {"host": "bench", "content-length": str(len(body)), **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + body
