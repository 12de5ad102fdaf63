"""GET /trigger/<id>/report.zip."""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import replace
from html import unescape
from importlib.metadata import version
from io import BytesIO
from typing import Any

import numpy as np
import pytest

from app.detection.geometry import Box
from app.ports import UpstreamTimeoutError
from app.settings import Mode, Strategy
from tests.library.findings import NOW
from tests.library.shared.test_incidents import incident
from tests.tiny import SIDE, tiny_trigger
from tests.web.routes.test_incidents import Away
from tests.web.served import Served, assert_problem, serving

ALWAYS = {
    *("report.html", "trigger.png", "evidence.json", "incidents.jsonl", "audit.json"),
    *("finding.ocsf.json", "about.json"),
}
EVIL = "<script>alert(1)</script>"
SETTINGS = {"NEO_STRATEGY": "full", "NEO_UPSTREAM_TOKEN": "(set)"}


async def unpacked(served: Served, trigger_id: str = "t-1") -> dict[str, bytes]:
    """Return the files of a trigger's report."""
    answer = await served.http.get(f"/trigger/{trigger_id}/report.zip")
    assert (200, "application/zip") == (answer.status_code, answer.headers["content-type"])
    assert (
        f'attachment; filename="{trigger_id}-report.zip"' == answer.headers["content-disposition"]
    )
    with zipfile.ZipFile(BytesIO(answer.content)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def filled(served: Served) -> None:
    """List three incidents: one is of another trigger, one has markup where it may have any."""
    incidents = served.app.state.gateway.incidents
    for one in (incident(), incident(of="t-9"), replace(incident(), key=EVIL)):
        incidents.keep(one)


async def test_all_that_a_report_needs() -> None:
    """Pictures, examples, evidence, incidents, acts, versions and settings: all that is known."""
    async with serving(settings=SETTINGS) as served:
        await served.library.register(tiny_trigger())
        filled(served)
        await served.http.delete("/trigger/t-1", headers={"X-Request-Id": "r-9"})
        files = await unpacked(served)
        answer = (await served.http.get("/trigger/t-1")).json()
    examples = {name for name in files if name.startswith("examples/")}
    assert ALWAYS | {"overlay.png", "examples.png"} | examples == files.keys()
    assert {"examples/clean/00.png", "examples/stamped/00.png", "examples/answers.json"} < examples
    assert answer == json.loads(files["evidence.json"])
    lines = [json.loads(line) for line in files["incidents.jsonl"].splitlines()]
    assert ["t-1", "t-1"] == [one["trigger_id"] for one in lines]
    assert ["r-9"] == [one["request_id"] for one in json.loads(files["audit.json"])]
    about = json.loads(files["about.json"])
    assert {} == about["missing"]
    assert (version("neo-gateway"), "tiny", SETTINGS) == tuple(
        about["about"][name] for name in ("gateway_version", "model", "settings")
    )


async def test_page_is_one_file(served: Served) -> None:
    """It loads nothing, runs nothing, and shows what callers have a hand in as text."""
    await served.library.register(tiny_trigger())
    filled(served)
    page = (await unpacked(served))["report.html"].decode()
    assert set() == set(re.findall(r'(?:src|href)="(?!data:image/png;base64,)[^"]*', page))
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "blue &lt;b&gt;" in page
    assert 3 == page.count("data:image/png;base64,")
    assert "AML.T0043.004" in page


async def test_finding_is_what_siems_take_in(served: Served) -> None:
    """An OCSF Detection Finding, with the ids of ATLAS and the version that they are of."""
    await served.library.register(tiny_trigger())
    filled(served)
    finding: dict[str, Any] = json.loads((await unpacked(served))["finding.ocsf.json"])
    assert (2, 2004, 200401, "1.8.0") == (
        finding["category_uid"],
        finding["class_uid"],
        finding["type_uid"],
        finding["metadata"]["version"],
    )
    assert [("5.6.0", "AML.T0043.004"), ("5.6.0", "AML.T0018.000")] == [
        (one["version"], one["sub_technique"]["uid"]) for one in finding["finding_info"]["attacks"]
    ]
    assert finding["is_alert"]
    trigger, *images = finding["evidences"]
    assert 24 == trigger["data"]["carried"]
    assert ["00" * 32] * 2 == [one["file"]["hashes"][0]["value"] for one in images]
    assert round(NOW.timestamp() * 1000) < finding["time"]


async def test_a_dismissed_one_is_suppressed(served: Served) -> None:
    """The finding of a trigger that its owner has dismissed is no alert."""
    await served.library.register(tiny_trigger())
    await served.http.delete("/trigger/t-1")
    finding = json.loads((await unpacked(served))["finding.ocsf.json"])
    assert (3, "Suppressed", False) == tuple(
        finding[name] for name in ("status_id", "status", "is_alert")
    )


@pytest.mark.parametrize(
    ("mode", "strategy", "dismissed", "expected"),
    [
        (Mode.ENFORCE, Strategy.FAST, False, "get what the model says of them without it."),
        (Mode.MONITOR, Strategy.FAST, False, "get the model's own answer (NEO_MODE, NEO_STRATEGY)"),
        (Mode.ENFORCE, Strategy.OFF, False, "get the model's own answer (NEO_MODE, NEO_STRATEGY)"),
        (Mode.ENFORCE, Strategy.FAST, True, "get the model's own answer and no flag: it is dism"),
    ],
)
async def test_it_says_what_becomes_of_such_images(
    mode: Mode, strategy: Strategy, *, dismissed: bool, expected: str
) -> None:
    """Nobody reads that answers were corrected where they weren't."""
    async with serving(policy={"mode": mode, "strategy": strategy}) as served:
        await served.library.register(tiny_trigger())
        if dismissed:
            await served.http.delete("/trigger/t-1")
        files = await unpacked(served)
    assert expected in unescape(files["report.html"].decode())
    assert expected in json.loads(files["finding.ocsf.json"])["remediation"]["desc"]


async def test_a_blended_one_is_no_patch_at_a_place(served: Served) -> None:
    """Nobody reads of a box at (0, 0) that is covered where a picture is mixed into all of it."""
    for side, where in ((SIDE, "the whole image"), (4, "4 x 4 pixels at (0, 0)")):
        patch, box = np.zeros((side, side, 3), np.uint8), Box(0, 0, side, side)
        blended = replace(tiny_trigger(), alpha=0.15, box=box, patch=patch)
        trigger_id = (await served.library.register(blended)).id
        files = await unpacked(served, trigger_id)
        description = json.loads(files["finding.ocsf.json"])["finding_info"]["desc"]
        assert f"mixed into {where} by 15%" in description
        assert "Covering" not in description


async def test_what_is_out_of_reach_is_left_out(served: Served) -> None:
    """Without the model server and the store there is a report all the same; it says what lacks."""
    await served.library.register(tiny_trigger())
    served.model.failure = UpstreamTimeoutError("no answer")
    served.app.state.gateway.incidents.store = Away()
    files = await unpacked(served)
    assert ALWAYS - {"incidents.jsonl", "audit.json"} | {"overlay.png"} == files.keys()
    missing = json.loads(files["about.json"])["missing"]
    away = "Redis is out of reach"
    assert {"examples": "no answer", "incidents": away, "audit": away} == missing
    shown = files["report.html"].decode()
    assert f"Without incidents: {away}" in shown
    assert f"Without audit: {away}" in shown
    assert "None are listed" not in shown


async def test_unknown_trigger(served: Served) -> None:
    """There is no report of what isn't there."""
    assert_problem(await served.http.get("/trigger/t-9/report.zip"), 404, "t-9")


@pytest.mark.parametrize("key", [None, "a"])
async def test_it_is_the_admins(key: str | None) -> None:
    """Once keys are set it needs an admin key."""
    async with serving(api_keys=("a",), admin_keys=("b",)) as served:
        headers = {} if key is None else {"X-API-Key": key}
        answer = await served.http.get("/trigger/t-1/report.zip", headers=headers)
    assert answer.status_code == (401 if key is None else 403)
