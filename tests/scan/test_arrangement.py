"""What a scan is begun with, and begun again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.scan.arrangement import arranged
from app.scan.looking.model import ModelSource
from app.scan.state.file import opened_state
from app.scan.state.state import State
from app.settings import Strategy, read_settings
from tests.scan.tiny_scan import SEED, references
from tests.scan.tiny_server import served

if TYPE_CHECKING:
    from pathlib import Path


async def test_what_is_measured_before_a_scan_is_measured_once(tmp_path: Path) -> None:
    """Begun again, it tells the very same time: a plan doesn't change with what else is running."""
    np.savez(tmp_path / "references.npz", x=references())
    told = []
    with served() as server:
        settings = read_settings(
            {
                "upstream_url": server.url,
                "model": "tiny",
                "reference": tmp_path / "references.npz",
                "trigger_max": 0.2,
                "strategy": Strategy.FAST,
            }
        )
        for _ in range(2):
            with opened_state(str(tmp_path / "state")) as connection:
                source = ModelSource(settings)
                async with arranged(source, State(connection), SEED, lambda _: None) as its:
                    told.append(its.seconds_each)
    assert told[0]
    assert told[0] == told[1]
