"""GET /metrics of one process; of several: tests/serving/processes/test_draining.py."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.web.routes.metrics import FOLDER, AllWorkers
from tests.files import encoded
from tests.tiny import clean_images

if TYPE_CHECKING:
    from pathlib import Path

    from tests.web.served import Served

COUNTING = """
import os, sys
from app import metrics
metrics.STORE_LOST.inc(2)
metrics.BREAKER_STATE.set(1)
metrics.TRIGGERS.set(int(sys.argv[1]))
print(os.getpid(), flush=True)
sys.stdin.read()
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


def test_what_the_dead_have_counted_stays(tmp_path: Path) -> None:
    """Counters of a worker that was killed stay in the sums; its gauges go with it."""
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", COUNTING, str(triggers)],
            env={**os.environ, FOLDER: str(tmp_path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for triggers in (3, 5)
    ]
    try:
        for worker in workers:
            assert worker.stdout
            assert int(worker.stdout.readline()) == worker.pid
        assert (4.0, 2.0, 5.0) == _sums(tmp_path)
        workers[1].kill()
        workers[1].wait()
        assert (4.0, 1.0, 3.0) == _sums(tmp_path)
        assert (4.0, 1.0, 3.0) == _sums(tmp_path)
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()


def test_a_worker_that_is_only_beginning_is_no_error(tmp_path: Path) -> None:
    """A file that has been made, but not written to, has nothing to tell yet."""
    (tmp_path / f"counter_{os.getpid()}.db").touch()
    assert [] == list(AllWorkers(tmp_path).collect())


def _sums(folder: Path) -> tuple[float, float, float]:
    sums = {
        metric.name: sum(sample.value for sample in metric.samples)
        for metric in AllWorkers(folder).collect()
    }
    return sums["neo_store_lost"], sums["neo_breaker_state"], sums["neo_triggers"]
