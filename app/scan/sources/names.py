"""What names of files tell."""

from __future__ import annotations

from pathlib import PurePath, PurePosixPath
from typing import Final

PICTURES: Final = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib"}
    | {".gif", ".tif", ".tiff", ".avif", ".heic", ".heif", ".jxl", ".jp2", ".psd", ".ico", ""}
)
"""Endings of what a picture may be: those that no gateway takes get a row that says so. A name
without an ending may be one: stores name files after their contents."""

_PACKED = {".gz", ".bz2", ".xz"}


def ending(name: str) -> str:
    """Return the ending of a file's name, in small letters; of a packed .tar that of a .tar."""
    path = PurePath(name.lower())
    if path.suffix in _PACKED and PurePath(path.stem).suffix == ".tar":
        return ".tar"
    return path.suffix


def is_hidden(name: str) -> bool:
    """Tell whether a file or folder of this *name* is one that systems hide."""
    return name.startswith((".", "__MACOSX"))


def is_picture(name: str) -> bool:
    """Tell whether a member of an archive may be a picture, by its *name*."""
    path = PurePosixPath(name)
    hidden = any(is_hidden(part) for part in path.parts if part not in {".", ".."})
    return not name.endswith("/") and ending(path.name) in PICTURES and not hidden
