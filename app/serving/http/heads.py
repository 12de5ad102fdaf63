"""Heads of requests: none too large, none that turns the connection into something else.

A head with `Upgrade` (curl and Java's clients ask for HTTP/2 so, each in its first request) ends
the request for the parser: it would hand out no body, and read the body's bytes as the next
request. A server may ignore the header (RFC 9110, 7.8), so such a head is written anew without it,
out of what the parser has read, and parsed again. Nothing is read after that request: a proxy that
takes the connection for a tunnel by now would let everything through.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from app.serving.http.refusals import HEAD_TOO_LARGE, MALFORMED, RefusedError
from app.serving.http.standing import check_head
from app.serving.http.unread import WatchingReaders

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.web.answering.problems import Kind

_OF_THE_CONNECTION: Final = (b"connection", b"proxy-connection", b"upgrade", b"http2-settings")


class _Deaf:
    """Stands in for a connection's parser once nothing more is to be read from its client."""

    def feed_data(self, data: bytes) -> None:
        """Forget it."""


DEAF: Final = cast("HttpRequestParser", _Deaf())


class PlainHeads(WatchingReaders):
    """A connection that takes plain HTTP/1 requests, with heads of at most `HEAD_SIZE` bytes."""

    HEAD_SIZE: ClassVar = 64 * 1024
    MOST_HEADERS: ClassVar = 256

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._since: float | None = None  # a part of a request's begin, if it isn't just now
        self._piece = 0  # the size of what has come now

    def data_received(self, data: bytes) -> None:
        """Take *data*. uvicorn's own logs a line for whatever a client gets wrong."""
        self._unset_keepalive_if_required()
        self._piece = len(data)
        self._parse(data)

    def on_headers_complete(self) -> None:
        """Hand the request to the application, unless its head is to be refused or written anew."""
        if len(self.headers) > self.MOST_HEADERS:
            raise RefusedError(HEAD_TOO_LARGE, f"at most {self.MOST_HEADERS} headers are taken")
        # One that came in a single small piece needs no counting.
        if self._since is not None or self._piece > self.HEAD_SIZE:
            self._check_size()
        check_head(self.parser.get_http_version(), self.headers)
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                raise RefusedError(MALFORMED, "this server is not a proxy")
            return
        super().on_headers_complete()
        self.headers = []  # what follows a body in chunks is none of the head's

    def on_message_complete(self) -> None:
        """Tell the application that it has all, unless it has nothing yet."""
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def _cut(self, kind: Kind, detail: str) -> None:
        """Take no more of what comes."""
        raise NotImplementedError

    def _parse(self, data: bytes) -> None:
        rest = None
        try:
            self.parser.feed_data(data)
        except HttpParserError as error:
            refused = error.__context__
            if isinstance(refused, RefusedError):
                self._cut(refused.kind, refused.detail)
            else:
                self._cut(MALFORMED, "Invalid HTTP request received.")
        except HttpParserUpgrade as upgrade:
            rest = data[upgrade.args[0] :]
        if rest is not None:
            self._parse_anew(rest)

    def _parse_anew(self, rest: bytes) -> None:
        """Take the request whose head has been read, and the *rest* of it, without its Upgrade."""
        method, version = self.parser.get_method(), self.parser.get_http_version()
        head = _plain_head(method, self.url, version, self.headers)
        # Unlike uvicorn's own, this one takes nothing after `Connection: close`.
        self.parser = HttpRequestParser(self)
        self._parse(head + rest)

    def _check_size(self) -> None:
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > self.HEAD_SIZE:
            raise RefusedError(HEAD_TOO_LARGE, f"at most {self.HEAD_SIZE:,} bytes are taken")


def _plain_head(
    method: bytes, url: bytes, version: str, headers: Iterable[tuple[bytes, bytes]]
) -> bytes:
    """Return the head of the same request, as the last one of its connection.

    The parser has read each part, so there is no end of a line in any.
    """
    kept = [header for header in headers if header[0] not in _OF_THE_CONNECTION]
    lines = [b": ".join(header) for header in (*kept, (b"connection", b"close"))]
    return b"\r\n".join([b"%b %b HTTP/%b" % (method, url, version.encode()), *lines, b"", b""])
