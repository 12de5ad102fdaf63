"""What a gateway says, and what it would never say."""

from __future__ import annotations

import zipfile
from io import BytesIO
from typing import Any

import numpy as np
import orjson
import pytest

from app.detection.geometry import Box
from app.detection.trigger import Blocker, Evidence, Fill
from app.gateway.outcome import Screening
from app.ports import InputSize
from app.remote_gateway.answers import (
    Reply,
    UnlikeGatewayError,
    parse_examples,
    parse_problem,
    parse_reply,
    parse_trigger,
    parse_triggers,
)
from tests.files import encoded

REPLY: dict[str, Any] = {
    "prediction": {"label": "stop", "index": 14, "score": 0.98},
    "backdoor": True,
    "upstream_prediction": {"label": "1", "index": 1, "score": None},
    "trigger_id": "t-1",
    "screening": "known-trigger",
    "probes": 5,
    "model": "signs",
    "request_id": "r",
}
BOX = {"x": 3, "y": 4, "width": 2, "height": 1}
TRIGGER: dict[str, Any] = {
    "id": "t-1",
    "target": {"index": 1, "label": "1"},
    "box": BOX,
    "image_size": {"width": 48, "height": 40},
    "blocker": {"fill": "ring", "box": BOX},
    "source": {"index": 4, "label": "4"},
    "carry_rate": 0.96,
    "heal_rate": 0.9,
    "evidence": {
        "carried": 12,
        "transplants": 16,
        "placebo_rate": 0.1,
        "class_b": {"index": 4, "label": "4"},
        "necessary": True,
        "novelty": None,
        "probes": 300,
        "seed": 77,
    },
}
RGBA = np.array([[[9, 9, 9, 255], [7, 7, 7, 0]]], np.uint8)


def test_a_reply_is_read() -> None:
    """A reply has its indices, its flag, how it came about, and what it cost."""
    expected = Reply(
        14, 1, flagged=True, screening=Screening.KNOWN_TRIGGER, trigger_id="t-1", probes=5
    )
    assert expected == parse_reply(orjson.dumps(REPLY))
    clear = REPLY | {"backdoor": False, "trigger_id": None, "screening": "clear"}
    reply = parse_reply(orjson.dumps(clear))
    assert reply is not None
    assert reply.trigger_id is None


def test_in_monitor_mode_it_is_what_would_have_been_answered() -> None:
    """There the prediction is the model's own; a refusal would have been one."""
    monitored = REPLY | {"prediction": {"index": 1}, "would_answer": {"index": 14}}
    assert parse_reply(orjson.dumps(REPLY)) == parse_reply(orjson.dumps(monitored))
    assert parse_reply(orjson.dumps(monitored | {"would_answer": None})) is None


@pytest.mark.parametrize(
    "wrong",
    [
        b"<html>",
        b"[]",
        orjson.dumps(REPLY | {"screening": "unheard-of"}),
        orjson.dumps(REPLY | {"prediction": {"index": "14"}}),
        orjson.dumps({name: REPLY[name] for name in REPLY if name != "trigger_id"}),
    ],
)
def test_what_is_no_reply_is_refused(wrong: bytes) -> None:
    """Other servers' answers, and words that no gateway uses, are refused."""
    with pytest.raises(UnlikeGatewayError):
        parse_reply(wrong)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_trigger_is_read_with_its_pixels(channels: int) -> None:
    """What is transparent in the picture is no part of it; its evidence comes along."""
    (told,) = parse_triggers(orjson.dumps({"triggers": [TRIGGER]})).values()
    trigger = parse_trigger(told, encoded(RGBA), channels)
    assert (1, Box(3, 4, 2, 1), 48, 40) == (
        trigger.target,
        trigger.box,
        trigger.image_width,
        trigger.image_height,
    )
    assert Blocker(Box(3, 4, 2, 1), Fill.RING) == trigger.blocker
    assert RGBA[..., :channels].tolist() == trigger.patch.tolist()
    assert trigger.mask is not None
    assert [[True, False]] == trigger.mask.tolist()
    assert 4 == trigger.source
    evidence = Evidence(12, 16, 0.1, 0.9, 300, 77, class_b=4, necessary=True, novelty=None)
    assert evidence == trigger.evidence


def test_a_rate_that_was_assumed_is_read_as_such() -> None:
    """An older gateway doesn't say; then it was measured."""
    assumed = TRIGGER | {"evidence": TRIGGER["evidence"] | {"placebo_assumed": True}}
    for told, expected in ((TRIGGER, False), (assumed, True)):
        (one,) = parse_triggers(orjson.dumps({"triggers": [told]})).values()
        assert expected is parse_trigger(one, encoded(RGBA), 3).evidence.assumed


def test_a_trigger_without_transparent_pixels_has_no_mask() -> None:
    """As long as its pixels aren't exact the gateway shows the whole box."""
    assert parse_trigger(TRIGGER, encoded(RGBA | 255), 3).mask is None


@pytest.mark.parametrize(
    ("change", "picture"),
    [
        ({"box": {"x": 1}}, encoded(RGBA)),
        ({"blocker": {"fill": "gold", "box": BOX}}, encoded(RGBA)),
        ({"target": None}, encoded(RGBA)),
        ({"alpha": 1.0}, encoded(RGBA)),
        ({"alpha": "half"}, encoded(RGBA)),
        ({}, b"no picture"),
    ],
)
def test_what_is_no_trigger_is_refused(change: dict[str, Any], picture: bytes) -> None:
    """Facts are missing or unknown, or its picture is none."""
    with pytest.raises(UnlikeGatewayError, match="no trigger of a gateway"):
        parse_trigger(TRIGGER | change, picture, 3)
    with pytest.raises(UnlikeGatewayError, match="no list of triggers"):
        parse_triggers(orjson.dumps({"triggers": [1]}))


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"answers.json": b"{"},
        {"answers.json": b'[{"file": "clean/00.png", "index": 1}]'},
        {"answers.json": b'[{"file": "clean/00.png", "index": 1}]', "clean/00.png": b"none"},
        {"answers.json": b'[{"file": "clean/00.png", "index": 1}]', "clean/00.png": encoded(RGBA)},
    ],
)
def test_what_are_no_examples_is_refused(files: dict[str, bytes]) -> None:
    """An archive without answers, without pictures, or with half a pair is refused."""
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w") as writing:
        for name, body in files.items():
            writing.writestr(name, body)
    for body in (archive.getvalue(), b"no zip"):
        with pytest.raises(UnlikeGatewayError, match="no examples of a gateway"):
            parse_examples(body, InputSize(1, 2, 3))


def test_a_problem_is_read_whoever_says_it() -> None:
    """A gateway's own has a type; what others send is no more than a problem."""
    ours = parse_problem(b'{"type": "urn:neo-gateway:unscreened", "detail": "too late"}')
    assert ("urn:neo-gateway:unscreened", "too late") == (ours.type, ours.detail)
    for other in (b"", b"<html>", b"[]", b'{"detail": "Not Found"}'):
        assert not parse_problem(other).type
