"""What a gateway at work has imported: nothing that only other commands need."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.faults.service import CLEAN, POISONED, running_gateway

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.service import Upstream

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")

OTHERS = {"aiohttp", "httpx", "joblib", "mlxtend", "onnxruntime", "rich", "scipy", "sklearn"}
"""What the demo, the evaluation, the benchmark and the tests work with."""
IMPORTED = re.compile(r"^import time: .*\| *(\S+)$", re.MULTILINE)


@pytest.mark.slow
def test_serving_imports_nothing_that_only_other_commands_need(
    tmp_path: Path, upstream: Upstream
) -> None:
    """From the start to a trigger's pictures, with every kind of request in between."""
    with running_gateway(tmp_path, upstream, workers=1, PYTHONPROFILEIMPORTTIME="1") as service:
        verdicts = [service.predict(image).json()["backdoor"] for image in (CLEAN[0], POISONED[0])]
        (trigger,) = service.triggers()
        pages = ("/", "/docs", "/openapi.json", "/metrics", "/v2", "/v2/models/tiny")
        paths = (*pages, trigger["image"], trigger["examples"], f"/trigger/{trigger['id']}")
        statuses = {path: httpx.get(f"{service.url}{path}").status_code for path in paths}
        imported = set(IMPORTED.findall(service.process.said))
    assert [False, True] == verdicts
    assert dict.fromkeys(paths, 200) == statuses
    assert {"app.serving.serve", "app.web.app", "app.wiring"} <= imported
    assert set() == {name.partition(".")[0] for name in imported} & OTHERS
