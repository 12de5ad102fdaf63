"""A caller's place in a distributed trace, as its headers tell it (W3C Trace Context).

It is passed on as it came, so it must be what the recommendation's grammar allows, and no more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PARENT: Final = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)
"""Version, trace, span and flags; of a later version what is of this one's form."""

_KEY: Final = (
    rb"(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})"
)
_VALUE: Final = rb"[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
_MEMBER: Final = re.compile(rb"[ \t]*(?:%b=%b)?[ \t]*" % (_KEY, _VALUE))

MOST_MEMBERS: Final = 32
MOST_BYTES: Final = 512
"""Of the vendors' own state: what everybody has to pass on."""


@dataclass(frozen=True)
class Trace:
    """``parent`` is the caller's span, and ``state`` what vendors add, empty if nothing."""

    parent: str
    state: str

    @property
    def headers(self) -> Mapping[str, str]:
        """The same as headers of a request."""
        told = {"traceparent": self.parent}
        return told | {"tracestate": self.state} if self.state else told


def trace_of(headers: Sequence[tuple[bytes, bytes]]) -> Trace | None:
    """Return the trace that *headers* (names in lower case) tell; None where they tell none."""
    for name, _ in headers:  # every request passes, and next to none is traced
        if name == b"traceparent":
            break
    else:
        return None
    parents, states = [], []
    for name, value in headers:
        if name == b"traceparent":
            parents.append(value.strip())
        elif name == b"tracestate":
            states.append(value.strip())
    if len(parents) != 1 or not _PARENT.fullmatch(parents[0]):
        return None
    return Trace(parents[0].decode(), _state(b",".join(states)))


def _state(told: bytes) -> str:
    """Return what vendors add, if it is well formed: the rest of the trace is good without it."""
    members = told.split(b",")
    fits = len(told) <= MOST_BYTES and len(members) <= MOST_MEMBERS
    return told.decode() if fits and all(map(_MEMBER.fullmatch, members)) else ""
