"""What is kept in a file instead of in Redis: triggers, suspects, a calibration; as bytes."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import orjson

from app.detection.suspect import Kept
from app.library.memory import MemoryTriggerLibrary
from app.library.records.basics import decode_time, encode_time
from app.library.records.calibration_encoding import decode_calibration, encode_calibration
from app.library.records.encoding import decode_entry, decode_sample, encode_entry, encode_sample
from app.library.records.suspect_encoding import suspect_fields, suspect_of

__all__ = [
    "MemoryTriggerLibrary",
    "decode_calibration",
    "decode_library",
    "decode_suspects",
    "encode_calibration",
    "encode_library",
    "encode_suspects",
    "library_of",
]

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from app.ports import Entry, Samples


def library_of(
    entries: Iterable[Entry], samples: Mapping[str, Samples] | None = None
) -> MemoryTriggerLibrary:
    """Return a library of these *entries*, which never expire."""
    return MemoryTriggerLibrary.of(entries, samples or {})


def encode_library(library: MemoryTriggerLibrary) -> bytes:
    """Return all of *library* as bytes."""
    return orjson.dumps(
        [
            {
                "entry": _text(encode_entry(entry)),
                "hits": entry.hits,
                "last_seen_at": encode_time(entry.last_seen_at),
                "samples": [_text(encode_sample(one)) for one in library.samples.get(entry.id, ())],
            }
            for entry in library.entries()
        ]
    )


def decode_library(data: bytes) -> MemoryTriggerLibrary:
    """Return the library that `encode_library` was given. Raises ValueError."""
    entries, samples = [], {}
    for kept in orjson.loads(data):
        seen = decode_time(kept["last_seen_at"])
        entry = decode_entry(_bytes(kept["entry"]), hits=kept["hits"], last_seen_at=seen)
        entries.append(entry)
        samples[entry.id] = tuple(decode_sample(_bytes(one)) for one in kept["samples"])
    return library_of(entries, samples)


def encode_suspects(suspects: Iterable[Kept]) -> bytes:
    """Return *suspects* as bytes."""
    return orjson.dumps([{"id": one.id, **suspect_fields(one.suspect)} for one in suspects])


def decode_suspects(data: bytes) -> tuple[Kept, ...]:
    """Return the suspects that `encode_suspects` was given. Raises ValueError."""
    return tuple(Kept(fields.pop("id"), suspect_of(fields)) for fields in orjson.loads(data))


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)
