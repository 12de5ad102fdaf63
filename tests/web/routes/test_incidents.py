"""GET /incidents, /incidents.jsonl and /audit."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pytest

from app.incidents import MOST_WAITING, Incidents
from app.ports import StoreAwayError
from app.quarantine.places import Folder
from app.quarantine.quarantine import Quarantine
from tests.files import encoded
from tests.library.findings import NOW
from tests.library.shared.test_incidents import SECOND, incident
from tests.tiny import tiny_trigger
from tests.web.drop_in import NAME, POISONED, Placed, placed
from tests.web.served import Served, assert_problem, serving

if TYPE_CHECKING:
    from app.incidents import Act, Incident, Sought

HOUR = timedelta(hours=1)
PATHS = ("/incidents", "/incidents.jsonl")


def filled(served: Served, count: int) -> list[str]:
    """List *count* incidents, of two triggers in turns; return their ids, newest first."""
    each = [incident(NOW - k * SECOND, of=f"t-{k % 2}") for k in range(count)]
    for one in reversed(each):
        served.app.state.gateway.incidents.keep(one)
    return [one.id for one in each]


async def page(served: Served, **parameters: Any) -> dict[str, Any]:
    """Return a page of incidents."""
    answer = await served.http.get("/incidents", params=parameters)
    assert 200 == answer.status_code
    told: dict[str, Any] = answer.json()
    return told


def ids(told: dict[str, Any]) -> list[str]:
    """Return the ids on a page."""
    return [one["id"] for one in told["incidents"]]


async def test_an_incident_has_all_that_the_contract_names(served: Served) -> None:
    """Request id, key's name, time, both predictions, trigger, evidence, digest and address."""
    kept = replace(incident(), address="file:///q/ab.png")
    served.app.state.gateway.incidents.keep(kept)
    (told,) = (await page(served))["incidents"]
    evidence = told.pop("evidence")
    assert {
        "id": kept.id,
        "time": NOW.isoformat(),
        "request_id": "r-1",
        "key": "shop",
        "upstream_prediction": {"label": "blue <b>", "index": 2, "score": 0.875},
        "prediction": {"label": "green", "index": 1, "score": None},
        "trigger_id": "t-1",
        "screening": "known-trigger",
        "sha256": "00" * 32,
        "size": 123,
        "quarantine": "file:///q/ab.png",
        "mode": "enforce",
        "late": False,
        "unlisted": 0,
    } == told
    assert (19, 20, 0.95, 0.02, 0.97) == tuple(
        evidence[name]
        for name in ("carried", "transplants", "carry_rate", "placebo_rate", "heal_rate")
    )


async def test_pages_follow_one_another(served: Served) -> None:
    """The cursor of a page leads to the next one, and the last page has none."""
    every = filled(served, 5)
    first = await page(served, limit=2)
    second = await page(served, limit=2, cursor=first["next"])
    last = await page(served, limit=2, cursor=second["next"])
    assert every == ids(first) + ids(second) + ids(last)
    assert last["next"] is None
    assert every == ids(await page(served, limit=5))


async def test_filters(served: Served) -> None:
    """By trigger, and since a moment; on pages and in lines."""
    every = filled(served, 6)
    since = (NOW - 3 * SECOND).isoformat()
    wanted = every[1:4:2]
    assert wanted == ids(await page(served, trigger="t-1", since=since))
    lines = await served.http.get("/incidents.jsonl", params={"trigger": "t-1", "since": since})
    assert wanted == [orjson.loads(line)["id"] for line in lines.content.splitlines()]


async def test_lines_have_all_of_them(served: Served) -> None:
    """However many there are, each is a line as it is on a page."""
    every = filled(served, 1200)
    answer = await served.http.get("/incidents.jsonl")
    lines = [orjson.loads(line) for line in answer.content.splitlines()]
    assert "application/x-ndjson" == answer.headers["content-type"]
    assert every == [one["id"] for one in lines]
    assert (await page(served, limit=1))["incidents"] == lines[:1]
    assert 1200 < MOST_WAITING


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ("triger=t-1", "'triger' is no parameter"),
        ("since=yesterday", "since is 'yesterday'"),
        ("trigger=", "trigger is empty"),
        ("since=2026-11-28&since=2026-11-29", "since is there more than once"),
    ],
)
async def test_wrong_parameters(served: Served, parameters: str, said: str) -> None:
    """A parameter that can't be used is a problem that says which one, and what it should be."""
    for path in PATHS:
        assert_problem(await served.http.get(f"{path}?{parameters}"), 400, said)


@pytest.mark.parametrize("parameters", ["limit=0", "limit=1001", "cursor=abc", "cursor=%00"])
async def test_wrong_pages(served: Served, parameters: str) -> None:
    """The same of what only pages have; lines have no pages."""
    name = parameters.partition("=")[0]
    assert_problem(await served.http.get(f"/incidents?{parameters}"), 400, f"{name} is ")
    assert_problem(await served.http.get(f"/incidents.jsonl?{parameters}"), 400, "no parameter")


