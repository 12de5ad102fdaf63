"""What sending needs from outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


class UndeliveredError(Exception):
    """The receiver gave no answer; the message says why, without its words or its address."""


@dataclass(frozen=True)
class Answer:
    """What the receiver said: its status, and in how many seconds it wants to be asked again."""

    status: int
    retry_after_s: float | None = None


class Post(Protocol):
    """A way to the receiver."""

    async def __call__(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """Post *body* with these *headers*. Raises UndeliveredError."""
        ...
