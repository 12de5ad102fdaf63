"""Keys as their owner has set them: in the variable itself, or in a file that may change."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from app.settings.sources import file_text

_NAME: Final = re.compile(r"[\w.@-]+")
_NAME_BYTES: Final = 64
"""Percent-encoded it is three times as long, and must fit into the name of a folder."""


@dataclass(frozen=True)
class NamedKey:
    """A key, and what its owner calls it; ``name`` is None where it has none."""

    secret: SecretStr
    name: str | None = None

    @classmethod
    def read(cls, text: str) -> NamedKey:
        """Return the key in *text*: `key`, or `name key`."""
        name, _, key = text.rpartition(" ")
        return cls(SecretStr(key), name.strip() or None)


@dataclass(frozen=True)
class KeySetting:
    """Keys, and the file that they were read from; ``path`` is None where there is no file."""

    values: tuple[NamedKey, ...] = ()
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


def _parsed(text: str) -> tuple[NamedKey, ...]:
    found = [NamedKey.read(one.strip()) for one in text.strip().replace("\n", ",").split(",")]
    if not all(map(_is_right, found)):
        message = (
            "a key is empty, or has a character that a header can't carry; or what stands before "
            "its blank is no name of letters, digits and . _ @ -, of 64 bytes at most"
        )
        raise ValueError(message)
    return tuple(found)


def _is_right(one: NamedKey) -> bool:
    key = one.secret.get_secret_value()
    return bool(key) and key.isascii() and key.isprintable() and _is_name(one.name)


def _is_name(name: str | None) -> bool:
    if name is None:
        return True
    return _NAME.fullmatch(name) is not None and len(name.encode()) <= _NAME_BYTES
