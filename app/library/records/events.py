"""An event as it is written in Redis."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from app.events import Event, Kind

EVENT: Final = b"event"
"""The field of a stream's item that has it."""

ID: Final = re.compile(r"[!-~]{1,200}")
"""It becomes a header of what is posted."""


class _Written(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")

    id: str
    kind: str
    at: str
    facts: dict[str, str | int | float | bool | None]
    sent: bool = False


def encode_event(event: Event, *, sent: bool = False) -> bytes:
    """Return *event* as it is written; *sent* if it was sent outside already."""
    return orjson.dumps(
        {
            "id": event.id,
            "kind": event.kind.value,
            "at": event.at.isoformat(),
            "facts": dict(event.facts),
            "sent": sent,
        }
    )


def decode_event(written: bytes) -> tuple[Event, bool] | None:
    """Return the event that was *written*, and whether it was sent; None if it can't be read.

    Nor can one of a kind that only a newer release knows.
    """
    try:
        read = _Written.model_validate_json(written)
        kind, at = Kind(read.kind), datetime.fromisoformat(read.at)
    except (ValidationError, ValueError):
        return None
    if at.tzinfo is None or not ID.fullmatch(read.id):
        return None
    return Event(kind, at, read.facts, read.id), read.sent
