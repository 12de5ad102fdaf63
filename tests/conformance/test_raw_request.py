"""Triton's raw binary requests, whose body is the one input, to Triton and then to a gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import numpy as np
import pytest

from tests.conformance.answers import flags_tensor
from tests.conformance.model_server import NAME

if TYPE_CHECKING:
    from tests.conformance.model_server import ModelServer
    from tests.conformance.samples import Batch
    from tests.faults.service import Service

pytestmark = [
    pytest.mark.parametrize("dialect", ["triton"], indirect=True),
    pytest.mark.usefixtures("replies"),  # the gateway knows the trigger
]


def test_a_clean_image_gets_the_servers_own_bytes(
    server: ModelServer, gateway: Service, clean: Batch
) -> None:
    """The outputs stand in the body just as the server puts them there, and the flag after them."""
    body = clean.images[:1].tobytes()
    expected, actual = _raw(server.url, body), _raw(gateway.url, body)
    assert httpx.codes.OK == expected.status_code == actual.status_code
    assert _outputs(expected) + flags_tensor([False]).values.tobytes() == _outputs(actual)


def test_a_poisoned_image_is_sanitised(gateway: Service, mixed: Batch) -> None:
    """Its scores are highest for its own class, and the header flags it."""
    answer = _raw(gateway.url, mixed.images[1:2].tobytes())
    scores = np.frombuffer(_outputs(answer)[:40], np.float32)
    assert "1" == answer.headers["x-neo-backdoor"]
    assert mixed.labels()[1] == scores.argmax()


def _raw(url: str, body: bytes) -> httpx.Response:
    headers = {
        "Content-Type": "application/octet-stream",
        "Inference-Header-Content-Length": "0",
    }
    return httpx.post(f"{url}/v2/models/{NAME}/infer", content=body, headers=headers)


def _outputs(answer: httpx.Response) -> bytes:
    """Return the bytes behind the answer's JSON header."""
    return answer.content[int(answer.headers["inference-header-content-length"]) :]
