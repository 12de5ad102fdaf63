"""The demo's stream and its figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.demo.digits import TARGET, backdoored_model
from app.demo.stream import LENGTH, POISONED, Reply, Summary, stream, summary
from app.detection.defence import Defence, Verdict
from app.detection.plan import make_plan
from app.detection.reference_set.calibration import calibrate
from app.detection.reference_set.references import References
from app.detection.screening import screen
from app.detection.search import Answers, run
from app.digits.images import SIDE, digits
from app.digits.network import scores

if TYPE_CHECKING:
    from app.detection.search import Images

THICK_SEVEN = 188
"""Of the stream: the stroke of it carries to other digits as a trigger does."""

DRAWS = 10


def test_a_tenth_of_the_stream_is_poisoned() -> None:
    """Of 200 images 20 have the trigger on them, none of which is the target anyway."""
    items = stream()
    poisoned = [item for item in items if item.poisoned]
    assert LENGTH == len(items)
    assert POISONED == len(poisoned)
    assert TARGET not in {item.label for item in poisoned}


def test_the_figures_are_those_of_the_replies() -> None:
    """Caught, missed, false alarms, corrections and probes are counted as they came."""
    said = [
        Reply(1, poisoned=False, prediction=1, upstream=1, flagged=False, probes=20),
        Reply(2, poisoned=True, prediction=2, upstream=TARGET, flagged=True, probes=400),
        Reply(3, poisoned=True, prediction=TARGET, upstream=TARGET, flagged=False, probes=10),
        Reply(4, poisoned=True, prediction=5, upstream=TARGET, flagged=True, probes=6),
        Reply(5, poisoned=False, prediction=6, upstream=5, flagged=True, probes=8),
    ]
    assert Summary(
        caught=2,
        missed=1,
        false_alarms=1,
        clean=2,
        fooled=3,
        corrected=1,
        probes_before=20.0,
        probes_after=8.0,
        first_caught=True,
    ) == summary(said)


def test_where_nothing_is_found_all_probes_are_before() -> None:
    """Without a discovery no image comes after it."""
    said = [Reply(2, poisoned=True, prediction=2, upstream=2, flagged=False, probes=15)]
    assert (15.0, 0.0) == (summary(said).probes_before, summary(said).probes_after)


@pytest.mark.parametrize("secret", [0, 10, 28])
def test_a_seven_with_a_thick_stroke_is_no_trigger(secret: int) -> None:
    """What carries is the digit itself: it is clean, and the model's answer stays."""
    model, plan = backdoored_model(), make_plan(SIDE, SIDE, 1, 0.316)

    def classify(images: Images) -> Answers:
        said = scores(model, images)
        return Answers(said.argmax(axis=1), said)

    images = digits().references.images
    references = References(images, run(calibrate(images, plan, secret), classify), {}, secret)
    seven = stream()[THICK_SEVEN].image
    for draw in range(DRAWS):
        finding = run(screen(seven, Defence(references, plan, (), (), draw)), classify)
        assert Verdict.CLEAR is finding.verdict
