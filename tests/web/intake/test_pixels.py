"""Decoding holds up nobody: it has its own threads, and an end to the wait for them."""

from __future__ import annotations

import base64
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.web.intake import pixels as decoding
from tests.files import encoded
from tests.web.served import assert_problem, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.web.served import Served

LARGE = encoded(np.full((600, 600, 3), 90, np.uint8))
SMALL = encoded(np.full((16, 16, 3), 90, np.uint8))


@pytest.fixture
def _taken(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let all places be taken by work that doesn't end before the test does."""
    monkeypatch.setattr(decoding, "PATIENCE_S", 0.2)
    end = threading.Event()
    working = [decoding.PLACES.submit(end.wait, 60) for _ in range(8)]
    yield
    end.set()
    assert all(work.result() for work in working)


async def _batch(served: Served, *pictures: bytes) -> int:
    instances = [{"b64": base64.b64encode(picture).decode()} for picture in pictures]
    body = {"instances": instances}
    return (await served.http.post("/v1/models/tiny:predict", json=body)).status_code


@pytest.mark.usefixtures("_taken")
async def test_request_waits_for_a_place_only_so_long(served: Served) -> None:
    """While others hold all threads, a large picture is answered 503, with when to come again."""
    response = await served.http.post(
        "/predict", content=LARGE, headers={"Content-Type": "image/png"}
    )
    assert_problem(response, 503, "decoding took longer than 0.2 s")
    assert "5" == response.headers["retry-after"]
    assert 503 == await _batch(served, SMALL, SMALL)


@pytest.mark.usefixtures("_taken")
async def test_small_picture_needs_no_place(served: Served) -> None:
    """While others hold all threads, small pictures are answered as ever."""
    response = await served.http.post(
        "/predict", content=SMALL, headers={"Content-Type": "image/png"}
    )
    assert 200 == response.status_code
    assert 200 == await _batch(served, SMALL)


async def test_places_are_free_again_afterwards(served: Served) -> None:
    """Large pictures, alone and together, are answered while there are places."""
    response = await served.http.post(
        "/predict", content=LARGE, headers={"Content-Type": "image/png"}
    )
    assert 200 == response.status_code
    assert 200 == await _batch(served, SMALL, LARGE, SMALL)


async def test_pictures_of_a_batch_end_with_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that has many pictures to decode stops between two when nobody waits any more."""
    monkeypatch.setattr(decoding, "PATIENCE_S", 0.0)
    async with serving() as served:
        assert 503 == await _batch(served, SMALL, SMALL)
    assert decoding.PLACES.submit(int).result(timeout=60) == 0


async def test_bad_picture_in_a_batch_is_refused(served: Served) -> None:
    """An unreadable picture among others is the caller's error."""
    assert 422 == await _batch(served, SMALL, b"no picture", LARGE)
