"""Who would rather have a picture."""

from __future__ import annotations

import pytest

from app.web.answering.negotiation import prefers_png

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.mark.parametrize(
    "accept",
    [
        "image/png",
        "IMAGE/PNG",
        "image/*",
        "image/png, */*;q=0.1",
        "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5",
        "application/json;q=0.5, image/png; q=0.6",
    ],
)
def test_picture_is_preferred(accept: str) -> None:
    """image/png ranks above application/json."""
    assert prefers_png(accept)


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "application/json",
        "application/json, image/png",
        "image/png;q=0",
        "image/png;q=0.1, application/*",
        "image/png;q=no",
        BROWSER,
        ",;,",
    ],
)
def test_json_is_sent_otherwise(accept: str) -> None:
    """JSON is the answer where both rank the same, and where nothing is said."""
    assert not prefers_png(accept)
