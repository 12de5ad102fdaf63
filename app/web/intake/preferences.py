"""What a request prefers (RFC 7240): in monitor mode, to `wait` for the verdict.

Elsewhere every answer has its verdict, so that nobody needs to ask for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fastapi import Request

    from app.gateway.predict import Gateway

_WAIT: Final = re.compile(r'wait\s*(?:=\s*"?(\d{1,9})"?\s*)?(?:;.*)?', re.IGNORECASE)


@dataclass(frozen=True)
class Wait:
    """A caller would rather wait: so many ``seconds``, None for as long as it takes."""

    seconds: int | None

    def __str__(self) -> str:
        """Return it as it is written."""
        return "wait" if self.seconds is None else f"wait={self.seconds}"


def preferred(headers: Iterable[str]) -> Wait | None:
    """Return the preference `wait` of a request with these *headers* Prefer, if it has one."""
    for one in ",".join(headers).split(","):
        if found := _WAIT.fullmatch(one.strip()):
            return Wait(None if found[1] is None else int(found[1]))
    return None


def wait_s(request: Request, *, asks_verdict: bool) -> float | None:
    """Return how long the caller waits for the verdict, None for as long as it takes.

    Also one that *asks_verdict* in another way waits for it.
    """
    wait = preferred(request.headers.getlist("Prefer"))
    if wait is not None and wait.seconds is not None:
        return float(wait.seconds)
    return None if wait is not None or asks_verdict else 0.0


def applied(request: Request, gateway: Gateway) -> dict[str, str]:
    """Return the header that tells which preference the answer has followed, if one."""
    wait = preferred(request.headers.getlist("Prefer")) if gateway.monitors else None
    return {} if wait is None else {"Preference-Applied": str(wait)}
