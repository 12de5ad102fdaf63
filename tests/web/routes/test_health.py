"""GET /healthz and /readyz."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.gateway.readiness import Part, Readiness
from app.ports import UpstreamUnreachableError
from app.web.routes.health import PartAnswer, part_answer, without_reasons
from tests.web.served import assert_problem, serving

if TYPE_CHECKING:
    from tests.web.served import Served


async def test_process_lives_even_without_the_model(served: Served) -> None:
    """Liveness asks nothing of anybody."""
    served.model.failure = UpstreamUnreachableError("no connection")
    response = await served.http.get("/healthz")
    assert (200, {"status": "alive"}) == (response.status_code, response.json())


async def test_each_part_is_named(served: Served) -> None:
    """When all is well, every part is said to be so."""
    response = await served.http.get("/readyz")
    parts = [{"name": n, "ok": True, "reason": None} for n in ("upstream", "references", "store")]
    assert 200 == response.status_code
    assert {"status": "ready", "parts": parts} == response.json()


async def test_lost_store_degrades(served: Served) -> None:
    """Without the store the gateway goes on, and says so."""
    served.library.fault = "Redis is away since 12:03"
    response = await served.http.get("/readyz")
    assert (200, "degraded") == (response.status_code, response.json()["status"])
    store = {"name": "store", "ok": False, "reason": "Redis is away since 12:03"}
    assert store == response.json()["parts"][2]


def test_what_a_part_lacks_is_its_reason() -> None:
    """A part that is there and does less than it could says so to holders of a key; it is ok."""
    part = Part("references", None, note="2 classes have too few")
    assert PartAnswer("references", ok=True, reason="2 classes have too few") == part_answer(part)
    untold = without_reasons(Readiness((part,)))
    assert [Part("references", None)] == list(untold.parts)
    assert untold.ready


async def test_without_the_model_it_isnt_ready(served: Served) -> None:
    """Without the model it's a problem that names the part and still lists all of them."""
    served.model.failure = UpstreamUnreachableError("no connection to the model")
    response = await served.http.get("/readyz")
    assert_problem(response, 503, "upstream: no connection to the model")
    assert [False, True, True] == [part["ok"] for part in response.json()["parts"]]


async def test_a_draining_worker_isnt_ready(served: Served) -> None:
    """A worker that is about to end says so wherever one asks if it is ready, and asks nobody."""
    served.app.state.drain.begin()
    served.model.failure = UpstreamUnreachableError("no connection")
    assert_problem(await served.http.get("/readyz"), 503, "worker: draining")
    for path in ("/v2/health/ready", "/v2/models/tiny/ready", "/v1/models/tiny"):
        response = await served.http.get(path)
        assert not response.is_success
        assert response.json()["ready"] is False
    assert 200 == (await served.http.get("/healthz")).status_code


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_load_balancers_may_ask_by_head(served: Served, path: str) -> None:
    """HEAD is answered as GET is, without a body."""
    response = await served.http.head(path)
    assert (200, b"") == (response.status_code, response.content)


async def test_reasons_are_for_who_has_a_key() -> None:
    """Once keys are set strangers hear which part is missing, and not why: hosts, others' words."""
    async with serving(api_keys=("secret",)) as served:
        served.library.fault = "Redis is away: 10.0.0.7 refuses"
        stranger = await served.http.get("/readyz")
        friend = await served.http.get("/readyz", headers={"X-API-Key": "secret"})
        assert "degraded" == stranger.json()["status"] == friend.json()["status"]
        assert "10.0.0.7" not in stranger.text
        assert served.library.fault == friend.json()["parts"][2]["reason"]
        served.model.failure = UpstreamUnreachableError("10.0.0.8 says nothing")
        stranger = await served.http.get("/readyz")
        assert_problem(stranger, 503, "upstream: the reason is told to holders of a key")
        assert "10.0.0.8" not in stranger.text
