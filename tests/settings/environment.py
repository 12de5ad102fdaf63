"""An environment with the required settings, and what is said of it."""

from __future__ import annotations

import pytest

from app.settings import SettingError, read_settings

REQUIRED = {
    "NEO_UPSTREAM_URL": "http://127.0.0.1:8081",
    "NEO_MODEL": "signs",
    "NEO_REFERENCE": "references",
}


def complaint() -> str:
    """Return what is said of the environment as it is."""
    with pytest.raises(SettingError) as caught:
        read_settings()
    return str(caught.value)