class Away:
    """A store that is out of reach."""

    async def incidents(self, _: Sought) -> tuple[Incident, ...]:
        """Fail."""
        message = "Redis is out of reach"
        raise StoreAwayError(message)

    async def note(self, _: Act) -> None:
        """Fail."""
        raise StoreAwayError

    async def acts(self) -> tuple[Act, ...]:
        """Fail."""
        message = "Redis is out of reach"
        raise StoreAwayError(message)


async def test_store_that_is_away(served: Served) -> None:
    """What is asked then is a problem, to be tried again; a dismissal is listed later."""
    incidents: Incidents = served.app.state.gateway.incidents
    incidents.store = Away()
    for path in (*PATHS, "/audit"):
        assert_problem(await served.http.get(path), 503, "")
    entry = await served.library.register(tiny_trigger())
    assert 200 == (await served.http.delete(f"/trigger/{entry.id}")).status_code
    incidents.store = None
    assert 1 == len((await served.http.get("/audit")).json()["acts"])


async def test_audit_says_who_did_what() -> None:
    """Each act has the name of the key and the request's id; keys themselves are nowhere."""
    async with serving(admin_keys=("ops s3cret", "0ther")) as served:
        entry = await served.library.register(tiny_trigger())
        await served.http.delete(
            f"/trigger/{entry.id}", headers={"X-API-Key": "s3cret", "X-Request-Id": "r-1"}
        )
        headers = {"X-API-Key": "0ther", "X-Request-Id": "r-2"}
        await served.http.delete(f"/trigger/{entry.id}", headers=headers)
        await served.http.post(f"/trigger/{entry.id}/restore", headers=headers)
        answer = await served.http.get("/audit", headers=headers)
    acts = answer.json()["acts"]
    assert [("restore", "r-2"), ("dismiss", "r-2"), ("dismiss", "r-1")] == [
        (one["deed"], one["request_id"]) for one in acts
    ]
    assert "ops" == acts[2]["by"]
    assert acts[0]["by"].startswith("key-")
    assert {entry.id} == {one["trigger_id"] for one in acts}
    assert not {"s3cret", "0ther"} & set(answer.text.split('"'))


async def listed(place: Placed, count: int) -> list[dict[str, Any]]:
    """Return the incidents once there are *count*."""
    async with asyncio.timeout(10):
        while True:
            told = await place.gateway.get("/incidents", headers={"X-API-Key": "a"})
            found: list[dict[str, Any]] = told.json()["incidents"]
            if len(found) >= count:
                return found
            await asyncio.sleep(0)  # what is behind the answers has its turn


async def test_every_door_tells_who_sent_what() -> None:
    """A flagged image is listed with its request, its key and the digest of what was sent."""
    file, tensor = encoded(POISONED[0]), POISONED[1:3].astype(np.float32)
    infer = {"inputs": [{"name": "input", "shape": [2, 16, 16, 3], "datatype": "FP32"}]}
    infer["inputs"][0]["data"] = tensor.ravel().tolist()
    row = {"instances": [{"b64": base64.b64encode(file).decode()}]}
    async with placed(api_keys=("shop k",), admin_keys=("a",)) as place:
        for number, (path, body) in enumerate(
            (
                ("/predict", file),
                (f"/v2/models/{NAME}/infer", orjson.dumps(infer)),
                (f"/v1/models/{NAME}:predict", orjson.dumps(row)),
            )
        ):
            headers = {"X-API-Key": "k", "X-Request-Id": f"r-{number}"}
            answer = await place.gateway.post(path, content=body, headers=headers)
            assert 200 == answer.status_code, answer.text
        found = await listed(place, 4)
    files, rows = (
        [hashlib.sha256(file).hexdigest()],
        [hashlib.sha256(one.tobytes()).hexdigest() for one in tensor],
    )
    assert {"shop"} == {one["key"] for one in found}
    assert [("r-0", files), ("r-1", sorted(rows)), ("r-2", files)] == [
        (name, sorted(one["sha256"] for one in found if one["request_id"] == name))
        for name in ("r-0", "r-1", "r-2")
    ]


@pytest.mark.parametrize("path", [*PATHS, "/audit"])
async def test_they_are_the_admins(path: str) -> None:
    """Once keys are set an API key opens none of it."""
    async with serving(api_keys=("a",), admin_keys=("b",)) as served:
        assert 401 == (await served.http.get(path)).status_code
        assert_problem(await served.http.get(path, headers={"X-API-Key": "a"}), 403, "an admin key")
        assert 200 == (await served.http.get(path, headers={"X-API-Key": "b"})).status_code


async def test_a_kept_image_has_the_same_beside_it(tmp_path: Path) -> None:
    """What is written beside an image in the quarantine has the names that are told here."""
    keeper = Quarantine(Folder(tmp_path), 2**30, HOUR)
    async with serving(policy={"keeper": keeper}) as served:
        address = await keeper.keep(b"a picture", incident())
        served.app.state.gateway.incidents.keep(replace(incident(), address=address))
        (told,) = (await page(served))["incidents"]
    assert address is not None
    written = json.loads(Path(address).with_suffix(".json").read_bytes())
    assert told | {"id": None} == written | {"id": None}
