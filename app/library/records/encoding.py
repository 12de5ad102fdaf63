"""Entries and samples as bytes and back; decoding takes nothing on trust.

An entry's hits and the time of its last one change all the time and are kept beside it, so they
are no part of its bytes.
"""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from app.detection.geometry import Box
from app.detection.trigger import Blocker, Evidence, Fill, Sign, Term, Trigger
from app.library.records.names import SEED_BITS
from app.ports import Entry, Restoration

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCHEMA_DIGITS = 4
"""There will never be more; `scripts.LOAD` says the same."""

LARGEST = 2**31
"""Above every class, count and side of an image."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

DISMISSED = b'"dismissed":true'
"""What the bytes of a dismissed entry have in them and no others have, for `scripts.PUT`."""


class EncodingError(ValueError):
    """These bytes are not what they should be."""

    def __init__(self, *, what: str) -> None:
        super().__init__(f"not a readable {what}")


def encode_time(moment: datetime) -> int:
    """Return *moment* in microseconds since 1970."""
    return (moment - EPOCH) // MICROSECOND


def decode_time(microseconds: int) -> datetime:
    """Return the moment that `encode_time` was given. Raises EncodingError."""
    try:
        return EPOCH + microseconds * MICROSECOND
    except OverflowError as exc:
        raise EncodingError(what="time") from exc


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
        "trigger": _trigger_fields(entry.trigger),
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
                _trigger(trigger),
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
        return _share(float(text))
    except ValueError as exc:
        raise EncodingError(what="rate") from exc


def _share(value: float) -> float:
    if not 0 <= value <= 1:  # NaN isn't either
        raise EncodingError(what="share")
    return value


def count_of(value: int) -> int:
    """Return *value*, a count, a class or a side. Raises EncodingError if it is none."""
    if not 0 <= value < LARGEST:
        raise EncodingError(what="count")
    return value


def _trigger_fields(trigger: Trigger) -> dict[str, Any]:
    evidence = trigger.evidence
    return {
        "target": int(trigger.target),
        "source": None if trigger.source is None else int(trigger.source),
        "box": box_fields(trigger.box),
        "patch": pixel_fields(trigger.patch),
        "mask": None if trigger.mask is None else pixel_fields(trigger.mask.astype(np.uint8)),
        "blocker": {"box": box_fields(trigger.blocker.box), "fill": trigger.blocker.fill.value},
        "natural": float(trigger.natural),
        "pieces": [box_fields(piece) for piece in trigger.pieces],
        "moves": bool(trigger.moves),
        "image": [int(trigger.image_width), int(trigger.image_height)],
        "evidence": evidence_fields(evidence),
    }


def evidence_fields(evidence: Evidence) -> dict[str, Any]:
    """Return *evidence* as JSON has it."""
    return {
        "carried": int(evidence.carried),
        "transplants": int(evidence.transplants),
        "placebo": float(evidence.placebo),
        "heal_rate": float(evidence.heal_rate),
        "probes": int(evidence.probes),
        "seed": int(evidence.seed),
        "class_b": None if evidence.class_b is None else int(evidence.class_b),
        "necessary": bool(evidence.necessary),
        "novelty": None if evidence.novelty is None else float(evidence.novelty),
        "terms": [[one.sign.value, float(one.weight), one.seen] for one in evidence.terms],
    }


def _trigger(fields: object) -> Trigger:
    match fields:
        case {
            "target": int(target),
            "source": int() | None as source,
            "box": its_box,
            "patch": patch_fields,
            "mask": mask_fields,
            "blocker": blocker_fields,
            "natural": float(natural),
            "image": [int(width), int(height)],
            "pieces": [*pieces_fields],
            "evidence": evidence,
        }:
            box, patch = box_of(its_box), pixels_of(patch_fields)
            source = source if source is None else count_of(source)
            target, width, height = count_of(target), count_of(width), count_of(height)
            mask = None if mask_fields is None else pixels_of(mask_fields).astype(np.bool_)
            blocker, why = _blocker(blocker_fields), evidence_of(evidence)
            pieces = tuple(box_of(piece) for piece in pieces_fields)
            inside = all(is_inside(one, width, height) for one in (blocker.box, *pieces))
            if not (inside and _fits(box, width, height, patch, mask)):
                raise EncodingError(what="trigger")
            moves = (
                isinstance(fields, dict) and fields.get("moves") is True
            )  # an older release didn't know
            return Trigger(
                target,
                source,
                box,
                patch,
                mask,
                blocker,
                _share(natural),
                height,
                width,
                why,
                pieces,
                moves,
            )
        case _:
            raise EncodingError(what="trigger")


def _fits(
    box: Box,
    width: int,
    height: int,
    patch: NDArray[np.uint8],
    mask: NDArray[np.bool_] | None,
) -> bool:
    size = (box.height, box.width)
    return (
        is_inside(box, width, height)
        and patch.shape in {(*size, 1), (*size, 3)}
        and (mask is None or mask.shape == size)
    )


def is_inside(box: Box, width: int, height: int) -> bool:
    """Say if *box* is in an image of this size."""
    return box.x + box.width <= width and box.y + box.height <= height


def box_fields(box: Box) -> list[int]:
    """Return *box* as JSON has it."""
    return [int(box.x), int(box.y), int(box.width), int(box.height)]


def box_of(fields: object) -> Box:
    """Return the box that these *fields* of JSON are. Raises EncodingError."""
    match fields:
        case [int(x), int(y), int(width), int(height)] if min(x, y, width - 1, height - 1) >= 0:
            return Box(x, y, width, height)
        case _:
            raise EncodingError(what="box")


def _blocker(fields: object) -> Blocker:
    match fields:
        case {"box": box, "fill": str(fill)} if fill in list(Fill):
            return Blocker(box_of(box), Fill(fill))
        case _:
            raise EncodingError(what="blocker")


def evidence_of(fields: object) -> Evidence:
    """Return the evidence that these *fields* of JSON are. Raises EncodingError."""
    match fields:
        case {
            "carried": int(carried),
            "transplants": int(transplants),
            "placebo": float(placebo),
            "heal_rate": float(heal_rate),
            "probes": int(probes),
            "seed": int(seed),
            "class_b": int() | None as class_b,
            "necessary": bool(necessary),
            "novelty": float() | None as novelty,
        }:
            return Evidence(
                count_of(carried),
                1 + count_of(transplants - 1),
                _share(placebo),
                _share(heal_rate),
                count_of(probes),
                seed,
                class_b if class_b is None else count_of(class_b),
                necessary,
                novelty,
                terms_of(fields),
            )
        case _:
            raise EncodingError(what="evidence")


def terms_of(evidence: object) -> tuple[Term, ...]:
    """Return the terms among the fields of *evidence*; none if an older release wrote it."""
    match evidence:
        case {"terms": [*terms]}:
            return tuple(map(_term, terms))
        case _:  # an older release didn't keep them
            return ()


def _term(fields: object) -> Term:
    match fields:
        case [str(sign), float(weight), str(seen)] if sign in list(Sign):
            return Term(Sign(sign), weight, seen)
        case _:
            raise EncodingError(what="term of evidence")


def pixel_fields(pixels: NDArray[np.uint8]) -> dict[str, Any]:
    """Return *pixels* as JSON has them."""
    return {"shape": list(pixels.shape), "base64": base64.b64encode(pixels.tobytes()).decode()}


def pixels_of(fields: object) -> NDArray[np.uint8]:
    """Return the pixels that these *fields* of JSON are. Raises EncodingError."""
    match fields:
        case {"shape": [*shape], "base64": str(text)}:
            try:
                pixels = np.frombuffer(base64.b64decode(text, validate=True), np.uint8)
                pixels = pixels.reshape(shape)
            except (binascii.Error, TypeError, ValueError) as exc:
                raise EncodingError(what="pixels") from exc
            if pixels.shape != tuple(shape):  # a side of -1 has been worked out
                raise EncodingError(what="pixels")
            return pixels
        case _:
            raise EncodingError(what="pixels")


def parsed(data: bytes | str) -> object:
    """Return the JSON in *data*. Raises EncodingError."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as exc:
        raise EncodingError(what="JSON") from exc
