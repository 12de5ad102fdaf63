"""What a gateway says over HTTP, read: predictions, triggers, examples.

Anything that isn't as the gateway's own documentation has it is an UnlikeGatewayError.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
from PIL import Image as Pillow

from app.detection.geometry import Box
from app.detection.trigger import Blocker, Evidence, Fill, Sign, Term, Trigger
from app.gateway.outcome import Screening
from app.pictures.decoding import load

if TYPE_CHECKING:
    from app.detection.search import Image
    from app.ports import InputSize


class UnlikeGatewayError(ValueError):
    """Something that a gateway doesn't say."""


@dataclass(frozen=True)
class Reply:
    """What came back for one image: the answer, the model's own, and how they came about."""

    answer: int
    said: int
    flagged: bool
    screening: Screening
    trigger_id: str | None
    probes: int


@dataclass(frozen=True)
class Problem:
    """What the gateway says is wrong; no ``type`` where it isn't a gateway that answers."""

    type: str
    detail: str


NO_PROBLEM = Problem("", "it doesn't say why")


def parse_problem(body: bytes) -> Problem:
    """Read the body of an error, whatever it is."""
    try:
        match orjson.loads(body):
            case {"type": str(kind), "detail": str(detail)}:
                return Problem(kind, detail)
            case _:
                return NO_PROBLEM
    except orjson.JSONDecodeError:
        return NO_PROBLEM


def parse_reply(body: bytes) -> Reply | None:
    """Read the answer of POST /predict; of a gateway in monitor mode what it would have answered.

    None where it would have refused. Raises UnlikeGatewayError.
    """
    told = _json(body)
    if isinstance(told, dict) and "would_answer" in told:
        if told["would_answer"] is None:
            return None
        told = told | {"prediction": told["would_answer"]}
    match told:
        case {
            "prediction": {"index": int(answer)},
            "upstream_prediction": {"index": int(said)},
            "backdoor": bool(flagged),
            "screening": str(screening),
            "trigger_id": str() | None as trigger_id,
            "probes": int(probes),
        } if screening in list(Screening):
            return Reply(answer, said, flagged, Screening(screening), trigger_id, probes)
        case _:
            message = "no prediction of a gateway"
            raise UnlikeGatewayError(message)


def parse_triggers(body: bytes) -> dict[str, dict[str, Any]]:
    """Read the triggers out of the answer of GET /trigger, by their ids.

    Raises UnlikeGatewayError.
    """
    match _json(body):
        case {"triggers": [*triggers]} if all(isinstance(told, dict) for told in triggers):
            return {str(told.get("id")): told for told in triggers}
        case _:
            message = "no list of triggers"
            raise UnlikeGatewayError(message)


def parse_trigger(told: dict[str, Any], picture: bytes, channels: int) -> Trigger:
    """Return the trigger that GET /trigger has *told* of; the pixels are in its *picture*.

    Raises UnlikeGatewayError.
    """
    try:
        rgba = np.asarray(Pillow.open(BytesIO(picture), formats=["PNG"]).convert("RGBA"))
        own = rgba[..., 3] > 0
        return Trigger(
            target=int(told["target"]["index"]),
            source=told["source"] and int(told["source"]["index"]),
            box=Box(**told["box"]),
            patch=rgba[..., :channels],
            mask=None if own.all() else own,
            blocker=Blocker(Box(**told["blocker"]["box"]), Fill(told["blocker"]["fill"])),
            natural=0.0,
            image_height=int(told["image_size"]["height"]),
            image_width=int(told["image_size"]["width"]),
            evidence=_evidence(told),
            alpha=_share(told.get("alpha")),
        )
    except (KeyError, TypeError, ValueError, OSError) as exc:
        message = f"no trigger of a gateway: {exc}"
        raise UnlikeGatewayError(message) from exc


def _share(alpha: float | None) -> float | None:
    if alpha is not None and not 0 < alpha < 1:
        message = f"{alpha} is no share of an image"
        raise ValueError(message)
    return alpha


def _evidence(told: dict[str, Any]) -> Evidence:
    evidence = told["evidence"]
    return Evidence(
        carried=evidence["carried"],
        transplants=evidence["transplants"],
        placebo=evidence["placebo_rate"],
        heal_rate=told["heal_rate"],
        probes=evidence["probes"],
        seed=evidence["seed"],
        class_b=evidence["class_b"] and evidence["class_b"]["index"],
        necessary=evidence["necessary"],
        novelty=evidence["novelty"],
        assumed=evidence.get("placebo_assumed", False),
        terms=tuple(
            Term(Sign(one["sign"]), one["weight"], one["seen"]) for one in evidence.get("terms", ())
        ),
    )


def parse_examples(body: bytes, size: InputSize) -> tuple[tuple[Image, Image, int, int], ...]:
    """Read examples.zip: references before and after stamping, and what the model says of each.

    Raises UnlikeGatewayError.
    """
    try:
        with zipfile.ZipFile(BytesIO(body)) as archive:
            said = {one["file"]: one["index"] for one in orjson.loads(archive.read("answers.json"))}
            pictures = {
                name: load(archive.read(name), size, max_pixels=size.height * size.width)
                for name in said
            }
            clean = sorted(name for name in said if name.startswith("clean/"))
            stamped = sorted(name for name in said if name.startswith("stamped/"))
            return tuple(
                (pictures[before], pictures[after], said[before], said[after])
                for before, after in zip(clean, stamped, strict=True)
            )
    except (KeyError, TypeError, ValueError, zipfile.BadZipFile) as exc:
        message = f"no examples of a gateway: {exc}"
        raise UnlikeGatewayError(message) from exc


def _json(body: bytes) -> Any:  # noqa: ANN401  # whatever JSON there is
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        message = f"no JSON: {exc}"
        raise UnlikeGatewayError(message) from exc
