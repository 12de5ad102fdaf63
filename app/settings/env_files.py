"""What files of variables leave around a value: quotes, blanks, a line's end.

`docker --env-file`, Kubernetes' secrets and systemd each have their own rules, and hand on what
another one would have taken away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

QUOTES: Final = ("'", '"')

QUOTING: Final = frozenset({"answer", "NEO_ANSWER"})
"""Settings whose own language has quotes: a name in JMESPath may be `"a-b"`."""


def bare(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values *given* without these; what is empty then counts as not set."""
    trimmed = {name: _trimmed(name, value) for name, value in given.items()}
    return {name: value for name, value in trimmed.items() if value != ""}


def _trimmed(name: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    text = value.strip()
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in QUOTES
    return text[1:-1].strip() if quoted and name not in QUOTING else text
