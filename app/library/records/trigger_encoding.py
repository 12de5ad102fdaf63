"""Triggers and the evidence for them as JSON has them, and back; nothing is taken on trust."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from app.detection.trigger import Blocker, Evidence, Fill, Sign, Term, Trigger
from app.library.records.basics import (
    EncodingError,
    box_fields,
    box_of,
    count_of,
    is_inside,
    pixel_fields,
    pixels_of,
    share,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.geometry import Box


def trigger_fields(trigger: Trigger) -> dict[str, Any]:
    """Return *trigger* as JSON has it."""
    evidence = trigger.evidence
    return {
        "target": int(trigger.target),
        "source": None if trigger.source is None else int(trigger.source),
        "box": box_fields(trigger.box),
        _pixels_name(trigger): pixel_fields(trigger.patch),
        "mask": _mask_fields(trigger.mask),
        "blocker": {"box": box_fields(trigger.blocker.box), "fill": trigger.blocker.fill.value},
        "natural": float(trigger.natural),
        "pieces": [box_fields(piece) for piece in trigger.pieces],
        "moves": bool(trigger.moves),
        "outline": _mask_fields(trigger.outline),
        "alpha": None if trigger.alpha is None else float(trigger.alpha),
        "image": [int(trigger.image_width), int(trigger.image_height)],
        "evidence": evidence_fields(evidence),
    }


def _mask_fields(mask: NDArray[np.bool_] | None) -> dict[str, Any] | None:
    return None if mask is None else pixel_fields(mask.astype(np.uint8))


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
        "assumed": bool(evidence.assumed),
        "terms": [[one.sign.value, float(one.weight), one.seen] for one in evidence.terms],
    }


def trigger_of(fields: object) -> Trigger:
    """Return the trigger in *fields*. Raises EncodingError."""
    match _with_patch(fields):
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
            **more,  # what an older release didn't know
        }:
            box, patch = box_of(its_box), pixels_of(patch_fields)
            source = source if source is None else count_of(source)
            target, width, height = count_of(target), count_of(width), count_of(height)
            mask, outline = _mask(mask_fields), _mask(more.get("outline"))
            blocker, why = _blocker(blocker_fields), evidence_of(evidence)
            pieces = tuple(box_of(piece) for piece in pieces_fields)
            inside = all(is_inside(one, width, height) for one in (blocker.box, *pieces))
            if not (inside and _fits(box, width, height, patch, (mask, outline))):
                raise EncodingError(what="trigger")
            return Trigger(
                target,
                source,
                box,
                patch,
                mask,
                blocker,
                share(natural),
                height,
                width,
                why,
                pieces,
                more.get("moves") is True,
                outline,
                _alpha(more.get("alpha")),
            )
        case _:
            raise EncodingError(what="trigger")


def _pixels_name(trigger: Trigger) -> str:
    """Return by which name its pixels are kept.

    An older release would take a picture that is mixed into images for a patch, which every image
    of the class shows: by another name it can't be read there.
    """
    return "patch" if trigger.alpha is None else "picture"


def _with_patch(fields: object) -> object:
    match fields:
        case {"picture": picture, "alpha": float(alpha), **more}:
            return {**more, "alpha": alpha, "patch": picture}
        case _:
            return fields


def _alpha(fields: object) -> float | None:
    """Return by which share it is mixed into its box; None if it hides what is there."""
    match fields:
        case None:
            return None
        case float(alpha) if 0 < alpha < 1:
            return alpha
        case _:
            raise EncodingError(what="trigger")


def _mask(fields: object) -> NDArray[np.bool_] | None:
    return None if fields is None else pixels_of(fields).astype(np.bool_)


def _fits(
    box: Box,
    width: int,
    height: int,
    patch: NDArray[np.uint8],
    masks: tuple[NDArray[np.bool_] | None, ...],
) -> bool:
    size = (box.height, box.width)
    return (
        is_inside(box, width, height)
        and patch.shape in {(*size, 1), (*size, 3)}
        and all(mask is None or mask.shape == size for mask in masks)
    )


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
                share(placebo),
                share(heal_rate),
                count_of(probes),
                seed,
                class_b if class_b is None else count_of(class_b),
                necessary,
                novelty,
                terms_of(fields),
                _is_assumed(fields),
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


def _is_assumed(evidence: object) -> bool:
    match evidence:
        case {"assumed": bool(assumed)}:
            return assumed
        case _:  # nor this
            return False


def _term(fields: object) -> Term:
    match fields:
        case [str(sign), float(weight), str(seen)] if sign in list(Sign):
            return Term(Sign(sign), weight, seen)
        case _:
            raise EncodingError(what="term of evidence")
