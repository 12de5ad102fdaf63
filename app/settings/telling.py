"""The settings as others may read them: in a report, say. No secret is among them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import SecretStr

from app.ports import InputSize
from app.settings.api_keys import KeySetting

if TYPE_CHECKING:
    from app.settings.settings import Settings

PREFIX = "NEO_"

KEPT_BACK = "(set)"
"""What stands for a secret."""


def told_settings(settings: Settings) -> dict[str, str]:
    """Return what is set or usual, by the variables' names; what isn't set isn't there."""
    told = {}
    for name, field in type(settings).model_fields.items():
        words = _told(name, getattr(settings, name))
        if words:
            told[str(field.validation_alias or PREFIX + name.upper())] = words
    return told


def _told(name: str, value: object) -> str:  # noqa: PLR0911  # one for each kind of value
    match value:
        case None | () | "":
            return ""
        case SecretStr():
            return KEPT_BACK
        case KeySetting(values=keys):
            return f"({len(keys)})" if keys else ""
        case Mapping():
            return ", ".join(f"{header}: {KEPT_BACK}" for header in value)
        case timedelta():
            return f"{value / timedelta(days=1):g}d"
        case Enum():
            return str(value.value)
        case InputSize(height=height, width=width, channels=channels):
            return f"{height}x{width}x{channels}"
        case tuple():
            return f"({len(value)} names)" if name == "labels" else ",".join(map(str, value))
        case str() if "://" in value:
            return _without_password(value)
        case _:
            return str(value)


def _without_password(address: str) -> str:
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
