"""What a request asks for, in one of a few words: never one that a caller chooses."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

IMAGE_ROUTES: Final = ("predict", "v1-predict", "v2-infer")
"""Those whose answers are predictions."""

CONNECTION: Final = "connection"
"""What is answered before it is known, or instead of it: a request that isn't taken."""

_BY_FIRST_WORD: Final = {
    "predict": "predict",
    "v1": "v1",
    "v2": "v2",
    "trigger": "trigger",
    "suspects": "suspects",
    "incidents": "incidents",
    "incidents.jsonl": "incidents",
    "audit": "audit",
    "events": "events",
    "healthz": "healthz",
    "readyz": "readyz",
    "metrics": "metrics",
    "": "page",
    "page": "page",
    "docs": "page",
    "openapi.json": "page",
}
_OTHER: Final = "other"

ROUTES: Final = (
    *IMAGE_ROUTES,
    *dict.fromkeys(word for word in _BY_FIRST_WORD.values() if word not in IMAGE_ROUTES),
    _OTHER,
    CONNECTION,
)

STATUSES: Final = (
    *("200", "201", "202", "204", "206", "303", "304", "400", "401", "403", "404", "405", "408"),
    *("409", "412", "413", "415", "422", "429", "431", "499", "500", "501", "502", "503", "504"),
    _OTHER,
)
_KNOWN: Final = {int(status): status for status in STATUSES if status != _OTHER}


@lru_cache(maxsize=256)
def route_of(path: str) -> str:
    """Return the word for a *path*."""
    route = _BY_FIRST_WORD.get(path[1:].partition("/")[0], _OTHER)
    if route == "v2" and path.endswith("/infer"):
        return "v2-infer"
    if route == "v1" and path.endswith((":predict", ":rawPredict")):
        return "v1-predict"
    return route


def status_of(status: int) -> str:
    """Return the word for a *status*."""
    return _KNOWN.get(status, _OTHER)
