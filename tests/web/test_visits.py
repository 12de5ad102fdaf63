"""The images of a request, with what is known of who sent them."""

from __future__ import annotations

import numpy as np
from starlette.requests import Request

from app.gateway.visit import RequestFacts
from app.ports import Arrival
from app.web.guarding.key_rings import digest
from app.web.visits import visits
from tests.tiny import clean_images
from tests.web.served import Served, serving

IMAGES = clean_images(2, np.random.default_rng(0))
ARRIVALS = [Arrival(image) for image in IMAGES]


def asked(served: Served, key: str | None) -> Request:
    """Return a request that *key* has opened."""
    state = {"request_id": "r-1", "key": None if key is None else digest(key.encode())}
    return Request({"type": "http", "app": served.app, "state": state, "headers": []})


async def test_each_image_has_its_own_part_of_the_request() -> None:
    """All images of a request share its id, its key and its account; each has what it was sent."""
    async with serving(api_keys=("shop s3cret",)) as served:
        found = visits(asked(served, "s3cret"), ARRIVALS, IMAGES)
    assert [RequestFacts("r-1", "shop")] * 2 == [one.request for one in found]
    assert found[0].pay is found[1].pay
    assert [True, True] == [
        one.sent is not None and image.tobytes() == bytes(one.sent)
        for image, one in zip(IMAGES, found, strict=True)
    ]


async def test_key_without_a_name_has_one_that_is_not_the_key() -> None:
    """It is called after the beginning of its SHA-256 digest; where there are no keys, nothing."""
    async with serving(admin_keys=("s3cret",)) as served:
        (visit,) = visits(asked(served, "s3cret"), ARRIVALS[:1], [b"file"])
    assert f"key-{digest(b's3cret').hex()[:8]}" == visit.request.key
    async with serving() as served:
        (visit,) = visits(asked(served, None), ARRIVALS[:1], [b"file"])
    assert visit.request.key is None
