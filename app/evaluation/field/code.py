"""The program's own code that a figure depends on, as a digest."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import app

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(app.__file__).parent


@cache
def code_digest(folders: Sequence[str], root: Path = ROOT) -> str:
    """Return a digest of all Python files in the *folders* of *root*, and of where each is.

    The version of the program doesn't tell: between two releases it stays what it is. Comments
    count, too: a cell that is measured once too often is better than an old one shown as new.
    """
    total = sha256()
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            digest = sha256(path.read_bytes()).hexdigest()
            total.update(f"{path.relative_to(root).as_posix()}:{digest}\n".encode())
    return total.hexdigest()
