"""What a trigger does on another model is measured again."""

from __future__ import annotations

import numpy as np

from app.detection.plan import make_plan
from app.detection.recognising.stamping import STAMPED, verified
from app.detection.reference_set.calibration import calibrate
from app.detection.reference_set.references import References
from app.detection.search import run
from tests.tiny import SIDE, TARGET, Mark, TinyModel, clean_images, tiny_trigger

IMAGES = clean_images(120, np.random.default_rng(5))
PLAN = make_plan(SIDE, SIDE, 3, 0.316, blocks=False)


def references(model: TinyModel) -> References:
    """Calibrate the references for *model*."""
    return References(IMAGES, run(calibrate(IMAGES, PLAN, seed=3), model.classify), {}, seed=3)


def test_a_trigger_that_the_model_has() -> None:
    """A trigger that acts on the model carries, is healed, and nature doesn't carry there."""
    model = TinyModel()
    again = run(verified(tiny_trigger(), references(model), PLAN), model.classify)
    assert (STAMPED, STAMPED, 1.0) == (
        again.evidence.carried,
        again.evidence.transplants,
        again.evidence.heal_rate,
    )
    assert again.natural == again.evidence.placebo < 0.3


def test_a_trigger_that_the_model_has_not() -> None:
    """A trigger that doesn't act on the model has carry rate 0; all else about it stays."""
    model = TinyModel(backdoors=())
    before = tiny_trigger()
    again = run(verified(before, references(model), PLAN), model.classify)
    assert (0.0, 0.0) == (again.evidence.carry_rate, again.evidence.heal_rate)
    assert (before.target, before.box, before.blocker) == (again.target, again.box, again.blocker)
    assert before.patch is again.patch


def test_a_trigger_of_a_class_that_all_references_are() -> None:
    """With no reference to stamp it on, nothing is claimed about a trigger."""
    model = TinyModel()
    known = references(model)
    known.labels[...] = TARGET
    before = tiny_trigger()
    assert before is run(verified(before, known, PLAN), model.classify)


def test_nature_is_measured_again() -> None:
    """What clean images of another model carry by nature is known afterwards."""
    mark = Mark(tiny_trigger().box, TARGET)
    model = TinyModel(backdoors=(), marks=(mark,))
    images = IMAGES.copy()
    images[::4, mark.box.rows, mark.box.columns] = 0
    said = run(calibrate(images, PLAN, seed=3), model.classify)
    known = References(images, said, {}, seed=3)
    assert run(verified(tiny_trigger(), known, PLAN), model.classify).natural > 0.3
