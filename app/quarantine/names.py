"""Where a kept image lies, and what a file there is."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from app.pictures.formats.accepted import told_format

if TYPE_CHECKING:
    from app.incidents import Incident

SUFFIXES: Final = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp", "BMP": "bmp"}
EVIDENCE: Final = "json"

_PATH: Final = re.compile(
    r"(key=[^/]*)/(trigger=[^/]+)/([0-9a-f]{64})\.(?:png|jpg|webp|bmp|bin|json)"
)


@dataclass(frozen=True)
class Named:
    """A path of ours: ``key`` and ``trigger`` are its folders, ``stem`` is all but the suffix."""

    key: str
    trigger: str
    stem: str


def stem_of(picture: bytes, incident: Incident) -> str:
    """Return the path of *picture* without its suffix.

    No name can lead out of its folder: it stands behind a word, and is percent-encoded.
    """
    key, trigger = quote(incident.key or "", safe="@"), quote(incident.trigger_id, safe="")
    return f"key={key}/trigger={trigger}/{hashlib.sha256(picture).hexdigest()}"


def suffix_of(picture: bytes) -> str:
    """Return the suffix for what *picture* begins as."""
    return SUFFIXES.get(told_format(picture) or "", "bin")


def read_path(path: str) -> Named | None:
    """Return what the file at *path*, below the place, is; None if it is none of ours."""
    found = _PATH.fullmatch(path)
    return None if found is None else Named(found[1], found[2], path.rpartition(".")[0])
