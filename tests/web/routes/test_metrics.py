"""GET /metrics of one process; of several: tests/serving/processes/test_draining.py."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.web.answering.problems import KINDS
from tests.files import encoded
from tests.tiny import clean_images

if TYPE_CHECKING:
    from tests.web.served import Served

PROMTOOL = shutil.which("promtool") or ""
AT_THE_START = """
from prometheus_client import REGISTRY, generate_latest
from app.serving.http import protocol
from app import wiring
from app.web import app
print(generate_latest(REGISTRY).decode())
"""


def values(text: str) -> dict[str, float]:
    """Return the sum of each metric's samples, by their name."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0) + sample.value
    return found


async def scraped(served: Served) -> dict[str, float]:
    """Return the metrics of the running application."""
    return values((await served.http.get("/metrics")).text)


async def test_images_are_counted(served: Served) -> None:
    """Each image counts by how far it was screened, with the images it asked of the upstream."""
    before = await scraped(served)
    image = encoded(clean_images(1, np.random.default_rng(1))[0])
    headers = {"Content-Type": "image/png"}
    assert 200 == (await served.http.post("/predict", content=image, headers=headers)).status_code
    after = await scraped(served)
    assert 1 == after["neo_images_total"] - before["neo_images_total"]
    assert 1 == after["neo_probes_total"] - before["neo_probes_total"]


async def test_every_kind_of_screening_is_there_from_the_start(served: Served) -> None:
    """Every kind of screening has a count from the start, so that rates can be taken."""
    text = (await served.http.get("/metrics")).text
    for screening in ("clear", "discovered", "known-trigger", "passed", "incomplete", "off"):
        assert f'neo_images_total{{screening="{screening}"}}' in text


@pytest.fixture(scope="module")
def at_the_start() -> str:
    """Return what a process tells that has answered nothing."""
    run = [sys.executable, "-c", AT_THE_START]
    return subprocess.run(run, capture_output=True, text=True, check=True).stdout


def test_every_label_is_there_from_the_start(at_the_start: str) -> None:
    """A process that has answered nothing tells of every value of every label but its own ids."""
    families = {family.name: family for family in text_string_to_metric_families(at_the_start)}
    silent = [name for name, family in families.items() if not family.samples]
    assert [] == silent
    kinds = {sample.labels["kind"] for sample in families["neo_refused"].samples}
    assert {kind.name for kind in KINDS.values()} | {"slow-request"} <= kinds
    counted = {
        sample.name: sample.value
        for family in families.values()
        for sample in family.samples
        if family.name.startswith("neo_") and sample.value
    }
    assert {"neo_build_info": 1, "neo_workers": 1, "neo_workers_started_total": 1} == counted


@pytest.mark.skipif(not PROMTOOL, reason="promtool isn't here (Debian: apt-get install prometheus)")
def test_promtool_finds_nothing(at_the_start: str) -> None:
    """Names, help texts and types are as Prometheus' own check wants them."""
    check = [PROMTOOL, "check", "metrics"]
    run = subprocess.run(check, input=at_the_start, capture_output=True, text=True, check=False)
    assert (0, "") == (run.returncode, run.stdout + run.stderr)


async def test_requests_are_counted(served: Served) -> None:
    """Each answer counts by what was asked for and its status, whatever its path was."""
    before = await requests(served)
    image = encoded(clean_images(1, np.random.default_rng(1))[0])
    headers = {"Content-Type": "image/png"}
    await served.http.post("/predict", content=image, headers=headers)
    await served.http.post("/predict", content=b"no picture", headers=headers)
    await served.http.head("/healthz")
    await served.http.get("/no/such/page")
    await served.http.post("/v2/models/tiny/infer", content=b"{}")
    await served.http.post("/v2/models/other/infer", content=b"{}")
    after = await requests(served)
    assert {
        ("predict", "200"): 1,
        ("predict", "422"): 1,
        ("healthz", "200"): 1,
        ("other", "404"): 1,
        ("v2-infer", "400"): 1,
        ("v2-infer", "404"): 1,
        ("metrics", "200"): 1,
    } == {row: count - before[row] for row, count in after.items() if count != before[row]}


async def test_durations_are_told(served: Served) -> None:
    """Whole requests for predictions, what the screening takes of them, and no other paths."""
    image = encoded(clean_images(1, np.random.default_rng(1))[0])
    before = await scraped(served)
    await served.http.post("/predict", content=image, headers={"Content-Type": "image/png"})
    await served.http.get("/healthz")
    after = await scraped(served)
    for name in ("neo_request_duration_seconds", "neo_screening_duration_seconds"):
        assert 1 == after[f"{name}_count"] - before[f"{name}_count"]
        assert 0 < after[f"{name}_sum"] - before[f"{name}_sum"] < 60


async def requests(served: Served) -> dict[tuple[str, str], float]:
    """Return how many requests were counted, by route and status."""
    families = text_string_to_metric_families((await served.http.get("/metrics")).text)
    (found,) = (family for family in families if family.name == "neo_requests")
    return {(one.labels["route"], one.labels["status"]): one.value for one in found.samples}


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, "text/plain; version=0.0.4; charset=utf-8"),
        ("text/plain;version=0.0.4", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text"),
    ],
)
async def test_the_format_is_the_scrapers(
    served: Served, accept: str | None, content_type: str
) -> None:
    """A scraper gets OpenMetrics if it asks for that, else the old text format."""
    headers = {} if accept is None else {"Accept": accept}
    response = await served.http.get("/metrics", headers=headers)
    assert response.headers["content-type"].startswith(content_type)
    assert response.text.endswith("# EOF\n") == content_type.startswith("application/openmetrics")
