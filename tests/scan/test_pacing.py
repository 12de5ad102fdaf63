"""How long screening takes, tried before a scan begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from app.gateway.preparation.prepared import Calibrator
from app.scan.course import SCREENED_TOGETHER
from app.scan.engines.equipment import Equipment
from app.scan.looking.comparer import Decoding
from app.scan.pacing import seconds_each
from app.scan.state.calibrations import KeptCalibrations
from app.scan.state.file import MEMORY, opened_state
from app.scan.state.state import State
from app.settings import Resize, Strategy
from tests.evaluation.runs.test_trial import policy
from tests.scan.tiny_scan import SEED, references
from tests.tiny import TinyModel

if TYPE_CHECKING:
    from app.scan.looking.model import ModelSource


async def test_a_task_of_clean_images_is_screened() -> None:
    """As a process would do it; what that shows of them is kept nowhere."""
    model, told = TinyModel(), {"trigger_max": 0.2, "strategy": Strategy.FAST}
    with opened_state(MEMORY) as connection:
        kept = KeptCalibrations(State(connection), SEED)
        facts: dict[str, Any] = {"identity": "tiny", **told}
        prepared = await Calibrator(model, kept, lambda _: references(), **facts).prepare()
    before, known = model.asked, dict(prepared.references.placebo_rates)
    equipment = Equipment(
        cast("ModelSource", None),  # the model is open
        prepared.references.images,
        prepared.references.calibration,
        SEED,
        prepared.plan,
        policy(),
        Decoding(10**6, Resize.STRETCH),
    )
    assert 0 < await seconds_each(equipment, model) < 60
    assert SCREENED_TOGETHER * 5 < model.asked - before < SCREENED_TOGETHER * 100
    assert known == prepared.references.placebo_rates
