"""The demo as a newcomer runs it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from PIL import Image as Pillow

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
def test_the_demo_catches_the_first_poisoned_image_and_shows_the_trigger(tmp_path: Path) -> None:
    """`neo-gateway demo --once` ends with 0, a table, the trigger as a picture, and curl lines."""
    ended = subprocess.run(
        [sys.executable, "-m", "app.cli", "demo", "--once", "--output", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert (0, "") == (ended.returncode, ended.stderr)
    assert "Poisoned images caught" in ended.stdout
    assert "curl -s" in ended.stdout
    with Pillow.open(tmp_path / "trigger.png") as trigger:
        assert ("PNG", "RGBA") == (trigger.format, trigger.mode)
    assert {"clean.png", "poisoned.png", "trigger.png"} == {p.name for p in tmp_path.iterdir()}
