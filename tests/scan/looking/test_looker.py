"""What is said of a picture depends on the picture and what is known, not on who else was there."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.gateway.preparation.prepared import Calibrator
from app.kept import library_of
from app.scan.looking.comparer import Decoding
from app.scan.looking.looker import Looker
from app.scan.looking.tasks import Examined, Knowledge, Task
from app.scan.sources.items import Content
from app.scan.state.calibrations import KeptCalibrations
from app.scan.state.file import MEMORY, opened_state
from app.scan.state.state import State
from app.settings import Resize, Strategy
from tests.evaluation.runs.test_trial import policy
from tests.scan.tiny_scan import SEED, references
from tests.tiny import TinyModel, clean_images, stamped

if TYPE_CHECKING:
    from app.detection.search import Image
    from app.gateway.preparation.prepared import Prepared


@pytest.fixture
async def prepared() -> Prepared:
    """Return the references, calibrated for the tiny model."""
    with opened_state(MEMORY) as connection:
        kept = KeptCalibrations(State(connection), SEED)
        calibrator = Calibrator(
            TinyModel(),
            kept,
            lambda _: references(),
            identity="tiny",
            trigger_max=0.2,
            strategy=Strategy.FAST,
        )
        return await calibrator.prepare()


async def test_placebo_rates_count_from_the_next_wave_on(prepared: Prepared) -> None:
    """A process measures again what it has measured for another picture of the wave."""
    image = stamped(clean_images(2, np.random.default_rng(6)))[1]
    looker = _looker(prepared)
    first, rates = await _look(looker, image, {})
    again, rates_again = await _look(looker, image, {})
    assert rates
    assert (first.inferences, rates) == (again.inferences, rates_again)
    _, new = await _look(looker, image, rates)
    assert {} == new


def _looker(prepared: Prepared) -> Looker:
    return Looker(TinyModel(), prepared, policy(), Decoding(10**6, Resize.STRETCH), library_of)


async def _look(
    looker: Looker, image: Image, rates: dict[str, float]
) -> tuple[Examined, dict[str, float]]:
    contents = [Content(image.tobytes(), image.shape)]
    knowledge = pickle.dumps(Knowledge())
    looks = await looker.look(Task(contents, True, 0, knowledge, rates))  # noqa: FBT003  # screened
    (look,) = looks.looks
    assert isinstance(look, Examined)
    return look, dict(looks.rates)
