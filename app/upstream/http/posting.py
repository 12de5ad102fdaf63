"""One request to a server that isn't the model's: a webhook's receiver.

On a connection of its own, for there are few of them; no redirect is followed, and of the answer
only the status and Retry-After are taken.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from app.events.webhook.posting import Answer, UndeliveredError
from app.upstream.http.connection import (
    Connection,
    ConnectionBrokenError,
    NoHttpError,
    TooLargeError,
)
from app.upstream.http.retry_after import retry_after_s
from app.upstream.http.session import PORTS, SAFE, credentials, header_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT_S: Final = 15.0
"""For all of it, from the connection to the answer's end."""

ANSWER_BYTES: Final = 64 * 1024
LONGEST_S: Final = 3600.0
"""Of Retry-After more isn't believed."""


class Poster:
    """The way to the receiver at *url*, which may be a secret as a whole."""

    def __init__(self, url: str, timeout_s: float = TIMEOUT_S) -> None:
        parts = urlsplit(url)
        origin = parts.netloc.rpartition("@")[2]
        self._host = parts.hostname or ""
        self._port = parts.port or PORTS[parts.scheme]
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        path = quote(parts.path or "/", safe=SAFE)
        query = f"?{quote(parts.query, safe=SAFE + '?')}" if parts.query else ""
        self._line = f"POST {path}{query} HTTP/1.1\r\n".encode()
        self._headers = {
            "Host": origin.encode("idna").decode(),
            "User-Agent": "neo-gateway",
            "Connection": "close",
            **credentials(parts.username, parts.password),
        }
        self._timeout_s = timeout_s

    async def __call__(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """Post *body* with these *headers*. Raises UndeliveredError."""
        all_headers = {**self._headers, **headers, "Content-Length": str(len(body))}
        head = b"".join((self._line, header_lines(all_headers), b"\r\n"))
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._exchanged(head, body)
        except TimeoutError:
            message = f"no answer within {self._timeout_s:g} s"
        except NoHttpError:
            message = "what answers doesn't speak HTTP"
        except TooLargeError:
            message = "its answer is too large"
        except ConnectionBrokenError as exc:
            message = str(exc)
        except OSError as exc:
            message = f"no connection ({_reason(exc)})"
        raise UndeliveredError(message)

    async def _exchanged(self, head: bytes, body: bytes) -> Answer:
        _, connection = await asyncio.get_running_loop().create_connection(
            Connection, self._host, self._port, ssl=self._tls
        )
        try:
            response = await connection.exchange(head, (body,), ANSWER_BYTES)
        finally:
            connection.close()
        asked = response.headers.get("retry-after")
        asked_s = None if asked is None else retry_after_s(asked, datetime.now(UTC), LONGEST_S)
        return Answer(response.status, asked_s)


def _reason(error: OSError) -> str:
    """Return what the system says of *error*, without the address that asyncio puts into it."""
    if isinstance(error, socket.gaierror):
        return "its host's name is unknown"
    if isinstance(error, ssl.SSLError):
        return error.reason or "TLS"
    return os.strerror(error.errno).lower() if error.errno else type(error).__name__
