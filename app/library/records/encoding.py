"""Entries and samples as bytes and back; decoding takes nothing on trust.

An entry's hits and the time of its last one change all the time and are kept beside it, so they
are no part of its bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from app.library.records.basics import (
    EncodingError,
    decode_time,
    encode_time,
    parsed,
    pixel_fields,
    pixels_of,
    share,
)
from app.library.records.names import SEED_BITS
from app.library.records.trigger_encoding import trigger_fields, trigger_of
from app.ports import Entry, Restoration

if TYPE_CHECKING:
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray

SCHEMA_DIGITS = 4
"""There will never be more; `lua.library.LOAD` says the same."""

DISMISSED = b'"dismissed":true'
"""What the bytes of a dismissed entry have in them and no others have, for `lua.library.PUT`."""


def decode_schema(text: bytes) -> int | None:
    """Return the number of a schema that *text* is, None if it is none."""
    if not text.isdigit() or len(text) > SCHEMA_DIGITS or text.startswith(b"0"):
        return None
    return int(text)


def decode_seed(text: bytes) -> int | None:
    """Return the secret seed that *text* is, None if it is none."""
    if not text.isdigit() or len(text) > len(str(2**SEED_BITS)) or int(text) >= 2**SEED_BITS:
        return None
    return int(text)


def encode_entry(entry: Entry) -> bytes:
    """Return everything of *entry* but its hits and the time of the last one."""
    fields = {
        "id": entry.id,
        "trigger": trigger_fields(entry.trigger),
        "discovered_at": encode_time(entry.discovered_at),
        "dismissed": entry.dismissed,
    }
    if entry.restored is not None:
        at, last_image_at = entry.restored.at, entry.restored.last_image_at
        fields["restored"] = {"at": encode_time(at), "last_image_at": encode_time(last_image_at)}
    if entry.only is not None:
        fields["only"] = entry.only
    return orjson.dumps(fields)


def decode_entry(data: bytes, *, hits: int, last_seen_at: datetime | None) -> Entry:
    """Return the entry in *data*; it was last seen when discovered if nothing else is known.

    Raises EncodingError.
    """
    match parsed(data):
        case {
            "id": str(trigger_id),
            "trigger": trigger,
            "discovered_at": int(discovered),
            "dismissed": bool(dismissed),
            **more,
        }:
            discovered_at = decode_time(discovered)
            last_seen_at = last_seen_at or discovered_at
            return Entry(
                trigger_id,
                trigger_of(trigger),
                discovered_at,
                last_seen_at,
                hits,
                dismissed,
                _restoration(more.get("restored")),
                _only(more.get("only")),
            )
        case _:
            raise EncodingError(what="entry")


def _restoration(fields: object) -> Restoration | None:
    """Return when an entry was restored; None where it wasn't, or an older release wrote it."""
    match fields:
        case {"at": int(at), "last_image_at": int(last_image_at)}:
            return Restoration(decode_time(at), decode_time(last_image_at))
        case None:
            return None
        case _:
            raise EncodingError(what="entry")


def _only(caller: object) -> str | None:
    if caller is None or isinstance(caller, str):
        return caller
    raise EncodingError(what="entry")


def encode_sample(sample: NDArray[np.uint8]) -> bytes:
    """Return *sample* (height, width, channels) as bytes."""
    return orjson.dumps(pixel_fields(sample))


def decode_sample(data: bytes) -> NDArray[np.uint8]:
    """Return the sample in *data*. Raises EncodingError."""
    return pixels_of(parsed(data))


def decode_rate(text: bytes) -> float:
    """Return the rate, 0 to 1, that *text* is. Raises EncodingError."""
    try:
        return share(float(text))
    except ValueError as exc:
        raise EncodingError(what="rate") from exc
