"""What a scan looks at: pictures by their paths, wherever their bytes are."""

from __future__ import annotations

import enum
import hashlib
from dataclasses import dataclass
from functools import cached_property


class SourceError(Exception):
    """A path that was given can't be scanned at all: the path, what is wrong, and what to do."""


class UnreadableError(Exception):
    """A single picture's bytes can't be had; the message is the reason in its row."""


class Kind(enum.StrEnum):
    """How bytes are got at."""

    FILE = "file"
    """A file of its own."""
    ADDRESS = "address"
    """A file of its own at an address."""
    ZIP = "zip"
    """A member of a .zip."""
    TAR = "tar"
    """A part of a .tar, packed or not."""
    ARRAY = "array"
    """An image of a .npz."""


@dataclass(frozen=True)
class Place:
    """Where a picture's bytes are: in ``file``, a path or an address.

    In a .zip it is the ``member``; in a .tar ``size`` bytes from ``start`` on, once it is unpacked;
    in a .npz the image of number ``start``.
    """

    kind: Kind
    file: str
    member: str = ""
    start: int = 0
    size: int = 0


@dataclass(frozen=True)
class Item:
    """One picture: its ``path`` as people know it, and where it is.

    ``stamp`` changes when its bytes do; empty where that isn't known. ``modified`` is when it was
    written, in seconds since 1970, if that is told. ``reason`` says why it can't be read, where
    that is known already.
    """

    path: str
    place: Place
    stamp: str = ""
    modified: int | None = None
    reason: str | None = None


@dataclass(frozen=True, eq=False)
class Content:
    """A picture as it is stored: the bytes of a file, or pixels of a ``shape`` (h, w, c)."""

    body: bytes
    shape: tuple[int, int, int] | None = None

    @cached_property
    def name(self) -> str:
        """What tells it from all others: its digest, and the shape that pixels have."""
        digest = hashlib.sha256(self.body).hexdigest()
        return digest if self.shape is None else f"{digest}:{'x'.join(map(str, self.shape))}"


def sha256_of(name: str) -> str:
    """Return the digest of the content of this *name*, in hexadecimal digits."""
    return name.partition(":")[0]


def shown(path: str) -> str:
    """Return *path* as text that any output takes: a name may hold bytes that are no characters."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
