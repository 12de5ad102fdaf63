"""Whatever the start and `/readyz` may say is explained."""

from __future__ import annotations

from pathlib import Path

from tests.docs.messages import told

PAGE = " ".join((Path(__file__).parents[2] / "docs" / "troubleshooting.md").read_text().split())


def test_every_message_is_on_the_page() -> None:
    """The words of each message that are always the same are somewhere on the page."""
    assert {} == {place: words for place, words in told() if words not in PAGE}


def test_the_messages_are_found() -> None:
    """Those of every kind of error at the start are among them."""
    words = {words for _, words in told()}

    assert {
        "has no pixels",
        "Redis refused:",
        "images are too few; at least",
        "the model's metadata doesn't say the size of its images: set NEO_INPUT_SIZE",
        "no answer within NEO_PATIENCE (",
    } <= words
