"""GET /trigger and everything under it."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image as Pillow

from app.detection.geometry import Box
from app.detection.trigger import Sign, Term
from app.ports import UpstreamTimeoutError
from tests.blended import ALPHA, PICTURE
from tests.detection.blended.worlds import blended_trigger
from tests.tiny import SIDE, tiny_trigger
from tests.web.served import Served, assert_problem


async def test_nothing_is_found_at_first(served: Served) -> None:
    """Without a trigger the state is 'searching', and the counts are the library's."""
    served.library.count(screened=7, flagged=0, answered=9)
    response = await served.http.get("/trigger")
    counts = {"answered": 9, "screened": 7, "flagged": 0}
    expected = {"state": "searching", **counts, "triggers": []}
    assert expected == response.json()


async def test_trigger_is_described_as_in_the_contract(served: Served) -> None:
    """A found trigger has every field of the contract, and the evidence for it."""
    entry = await served.library.register(tiny_trigger())
    box = {"x": 9, "y": 5, "width": 2, "height": 2}
    response = await served.http.get("/trigger")
    assert "found" == response.json()["state"]
    assert [
        {
            "id": "t-1",
            "kind": "patch",
            "alpha": None,
            "state": "active",
            "target": {"index": 2, "label": "blue <b>"},
            "source": None,
            "box": box,
            "image_size": {"width": 16, "height": 16},
            "blocker": {"fill": "ring", "box": box},
            "carry_rate": 1.0,
            "heal_rate": 1.0,
            "evidence": {
                "carried": 24,
                "transplants": 24,
                "placebo_rate": 0.0,
                "placebo_assumed": False,
                "class_b": None,
                "necessary": False,
                "novelty": None,
                "probes": 300,
                "seed": 7,
                "sum": None,
                "terms": [],
            },
            "discovered_at": entry.discovered_at.isoformat(),
            "last_seen_at": entry.last_seen_at.isoformat(),
            "hits": 0,
            "shared": True,
            "image": "/trigger/t-1.png",
            "examples": "/trigger/t-1/examples.png",
        }
    ] == response.json()["triggers"]


async def test_trigger_of_one_class_says_which_and_why(served: Served) -> None:
    """A trigger of one class names it as its source, and its evidence says what was asked."""
    terms = (Term(Sign.CARRYING, 6.004, "8 of 8"), Term(Sign.BLOCKING, -3.5, "it keeps its class"))
    evidence = replace(tiny_trigger().evidence, class_b=3, necessary=True, novelty=4.5, terms=terms)
    one_class = replace(tiny_trigger(), source=0, evidence=evidence)
    await served.library.register(one_class)
    (shown,) = (await served.http.get("/trigger")).json()["triggers"]
    assert {"index": 0, "label": "red"} == shown["source"]
    assert {"index": 3, "label": "3"} == shown["evidence"]["class_b"]
    assert (True, 4.5) == (shown["evidence"]["necessary"], shown["evidence"]["novelty"])
    assert 2.5 == shown["evidence"]["sum"]
    assert {"sign": "carrying", "weight": 6.0, "seen": "8 of 8"} == shown["evidence"]["terms"][0]


async def test_a_blended_trigger_says_so(served: Served) -> None:
    """Its picture is as large as the image, and examples have it mixed in; it is dismissed too."""
    entry = await served.library.register(blended_trigger())
    (told,) = (await served.http.get("/trigger")).json()["triggers"]
    assert ("blended", ALPHA) == (told["kind"], told["alpha"])
    assert {"x": 0, "y": 0, "width": SIDE, "height": SIDE} == told["box"]
    picture = Pillow.open(BytesIO((await served.http.get(told["image"])).content))
    assert (SIDE, SIDE) == picture.size
    assert (np.asarray(picture)[..., :3] == PICTURE).all()
    assert 200 == (await served.http.get(told["examples"])).status_code
    await served.http.delete(f"/trigger/{entry.id}")
    assert [] == (await served.http.get("/trigger")).json()["triggers"]
    assert (await served.library.register(blended_trigger())).dismissed


async def test_triggers_come_newest_first(served: Served) -> None:
    """The trigger found last stands first."""
    await served.library.register(tiny_trigger())
    await served.library.register(replace(tiny_trigger(), target=0))
    found = (await served.http.get("/trigger")).json()["triggers"]
    assert ["t-2", "t-1"] == [trigger["id"] for trigger in found]


async def test_picture_of_the_newest_is_sent_to_who_prefers_it(served: Served) -> None:
    """With Accept: image/png the newest trigger's picture comes back."""
    await served.library.register(tiny_trigger())
    newest = replace(
        tiny_trigger(), target=1, box=Box(0, 0, 3, 1), patch=np.zeros((1, 3, 3), np.uint8)
    )
    await served.library.register(newest)
    response = await served.http.get("/trigger", headers={"Accept": "image/png"})
    assert "image/png" == response.headers["content-type"]
    assert (3, 1) == Pillow.open(BytesIO(response.content)).size


