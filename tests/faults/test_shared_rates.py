"""The workers of one gateway share what may be asked of the model."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.faults.service import CLEAN, running_gateway

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.service import Upstream

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")

RATE = 4
"""A second: ten seconds' worth are 40 images, and half of them a worker's share."""


@pytest.mark.slow
def test_a_worker_has_its_share(tmp_path: Path, upstream: Upstream) -> None:
    """Of two workers each lets in half of what may be asked at once; others are told why not."""
    with running_gateway(
        tmp_path, upstream, NEO_PROBE_RATE=str(RATE), NEO_STRATEGY="off"
    ) as service:
        for _ in service.each_worker():
            answers = [service.predict(CLEAN[0]) for _ in range(45)]
            taken = [answer for answer in answers if answer.status_code == 200]
            refused = [answer for answer in answers if answer.status_code == 503]
            assert 45 == len(taken) + len(refused)
            assert 20 <= len(taken) < 40
            assert all("NEO_PROBE_RATE" in answer.json()["detail"] for answer in refused)
