"""Keys as their owner has set them: in the variable itself, or in a file that may change."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from app.settings.sources import file_text


@dataclass(frozen=True)
class KeySetting:
    """Keys, and the file that they were read from; ``path`` is None where there is no file."""

    values: tuple[SecretStr, ...] = ()
    path: Path | None = None

    def read_again(self) -> KeySetting:
        """Return what the file has now. Raises ValueError, whose text doesn't tell the keys."""
        return self if self.path is None else _in_file(self.path)


def keys(value: str | KeySetting) -> KeySetting:
    """Return the keys in *value*, comma-separated; `@file` reads them from a file.

    There a line break separates them too. Raises ValueError, whose text doesn't tell the keys.
    """
    if isinstance(value, KeySetting):
        return value
    return _in_file(Path(value[1:])) if value.startswith("@") else KeySetting(_parsed(value))


def _in_file(path: Path) -> KeySetting:
    return KeySetting(_parsed(file_text(path)), path)


def _parsed(text: str) -> tuple[SecretStr, ...]:
    found = [key.strip() for key in text.strip().replace("\n", ",").split(",")]
    if not all(key.isascii() and key.isprintable() and key and " " not in key for key in found):
        message = "a key is empty, or has a blank or a character that a header can't carry"
        raise ValueError(message)
    return tuple(SecretStr(key) for key in found)
