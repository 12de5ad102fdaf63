"""Server-Timing: every answer to images says what it has waited for."""

from __future__ import annotations

import re
from time import sleep
from typing import TYPE_CHECKING

import httpx
import numpy as np
import pytest

from app.gateway.timing import Timing
from app.ports import UpstreamUnreachableError
from app.web.answering.server_timing import TIMING, server_timing
from tests.files import encoded
from tests.tiny import clean_images
from tests.web.served import serving

if TYPE_CHECKING:
    from tests.web.served import Served

IMAGE = clean_images(1, np.random.default_rng(2))[0]
PICTURE = encoded(IMAGE)
TENSOR = {"name": "input", "datatype": "UINT8", "shape": [1, *IMAGE.shape]}
INFER = {"inputs": [{**TENSOR, "data": IMAGE.ravel().tolist()}]}
INSTANCES = {"instances": [IMAGE.tolist()]}
DOORS = [
    httpx.Request("POST", "http://gateway/predict", content=PICTURE),
    httpx.Request("POST", "http://gateway/v2/models/tiny/infer", json=INFER),
    httpx.Request("POST", "http://gateway/v2/models/tiny/versions/1/infer", json=INFER),
    httpx.Request("POST", "http://gateway/v1/models/tiny:predict", json=INSTANCES),
    httpx.Request("POST", "http://gateway/v1/models/tiny/versions/1:predict", json=INSTANCES),
]


def told(response: httpx.Response) -> tuple[float, float]:
    """Return what *response* says of the upstream and of the screening, in milliseconds."""
    (value,) = response.headers.get_list("server-timing")
    found = re.fullmatch(r"upstream;dur=(\d+\.\d{3}), screen;dur=(\d+\.\d{3})", value)
    assert found, value
    return float(found[1]), float(found[2])


@pytest.mark.parametrize("request_", DOORS, ids=lambda one: one.url.path)
async def test_every_door_says_it(request_: httpx.Request) -> None:
    """Also an error does, and one before any image was asked about."""
    async with serving() as served:
        response = await served.http.send(request_)
        assert 200 == response.status_code
        assert told(response)[0] > 0
        served.model.failure = UpstreamUnreachableError("no connection")
        response = await served.http.send(request_)
        assert 502 == response.status_code
        told(response)
        response = await served.http.post(request_.url, content=b"nothing")
        assert response.status_code >= 400
        assert (0, 0) == told(response)


async def test_others_do_not(served: Served) -> None:
    """What asks nothing of the model has nothing to say."""
    for path in ("/trigger", "/v2/models/tiny", "/healthz"):
        assert "server-timing" not in (await served.http.get(path)).headers


def test_images_of_a_request_count_from_the_first_to_the_last() -> None:
    """The model's part ends with its last answer; without one it is all that there is."""
    timing = Timing()
    timing.begin()
    sleep(0.001)
    timing.end()
    unanswered, nothing = timing.milliseconds
    assert (unanswered >= 1, 0) == (True, nothing)
    timing.begin()
    timing.answered()
    sleep(0.001)
    timing.end()
    upstream, screening = timing.milliseconds
    assert upstream > unanswered
    assert screening >= 1
    name, value = server_timing({TIMING: timing})
    written = f"upstream;dur={upstream:.3f}, screen;dur={screening:.3f}"
    assert (b"server-timing", written) == (name, value.decode())
