"""A key that asks too much is refused over every way in; others aren't."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tests.files import encoded
from tests.tiny import clean_images
from tests.web.served import assert_problem, serving

if TYPE_CHECKING:
    import httpx

    from tests.web.served import Served

IMAGE = clean_images(1, np.random.default_rng(2))[0]
SLOW = 0.1
"""Images a second: one is taken, and the next ten seconds later."""


async def answered(served: Served, key: str) -> httpx.Response:
    """Ask for a prediction."""
    headers = {"Content-Type": "image/png", "X-API-Key": key}
    return await served.http.post("/predict", content=encoded(IMAGE), headers=headers)


async def predict(served: Served, key: str) -> tuple[int, str | None]:
    """Ask for a prediction; return the status and when to come again."""
    response = await answered(served, key)
    return response.status_code, response.headers.get("Retry-After")


async def test_each_key_has_its_own_account() -> None:
    """The second image of a key is too much; another key's first one isn't."""
    async with serving(policy={"key_probe_rate": SLOW}, api_keys=("one", "two")) as served:
        assert (200, None) == await predict(served, "one")
        assert (429, "10") == await predict(served, "one")
        assert (200, None) == await predict(served, "two")


async def test_all_ways_in_share_it() -> None:
    """Images asked by /predict count for the other protocols, whose errors have their own form."""
    async with serving(policy={"key_probe_rate": SLOW}, api_keys=("one",)) as served:
        assert (200, None) == await predict(served, "one")
        named = {"name": "input", "datatype": "UINT8", "shape": [1, *IMAGE.shape]}
        asked = {
            "/v2/models/tiny/infer": {"inputs": [{**named, "data": IMAGE.ravel().tolist()}]},
            "/v1/models/tiny:predict": {"instances": [IMAGE.tolist()]},
        }
        for path, body in asked.items():
            response = await served.http.post(path, json=body, headers={"X-API-Key": "one"})
            assert (429, "10") == (response.status_code, response.headers["Retry-After"])
            assert "NEO_KEY_PROBE_RATE" in response.json()["error"]


async def test_all_together_have_one() -> None:
    """Without keys all callers share one account; beyond its rate they get a 503."""
    async with serving(policy={"probe_rate": SLOW}) as served:
        assert (200, None) == await predict(served, "one")
        response = await answered(served, "two")
        assert_problem(response, 503, "NEO_PROBE_RATE")
        assert "urn:neo-gateway:total-rate" == response.json()["type"]
        assert "10" == response.headers["Retry-After"]
