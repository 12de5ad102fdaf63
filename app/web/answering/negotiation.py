"""Whether a caller would rather have a picture than JSON."""

from __future__ import annotations


def prefers_png(accept: str) -> bool:
    """Return whether the header *accept* ranks image/png above application/json (RFC 9110)."""
    return _quality(accept, "image/png") > _quality(accept, "application/json")


def _quality(accept: str, media_type: str) -> float:
    """Return the weight that *accept* gives *media_type*: that of its most specific range."""
    ranges = dict(_range(part) for part in accept.split(",") if part.strip())
    general = media_type.partition("/")[0] + "/*"
    return next((ranges[r] for r in (media_type, general, "*/*") if r in ranges), 0.0)


def _range(part: str) -> tuple[str, float]:
    name, *parameters = (item.strip().lower() for item in part.split(";"))
    weights = [value[2:] for value in parameters if value.startswith("q=")]
    return name, _weight(weights[0]) if weights else 1.0


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