async def test_picture_without_a_trigger_is_a_problem(served: Served) -> None:
    """With Accept: image/png and nothing found there is no picture to send."""
    response = await served.http.get("/trigger", headers={"Accept": "image/png"})
    assert_problem(response, 404, "no trigger has been found yet")


async def test_one_trigger_and_its_picture(served: Served) -> None:
    """A trigger can be read by its id, and seen."""
    await served.library.register(tiny_trigger())
    listed = (await served.http.get("/trigger")).json()["triggers"][0]
    assert listed | {"dismissed": False} == (await served.http.get("/trigger/t-1")).json()
    response = await served.http.get(listed["image"])
    assert "image/png" == response.headers["content-type"]
    assert np.array_equal(
        np.full((2, 2, 4), 255), np.asarray(Pillow.open(BytesIO(response.content)))
    )


async def test_examples_are_drawn(served: Served) -> None:
    """The sheet of examples is a PNG with room for eight pairs."""
    await served.library.register(tiny_trigger())
    response = await served.http.get("/trigger/t-1/examples.png")
    sheet = Pillow.open(BytesIO(response.content))
    assert "image/png" == response.headers["content-type"]
    assert sheet.width >= 8 * 128
    assert sheet.height >= 2 * 128


async def test_examples_as_files_are_what_the_answers_say(served: Served) -> None:
    """The images in the archive, asked of the model again, give the answers that stand beside."""
    await served.library.register(tiny_trigger())
    response = await served.http.get("/trigger/t-1/examples.zip")
    assert "application/zip" == response.headers["content-type"]
    assert 'attachment; filename="t-1-examples.zip"' == response.headers["content-disposition"]
    with zipfile.ZipFile(BytesIO(response.content)) as archive:
        answers = json.loads(archive.read("answers.json"))
        images = [Pillow.open(BytesIO(archive.read(answer["file"]))) for answer in answers]
    said = served.model.classify(np.stack([np.asarray(image) for image in images]))
    assert 16 == len(answers)
    assert [answer["index"] for answer in answers] == said.labels.tolist()
    assert {2} == {answer["index"] for answer in answers if answer["file"].startswith("stamped/")}


@pytest.mark.parametrize("suffix", ["png", "zip"])
async def test_examples_need_the_model(served: Served, suffix: str) -> None:
    """While the model is slow, examples are a problem, not a guess."""
    await served.library.register(tiny_trigger())
    served.model.failure = UpstreamTimeoutError("no answer within 2 s")
    assert_problem(await served.http.get(f"/trigger/t-1/examples.{suffix}"), 504, "no answer")


async def test_dismissed_ones_are_listed_on_request(served: Served) -> None:
    """By default those in use are listed; each says whether it is."""
    kept = await served.library.register(tiny_trigger())
    other = replace(tiny_trigger(), box=Box(1, 1, 2, 2), target=1)
    await served.library.dismiss((await served.library.register(other)).id)
    for state, listed in {
        "active": [(kept.id, "active")],
        "dismissed": [("t-2", "dismissed")],
        "all": [("t-2", "dismissed"), (kept.id, "active")],
    }.items():
        told = (await served.http.get("/trigger", params={"state": state})).json()
        assert listed == [(one["id"], one["state"]) for one in told["triggers"]]
        assert "found" == told["state"]
    assert 1 == len((await served.http.get("/trigger")).json()["triggers"])
    wrong = await served.http.get("/trigger?state=gone")
    assert_problem(wrong, 400, "state is 'gone', and must be one of active, dismissed, all")


async def test_dismissed_trigger_is_gone_until_it_is_restored(served: Served) -> None:
    """DELETE takes a trigger off the list, restore puts it back; its id stays known."""
    await served.library.register(tiny_trigger())
    dismissed = await served.http.delete("/trigger/t-1")
    assert (200, True) == (dismissed.status_code, dismissed.json()["dismissed"])
    assert "searching" == (await served.http.get("/trigger")).json()["state"]
    assert (await served.http.get("/trigger/t-1")).json()["dismissed"]
    restored = await served.http.post("/trigger/t-1/restore")
    assert (200, False) == (restored.status_code, restored.json()["dismissed"])
    assert "found" == (await served.http.get("/trigger")).json()["state"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/trigger/t-9"),
        ("GET", "/trigger/t-9.png"),
        ("GET", "/trigger/t-9/examples.png"),
        ("GET", "/trigger/t-9/examples.zip"),
        ("DELETE", "/trigger/t-9"),
        ("POST", "/trigger/t-9/restore"),
    ],
)
async def test_unknown_trigger_is_a_problem(served: Served, method: str, path: str) -> None:
    """An id that no trigger has is a 404 wherever it is used."""
    response = await served.http.request(method, path)
    assert_problem(response, 404, "no trigger has the id t-9")
    assert "urn:neo-gateway:unknown-trigger" == response.json()["type"]
