"""Over HTTP: what a caller hears who repeats pictures that were flagged, and what the others do."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from app.settings import SearchMode, Strategy
from tests.detection.suspects.altering import (
    STICKER_TRIGGER,
    altered,
    holding,
    photographs,
    plain,
    predict,
)
from tests.files import encoded
from tests.tiny import TARGET, TinyModel
from tests.web.served import assert_problem, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from app.detection.search import Answers, Image, Images
    from tests.web.served import Served

AFTER = 3
REFERENCES = photographs(120)
CLEAN = holding(photographs(20, first=120))
VICTIM = CLEAN[predict(CLEAN).labels != TARGET][0]


class _Model(TinyModel):
    def __init__(self) -> None:
        super().__init__(shape=REFERENCES.shape[1:3])

    def classify(self, images: Images) -> Answers:
        """Answer *images*."""
        return predict(images)


@asynccontextmanager
async def _gateway(after: int = AFTER) -> AsyncIterator[Served]:
    policy = {
        "strategy": Strategy.FULL,
        "references": REFERENCES,
        "search": SearchMode.STOP,
        "lockout_after": after,
    }
    keys = {"api_keys": ("one", "two"), "admin_keys": ("ops",)}
    async with serving(_Model(), policy, max_body=1_000_000, **keys) as served:
        await served.library.register(STICKER_TRIGGER)
        yield served


async def _sent(served: Served, image: Image, key: str = "one") -> httpx.Response:
    headers = {"Content-Type": "image/png", "X-API-Key": key}
    return await served.http.post("/predict", content=encoded(image), headers=headers)


async def _flag(served: Served, times: int) -> None:
    for _ in range(times):
        answer = await _sent(served, plain(VICTIM))
        assert (200, True) == (answer.status_code, answer.json()["backdoor"])


async def test_the_refusal_says_why_and_when_it_ends() -> None:
    """It is a problem of its own, for this key and this class; all else is answered."""
    async with _gateway() as served:
        await _flag(served, AFTER)
        refused = await _sent(served, altered(VICTIM))
        assert_problem(refused, 429, "3 pictures like this one, or more, carried a trigger")
        assert "isn't answered" in refused.json()["detail"]
        assert refused.json()["detail"].endswith("it is in 15 min")
        assert "urn:neo-gateway:locked-out" == refused.json()["type"]
        assert 0 < int(refused.headers["retry-after"]) <= 900
        assert "prediction" not in refused.text
        for image, key, expected in (
            (VICTIM, "one", int(predict(VICTIM[None]).labels[0])),
            (altered(VICTIM), "two", TARGET),
        ):
            answer = await _sent(served, image, key)
            assert 200 == answer.status_code
            assert (expected, False) == (
                answer.json()["prediction"]["index"],
                answer.json()["backdoor"],
            )
        metrics = (await served.http.get("/metrics", headers={"X-API-Key": "ops"})).text
        assert 'neo_refused_total{kind="locked-out"}' in metrics


async def test_the_drop_in_endpoints_have_their_own_form() -> None:
    """The same status and the same words, for the whole request."""
    async with _gateway() as served:
        await _flag(served, AFTER)
        rows = [VICTIM.tolist(), altered(VICTIM).tolist()]
        answer = await served.http.post(
            "/v1/models/tiny:predict", json={"instances": rows}, headers={"X-API-Key": "one"}
        )
        assert 429 == answer.status_code
        assert "carried a trigger" in answer.json()["error"]
        assert "retry-after" in answer.headers


@pytest.mark.parametrize("after", [0, AFTER + 1])
async def test_until_then_it_is_answered(after: int) -> None:
    """Before so many were flagged, and where it is switched off."""
    async with _gateway(after) as served:
        await _flag(served, AFTER)
        answer = await _sent(served, altered(VICTIM))
        assert TARGET == answer.json()["prediction"]["index"]
