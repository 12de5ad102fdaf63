"""What is said of failures: to who runs the gateway, and to a log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pytest

from app.failures import (
    OtherModelError,
    PortError,
    StoreAwayError,
    UpstreamAnswerError,
    UpstreamStatusError,
    UpstreamTimeoutError,
    UpstreamUnreachableError,
)
from app.logs import told
from app.ports import InputSize
from app.settings import InputSettings, Protocol
from app.upstream.assembly import Server, open_model
from tests.upstream.odd_server import OddServer, described, odd

if TYPE_CHECKING:
    from collections.abc import Mapping

WORD = "Zebra"
IMAGES = np.zeros((2, 6, 5, 1), np.uint8)
TENSOR = {"name": WORD, "datatype": "FP32", "shape": [2, 3], "data": [1.0] * 6}
SIZE = InputSize(6, 5, 1)


@pytest.mark.parametrize(
    ("error", "names"),
    [
        (UpstreamStatusError(500, WORD, body_bytes=7), ("NEO_INPUT_LAYOUT", "NEO_INPUT_SIZE")),
        (UpstreamStatusError(422, WORD, body_bytes=7), ("NEO_OUTPUTS", "NEO_INPUT_DATATYPE")),
        (UpstreamStatusError(401, WORD), ("NEO_UPSTREAM_TOKEN",)),
        (UpstreamStatusError(404, WORD), ("NEO_MODEL", "NEO_UPSTREAM_PROTOCOL")),
        (UpstreamStatusError(307, WORD), ("NEO_UPSTREAM_URL",)),
        (UpstreamStatusError(413, WORD), ("NEO_UPSTREAM_MAX_BODY",)),
        (UpstreamTimeoutError("late"), ("NEO_PATIENCE", "NEO_UPSTREAM_MAX_BATCH")),
        (UpstreamUnreachableError("gone"), ("NEO_UPSTREAM_URL",)),
        (StoreAwayError(WORD), ("NEO_REDIS_URL",)),
    ],
)
def test_settings_are_named(error: PortError, names: tuple[str, ...]) -> None:
    """What may mend it is named in `/readyz` and in the log, which has nothing of the server's."""
    assert [] == [name for name in names if name not in error.explained or name not in told(error)]
    assert WORD not in told(error)


def test_an_answer_that_cant_be_used() -> None:
    """Where the message names no setting those are named that the server is asked by."""
    assert "see NEO_UPSTREAM_PROTOCOL" in told(UpstreamAnswerError("nonsense"))
    assert "set NEO_LABELS" == told(UpstreamAnswerError("set NEO_LABELS"))
    assert "wait" == told(OtherModelError("wait"))


@pytest.mark.parametrize("status", [500, 503])
def test_a_server_that_fails_for_itself(status: int) -> None:
    """What isn't about an image names no setting."""
    assert f"the upstream answered {status}" == told(UpstreamStatusError(status, WORD))


@pytest.mark.parametrize(
    ("answer", "pages", "protocol", "reason"),
    [
        ({"error": WORD}, {}, "oip", "is an error, whatever its status: …"),
        (WORD.encode(), {}, "oip", "it is not JSON; it begins with: …"),
        ({"outputs": [TENSOR, TENSOR]}, {}, "oip", "name it in NEO_OUTPUTS; the model's outputs"),
        ({"outputs": [{**TENSOR, "data": [WORD]}]}, {}, "oip", "its data is of another type"),
        ({"outputs": [{**TENSOR, "shape": [7]}]}, {}, "oip", "in the shape (7,) to"),
        ({"outputs": [TENSOR]}, described(-1, 6, 5, 1, datatype=WORD), "oip", "the model takes …"),
        (
            {"outputs": [TENSOR]},
            described(-1, 6, 5, 1, outputs=[{**TENSOR, "name": f"{WORD}s"}]),
            "oip",
            "has no output …, which its metadata describes",
        ),
        ({"outputs": [TENSOR]}, described(-1, 9, 9, 1), "oip", "make NEO_INPUT_SIZE and"),
        ({"error": WORD}, {}, "instances", "is an error, whatever its status: …"),
        ({"predictions": [[WORD]] * 2}, {}, "instances", "which NEO_LABELS has not"),
        ({"predictions": [{WORD: 1, "x": 2}] * 2}, {}, "instances", "name the answer's in NEO_"),
        ({"predictions": [{"x": None}, [WORD]]}, {}, "instances", "NEO_OUTPUTS"),
        ({WORD: WORD}, {}, "image", "set NEO_ANSWER to a JMESPath expression"),
        (WORD.encode() * 90, {}, "image", "neither JSON nor a label; it begins with: …"),
        ([{"label": WORD}], {}, "image", "which NEO_LABELS has not"),
    ],
)
async def test_our_reasons_are_told_and_not_the_servers_words(
    answer: Any, pages: Mapping[str, Any], protocol: str, reason: str
) -> None:
    """The log has why an answer can't be used, and nothing of the answer."""
    server = OddServer(say=lambda _: answer, any_body=True)
    server.pages |= pages
    settings = InputSettings(SIZE, datatype="BYTES" if protocol == "image" else None)
    with odd(server) as url:
        described_so = Server(url, "digits", Protocol(protocol), labels=("a", "b"))
        async with open_model(described_so, settings) as model:
            with pytest.raises(UpstreamAnswerError) as caught:
                await model.answer(IMAGES[:1] if protocol == "image" else IMAGES)
    assert reason in told(caught.value)
    assert WORD not in told(caught.value)
    assert orjson.dumps(told(caught.value))
