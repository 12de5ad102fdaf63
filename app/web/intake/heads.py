"""Headers of requests, for the paths that all images come by.

Starlette's `Headers` encodes the name and looks at each header in Python, in three calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Scope


def header(scope: Scope, name: bytes) -> str | None:
    """Return a request's first header *name* (in small letters), None if it has none."""
    for one, value in scope["headers"]:
        if one == name:
            return str(value, "latin-1")
    return None
