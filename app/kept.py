"""What is kept in a file instead of in Redis: a library of triggers, a calibration; as bytes."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import orjson

from app.library.memory import MemoryTriggerLibrary
from app.library.records.calibration_encoding import decode_calibration, encode_calibration
from app.library.records.encoding import (
    decode_entry,
    decode_sample,
    decode_time,
    encode_entry,
    encode_sample,
    encode_time,
)

__all__ = [
    "MemoryTriggerLibrary",
    "decode_calibration",
    "decode_library",
    "encode_calibration",
    "encode_library",
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


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)
