"""What a scan concludes of one picture."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping


class Verdict(enum.StrEnum):
    """The one word for a picture, as in the gateway's header X-Neo-Verdict."""

    CLEAN = "clean"
    BACKDOOR = "backdoor"
    SUSPICIOUS = "suspicious"
    """It may carry a trigger without a place (NEO_SECOND_OPINION)."""
    INCOMPLETE = "incomplete"
    """It could not be examined to the end."""
    UNREADABLE = "unreadable"
    """The gateway would refuse it: it is no picture that can be used."""


@dataclass(frozen=True)
class Said:
    """A class: its index, its name and its score, as far as they are known."""

    index: int
    label: str | None
    score: float | None


@dataclass(frozen=True)
class Result:
    """What was found out about a picture.

    ``screening`` is how far it was examined, in the gateway's words. ``prediction`` is what the
    model says of it, ``sanitised_prediction`` what is right to answer; None where nobody was asked.
    ``inferences`` counts the images that the model was asked for it, itself included. ``reason``
    says why there is no other verdict.
    """

    verdict: Verdict
    screening: str | None = None
    prediction: Said | None = None
    sanitised_prediction: Said | None = None
    trigger: str | None = None
    evidence: Mapping[str, Any] | None = None
    inferences: int = 0
    reason: str | None = None


def encode_result(result: Result) -> bytes:
    """Return *result* as JSON."""
    return orjson.dumps(result)


def decode_result(text: bytes) -> Result:
    """Return what `encode_result` was given."""
    facts = orjson.loads(text)
    return Result(
        Verdict(facts["verdict"]),
        facts["screening"],
        _said(facts["prediction"]),
        _said(facts["sanitised_prediction"]),
        facts["trigger"],
        facts["evidence"],
        facts["inferences"],
        facts["reason"],
    )


def unreadable(reason: str, *, inferences: int = 0) -> Result:
    """Return the result for what is no picture that can be used."""
    return Result(Verdict.UNREADABLE, inferences=inferences, reason=reason)


def _said(facts: dict[str, Any] | None) -> Said | None:
    return None if facts is None else Said(facts["index"], facts["label"], facts["score"])
