"""Whether a folder can be made and written, told without doing either."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def obstacle(directory: Path) -> Path | None:
    """Return what is there and keeps *directory* from being made or written, if anything does."""
    directory = directory.absolute()
    there = next(one for one in (directory, *directory.parents) if one.exists())
    return None if there.is_dir() and os.access(there, os.W_OK | os.X_OK) else there
