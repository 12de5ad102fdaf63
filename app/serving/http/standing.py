"""What a request's head must say of its host and of its body's frame (RFC 9112, 3.2 and 6.1).

A head that proxies and servers may read differently is refused: each would see another request.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from app.serving.http.refusals import MALFORMED, UNKNOWN_CODING, RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

_OLD: Final = ("0.9", "1.0")
"""Versions whose requests need no Host, and have no transfer coding."""

_SPOKEN: Final = (*_OLD, "1.1")
"""The parser takes 2.0 in the same letters, too: who sends that means something else."""

_AUTHORITY: Final = re.compile(
    rb"(\[[A-Za-z0-9._~!$&'()*+;=:%-]+\]|[A-Za-z0-9._~!$&'()*+;=%-]*)(:[0-9]{0,5})?"
)
"""A host, or an address in brackets, and its port; no path, no user, and no list of hosts."""


def check_head(version: str, headers: Sequence[tuple[bytes, bytes]]) -> None:
    """Return if *headers* (names in small letters) will do under HTTP's *version*.

    Raises RefusedError.
    """
    if version not in _SPOKEN:
        raise RefusedError(MALFORMED, f"HTTP/{version} isn't spoken here")
    hosts, codings = [], []
    for name, value in headers:
        if name == b"host":
            hosts.append(value)
        elif name == b"transfer-encoding":
            codings.append(value)
    _check_host(version, hosts)
    if codings:
        _check_coding(version, codings)


def _check_host(version: str, hosts: Sequence[bytes]) -> None:
    if len(hosts) != 1 and (hosts or version not in _OLD):
        raise RefusedError(MALFORMED, f"a request has one Host header; this one has {len(hosts)}")
    if hosts and not _AUTHORITY.fullmatch(hosts[0].strip(b" \t")):
        raise RefusedError(MALFORMED, "the Host header is not a host, or a host and its port")


def _check_coding(version: str, codings: Sequence[bytes]) -> None:
    if version in _OLD:
        raise RefusedError(MALFORMED, f"HTTP/{version} has no Transfer-Encoding")
    if [coding.strip(b" \t").lower() for coding in codings] != [b"chunked"]:
        raise RefusedError(UNKNOWN_CODING, "the only Transfer-Encoding that is taken is chunked")
