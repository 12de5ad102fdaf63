"""What files of variables leave around a value: quotes, blanks, a line's end.

`docker --env-file`, Kubernetes' secrets and systemd each have their own rules, and hand on what
another one would have taken away.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

QUOTES: Final = ("'", '"')

QUOTING: Final = frozenset({"answer", "NEO_ANSWER"})
"""Settings whose own language has quotes: a name in JMESPath may be `"a-b"`."""

_LINE: Final = re.compile(r"^\s*(?:export\s+)?(NEO_\w+)\s*=", re.IGNORECASE | re.MULTILINE)


def bare(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values *given* without these; what is empty then counts as not set."""
    trimmed = {name: _trimmed(name, value) for name, value in given.items()}
    return {name: value for name, value in trimmed.items() if value != ""}


def half_quoted(name: str, value: str) -> bool:
    """Say if *value* has a quote at one end, and nowhere the one that belongs to it."""
    text = value.strip()
    if name in QUOTING or not text:
        return False
    first, last = text[0], text[-1]
    whole = len(text) > 1 and first == last
    return not whole and any(end in QUOTES and text.count(end) % 2 for end in (first, last))


def named(text: str) -> list[str]:
    """Return the settings that lines of the .env file *text* begin with."""
    return [name.upper() for name in _LINE.findall(text)]


def _trimmed(name: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    text = value.strip()
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in QUOTES
    return text[1:-1].strip() if quoted and name not in QUOTING else text
