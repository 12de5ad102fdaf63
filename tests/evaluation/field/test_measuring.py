"""One cell measured: ours and others on the tiny models."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.evaluation.baselines.scale_up import scale_up
from app.evaluation.command.candidates import usual_policy
from app.evaluation.field.defences import Other, Ours, defences
from app.evaluation.field.measuring import FLAGGED, Place, Screens, gauged_images, others, ours
from app.evaluation.field.models import FieldError
from app.evaluation.field.streams import FieldStream
from app.evaluation.records import NO_ANSWER
from app.evaluation.runs.streams import mixed_stream
from app.settings import SearchMode, Strategy
from tests.evaluation.tiny_subjects import WHITE, tiny_subject
from tests.tiny import TARGET, TinyModel

if TYPE_CHECKING:
    from app.evaluation.subjects.subject import Subject

SCREENS = Screens(partial(usual_policy, search=SearchMode.CONTINUE, trigger_max=0.2), 0.2)


def _place(subject: Subject) -> Place:
    stream = mixed_stream(subject, seed=1, n=30)
    wanted = np.where(stream.poisoned, TARGET, NO_ANSWER)
    return Place(subject, FieldStream(stream, wanted), 1, WHITE)


async def test_ours_flags_corrects_and_shows_the_trigger() -> None:
    """All poisoned images have the highest score; answers are as without the trigger."""
    steps: list[None] = []
    found = await ours(
        Ours(Strategy.FAST), _place(tiny_subject()), SCREENS, lambda: steps.append(None)
    )
    assert (30, 1.0) == (len(steps), found.overlap)
    assert (found.score[found.poisoned] == FLAGGED).all()
    assert found.poisoned.tolist() == found.flagged.tolist()
    assert (found.answer == found.right).all()


@pytest.mark.parametrize("name", ["strip", "scale-up"])
async def test_another_refuses_what_is_above_its_line(name: str) -> None:
    """The line is drawn through references; what is flagged has no answer, the rest the model's."""
    defence = defences(0.2)[name]
    assert isinstance(defence, Other)
    place, steps = _place(tiny_subject()), list[None]()
    found = await others(defence, place, lambda: steps.append(None))
    assert 30 + len(gauged_images(defence, place.subject, 1)) == len(steps)
    assert (found.answer == np.where(found.flagged, NO_ANSWER, found.said)).all()
    assert {found.inferences[0]} == set(found.inferences.tolist())
    assert found.preparation == 60 * found.inferences[0]


async def test_patch_cleanser_corrects_and_has_no_line() -> None:
    """It asks nothing of references; what it flags gets another answer."""
    defence = defences(0.2)["patchcleanser"]
    assert isinstance(defence, Other)
    found = await others(defence, _place(tiny_subject()), lambda: None)
    assert 0 == found.preparation
    assert found.flagged[found.poisoned].all()
    assert (found.answer == found.right)[found.poisoned].all()


async def test_what_needs_scores_says_so() -> None:
    """STRIP can't be run on a model that says labels alone; SCALE-UP can."""
    place = _place(tiny_subject(TinyModel(scored=False)))
    strip = defences(0.2)["strip"]
    assert isinstance(strip, Other)
    with pytest.raises(FieldError, match="gives no scores"):
        await others(strip, place, lambda: None)
    assert 30 == len((await others(Other(scale_up, max), place, lambda: None)).score)
