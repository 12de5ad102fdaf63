"""What is said of a picture depends on the picture and what is known, not on who else was there."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.demo.digits import TARGET, TRIGGER_BOX, backdoored_model
from app.demo.digits import stamped as stamped_digits
from app.detection.defence import Verdict
from app.detection.finding.outlining import outlined
from app.detection.search import Answers
from app.detection.trigger import Blocker, Fill
from app.digits.images import SIDE, digits
from app.digits.network import scores
from app.gateway.preparation.prepared import Calibrator
from app.kept import library_of
from app.ports import NOBODY, Entry, InputSize
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
from tests.tiny import Served, TinyModel, clean_images, stamped, tiny_trigger

if TYPE_CHECKING:
    from app.detection.search import Image, Images
    from app.gateway.preparation.prepared import Prepared
    from app.ports import Caller

STROKED = 379
"""Of the demo's stream: with the trigger on, a stroke of it is outlined together with that."""
SEVENS = (55, 159, 477)
"""Clean ones of it whose strokes pass for copies of what was outlined so."""


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


class DemoModel(Served):
    """The demo's backdoored model, in this process."""

    def __init__(self) -> None:
        self.size = InputSize(SIDE, SIDE, 1)
        self._model = backdoored_model()

    async def check(self) -> None:
        """Return: it is always there."""

    async def answer(self, images: Images, caller: Caller = NOBODY) -> Answers:  # noqa: ARG002
        """Answer *images*."""
        said = scores(self._model, images)
        return Answers(said.argmax(axis=1), said)


async def test_strokes_are_no_copies_of_a_trigger_that_one_image_has_outlined() -> None:
    """A stroke was outlined with it; a search of the image tells, and finds the trigger itself."""
    model, stream = DemoModel(), digits().stream.images
    with opened_state(MEMORY) as connection:
        kept = KeptCalibrations(State(connection), SEED)
        prepared = await Calibrator(
            model,
            kept,
            lambda _: digits().references.images,
            identity="demo",
            trigger_max=0.316,
            strategy=Strategy.FULL,
        ).prepare()
    poisoned = stamped_digits(stream[[STROKED]])
    seen = outlined(poisoned[0], TRIGGER_BOX)
    assert seen is not None
    box, outline = seen
    trigger = replace(
        tiny_trigger(channels=1),
        target=TARGET,
        box=box,
        patch=poisoned[0][box.rows, box.columns].copy(),
        outline=outline,
        blocker=Blocker(box.grown(1, SIDE, SIDE), Fill.RING),
        image_height=SIDE,
        image_width=SIDE,
    )
    now = datetime.now(UTC)
    entry = Entry("t-1", trigger, now, now, 1)
    looker = Looker(model, prepared, policy(), Decoding(10**6, Resize.STRETCH), library_of)
    images = [*stream[[*SEVENS]], *poisoned]
    contents = [Content(image.tobytes(), image.shape) for image in images]
    knowledge = pickle.dumps(Knowledge(1, (entry,)))
    told = await looker.look(Task(contents, False, 1, knowledge))  # noqa: FBT003  # compared
    assert [*[Verdict.CLEAR] * len(SEVENS), Verdict.KNOWN] == [
        one.verdict for one in told.looks if isinstance(one, Examined)
    ]
