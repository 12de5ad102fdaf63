"""Server-Timing: what every answer to images has waited for, for browsers and whoever measures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.gateway.timing import Timing

TIMING: Final = "timing"
"""Under this name a request's state has its `Timing`, once its images are asked about."""

WAITED: Final[dict[str, Any]] = {
    "Server-Timing": {
        "description": "How long the model took, and the screening after that, in milliseconds",
        "schema": {"type": "string"},
    },
    "Preference-Applied": {
        "description": "In monitor mode: the request's `Prefer: wait`, which was followed",
        "schema": {"type": "string"},
    },
}
"""What the OpenAPI document says of headers that tell what an answer has waited for."""

HEADER: Final = b"server-timing"
_NOTHING: Final = HEADER, b"upstream;dur=0.000, screen;dur=0.000"


def server_timing(state: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """Return the header for the request whose *state* this is, in milliseconds."""
    timing: Timing | None = state.get(TIMING)
    if timing is None:
        return _NOTHING
    return HEADER, b"upstream;dur=%.3f, screen;dur=%.3f" % timing.milliseconds
