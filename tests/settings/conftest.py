"""Each test of the settings has an environment of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.settings.environment import REQUIRED


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Return the environment: nothing but the required settings, in an empty folder."""
    for name in [name for name in os.environ if name.upper().startswith("NEO_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    Path("references").mkdir()
    for name, value in REQUIRED.items():
        monkeypatch.setenv(name, value)
    return monkeypatch
