"""Calibrating says how far it has come."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from app.gateway.preparation.progress import Progress

if TYPE_CHECKING:
    import pytest


def test_it_is_said_now_and_then_and_at_the_end(caplog: pytest.LogCaptureFixture) -> None:
    """How many images the model has answered, and in which time."""
    now = 0.0
    with caplog.at_level(logging.INFO):
        progress = Progress(lambda: now)
        for now in (1.0, 10.0, 11.0, 19.9, 20.0):  # noqa: B007  # the clock
            progress.asked(600)
        now = 21.0
        progress.ended()
    assert [
        "calibrating: the model has answered 1,200 images in 10.0 s",
        "calibrating: the model has answered 3,000 images in 20.0 s",
        "calibrated: the model has answered 3,000 images in 21.0 s",
    ] == caplog.messages
