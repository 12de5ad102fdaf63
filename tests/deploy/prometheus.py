"""A real Prometheus that scrapes a gateway, and its promtool."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.faults.service import HOST, STOP_S, free_port, status
from tests.library.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.faults.service import Service

PROMETHEUS, PROMTOOL = shutil.which("prometheus"), shutil.which("promtool")
WHY = "prometheus and promtool aren't here (Debian: apt-get install prometheus)"

needs_prometheus = pytest.mark.skipif(PROMETHEUS is None or PROMTOOL is None, reason=WHY)

START_S = 60.0
CONFIG = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{rules}]
scrape_configs: [{{job_name: neo-gateway, static_configs: [{{targets: ["{target}"]}}]}}]
"""


def promtool(*words: str | Path) -> str:
    """Run promtool; return what it says if all is well."""
    run = subprocess.run(
        [PROMTOOL or "", *words], capture_output=True, text=True, check=False, timeout=60
    )
    assert 0 == run.returncode, run.stdout + run.stderr
    return run.stdout + run.stderr


class Prometheus:
    """A running Prometheus."""

    def __init__(self, url: str) -> None:
        self.url = url

    def query(self, expression: str) -> list[Any]:
        """Return the result of *expression* now."""
        answer = httpx.get(f"{self.url}/api/v1/query", params={"query": expression}).json()
        assert "success" == answer["status"], (expression, answer.get("error"))
        found: list[Any] = answer["data"]["result"]
        return found

    def says(self, expression: str) -> bool:
        """Return whether *expression* has a result now."""
        return bool(self.query(expression))


@contextmanager
def scraping(service: Service, rules: Path, directory: Path) -> Iterator[Prometheus]:
    """Run a Prometheus that scrapes *service* each second and knows these *rules*."""
    config, port = directory / "prometheus.yml", free_port()
    target = service.url.removeprefix("http://")
    config.write_text(CONFIG.format(rules=rules, target=target))
    with (directory / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                PROMETHEUS or "",
                f"--config.file={config}",
                f"--storage.tsdb.path={directory / 'data'}",
                f"--web.listen-address={HOST}:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        url = f"http://{HOST}:{port}"
        wait_until(lambda: status(f"{url}/-/ready") == 200, START_S)
        yield Prometheus(url)
    finally:
        process.terminate()
        process.wait(STOP_S)
