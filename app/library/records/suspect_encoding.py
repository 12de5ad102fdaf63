"""Suspects as bytes and back; decoding takes nothing on trust.

When one was last seen, how often and by whom is kept beside it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import orjson

from app.detection.suspect import Suspect, size_of_patch, size_of_sketch
from app.incidents import Said
from app.library.records.basics import (
    EncodingError,
    box_fields,
    box_of,
    count_of,
    decode_time,
    encode_time,
    is_inside,
    parsed,
    pixel_fields,
    pixels_of,
)
from app.library.records.reading import LARGEST
from app.library.records.trigger_encoding import terms_of
from app.suspects import Noted, Source

if TYPE_CHECKING:
    from app.detection.geometry import Box


def encode_noted(noted: Noted) -> bytes:
    """Return all of *noted* that never changes, but its id and whose image showed it."""
    source = noted.source
    return orjson.dumps(
        {
            **suspect_fields(noted.suspect),
            "first_seen": encode_time(noted.first_seen_at),
            "of": {
                "request_id": source.request_id,
                "key": source.key,
                "upstream": [source.upstream.index, source.upstream.score],
                "instead": [source.instead.index, source.instead.score],
                "sha256": source.sha256,
                "size": source.size,
                "flagged": source.flagged,
            },
        }
    )


def suspect_fields(suspect: Suspect) -> dict[str, object]:
    """Return *suspect* as JSON has it."""
    return {
        "target": int(suspect.target),
        "source": None if suspect.source is None else int(suspect.source),
        "box": box_fields(suspect.box),
        "inner": None if suspect.inner is None else box_fields(suspect.inner),
        "patch": pixel_fields(suspect.patch),
        "sketch": pixel_fields(suspect.sketch),
        "image": [int(suspect.image_width), int(suspect.image_height)],
        "terms": [[one.sign.value, float(one.weight), one.seen] for one in suspect.terms],
    }


def decode_noted(noted_id: str, data: bytes) -> Noted:
    """Return the suspect that *data* is, as it was first seen. Raises EncodingError."""
    match parsed(data):
        case {"first_seen": int(first_seen), "of": source, **fields}:
            seen_at = decode_time(first_seen)
            return Noted(noted_id, suspect_of(fields), _source(source), "", seen_at, seen_at)
        case _:
            raise EncodingError(what="suspect")


def suspect_of(fields: object) -> Suspect:
    """Return the suspect that `suspect_fields` was given. Raises EncodingError."""
    match fields:
        case {
            "target": int(target),
            "source": int() | None as source,
            "box": its_box,
            "inner": its_inner,
            "patch": its_patch,
            "sketch": its_sketch,
            "image": [int(width), int(height)],
            "terms": [*_],
        }:
            box = box_of(its_box)
            inner = None if its_inner is None else box_of(its_inner)
            suspect = Suspect(
                count_of(target),
                None if source is None else count_of(source),
                box,
                pixels_of(its_patch),
                pixels_of(its_sketch),
                inner,
                count_of(height),
                count_of(width),
                terms_of(fields),
            )
            if not _fits(suspect):
                raise EncodingError(what="suspect")
            return suspect
        case _:
            raise EncodingError(what="suspect")


def _fits(suspect: Suspect) -> bool:
    width, height = suspect.image_width, suspect.image_height
    channels = suspect.patch.shape[-1]
    return (
        channels in {1, 3}
        and is_inside(suspect.box, width, height)
        and (suspect.inner is None or _holds(suspect.box, suspect.inner))
        and suspect.patch.shape == (*size_of_patch(suspect.box, height, width), channels)
        and suspect.sketch.shape == (*size_of_sketch(height, width), channels)
    )


def _holds(box: Box, inner: Box) -> bool:
    return box.common(inner) == inner


def _source(fields: object) -> Source:
    match fields:
        case {
            "request_id": str(request_id),
            "key": str() | None as key,
            "upstream": upstream,
            "instead": instead,
            "sha256": str(sha256),
            "size": int(size),
            **more,
        } if 0 <= size <= LARGEST:
            flagged = more.get("flagged") is True  # an older release doesn't tell
            said, without = _said(upstream), _said(instead)
            return Source(request_id, key, said, without, sha256, size, flagged=flagged)
        case _:
            raise EncodingError(what="suspect's image")


def _said(fields: object) -> Said:
    match fields:
        case [int(index), None]:
            return Said(count_of(index), None)
        case [int(index), float() | int() as score] if math.isfinite(score):
            return Said(count_of(index), float(score))
        case _:
            raise EncodingError(what="prediction")
