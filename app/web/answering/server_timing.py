"""Server-Timing: what every answer to images has waited for, for browsers and whoever measures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.gateway.timing import Timing

TIMING: Final = "timing"
"""Under this name a request's state has its `Timing`, once its images are asked about."""

HEADER: Final = b"server-timing"
_NOTHING: Final = HEADER, b"upstream;dur=0.000, screen;dur=0.000"


def server_timing(state: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """Return the header for the request whose *state* this is, in milliseconds."""
    timing: Timing | None = state.get(TIMING)
    if timing is None:
        return _NOTHING
    return HEADER, b"upstream;dur=%.3f, screen;dur=%.3f" % timing.milliseconds
