"""Formats told by what a file begins with."""

from __future__ import annotations

import pytest

from app.pictures.formats.accepted import told_format
from tests.files import animated, encoded, noise


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "AVIF"])
def test_formats_are_told(name: str) -> None:
    """Those that are taken, and those that are only known."""
    assert name == told_format(encoded(noise(), name))


@pytest.mark.parametrize("body", [b"", b"words", b"RIFF....AVI ", b"\x89PNG", b'{"image": ""}'])
def test_what_is_none(body: bytes) -> None:
    """A part of a mark is none."""
    assert told_format(body) is None
    assert "GIF" == told_format(animated("GIF"))
