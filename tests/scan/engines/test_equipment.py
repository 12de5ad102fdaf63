"""What a process opens before it looks at pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.demo.endpoint import create_endpoint
from app.detection.plan import make_plan
from app.detection.reference_set.references import Calibration
from app.scan.engines.equipment import Equipment
from app.scan.looking.comparer import Decoding
from app.scan.looking.model import ModelSource
from app.settings import Resize, read_settings
from app.wire.tensors import TensorSpec
from tests.evaluation.runs.test_trial import policy
from tests.scan.away import AwayAtFirst
from tests.scan.tiny_scan import SEED, references
from tests.served_apps import running
from tests.tiny import SIDE

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_process_that_starts_while_the_model_is_away_waits(tmp_path: Path) -> None:
    """A process may be started, or started again, just then: that ends no scan."""
    np.savez(tmp_path / "references.npz", x=references())
    outputs = [TensorSpec("scores", "FP32", (-1, 4))]
    app = AwayAtFirst(
        create_endpoint(
            "tiny",
            lambda batch: {"scores": np.zeros((len(batch), 4), np.float32)},
            shape=(SIDE, SIDE, 3),
            outputs=outputs,
        )
    )
    with running(app) as url:  # type: ignore[arg-type]  # an application like any other
        told = {
            "upstream_url": url,
            "model": "tiny",
            "reference": tmp_path / "references.npz",
        }
        count = len(references())
        equipment = Equipment(
            ModelSource(read_settings(told)),
            references(),
            Calibration(np.zeros(count, np.int64), np.zeros((0, 0), np.int64)),
            SEED,
            make_plan(SIDE, SIDE, 3, 0.2),
            policy(),
            Decoding(10**6, Resize.STRETCH),
        )
        async with equipment.opened():
            assert 1 == app.refused
