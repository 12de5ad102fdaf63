"""The one model that the gateway stands for, by its name and its version in a path."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

_VERSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
"""It goes into a path at the model server."""


class UnknownModelError(Exception):
    """There is no model of this name, or of this version."""


def check_model(named: str, model: str) -> None:
    """Return if *named* is *model*, the model's own name. Raises UnknownModelError."""
    if named != model:
        message = f"there is no model {named[:80]!r}"
        raise UnknownModelError(message)


def check_version(named: str | None, versions: Collection[str] | None = None) -> None:
    """Return if *named* is none, or one of *versions*; where these aren't known, if it may be.

    Raises UnknownModelError.
    """
    known = named is None or versions is None or named in versions
    if not known or (named is not None and not _VERSION.fullmatch(named)):
        message = f"there is no version {str(named)[:40]!r} of the model"
        raise UnknownModelError(message)
