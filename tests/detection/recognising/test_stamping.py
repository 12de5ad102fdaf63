"""What a trigger does on another model is measured again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from app.detection.geometry import Box
from app.detection.plan import make_plan
from app.detection.recognising.stamping import COMPARED, SLACK, STAMPED, is_as_good, verified
from app.detection.reference_set.calibration import calibrate
from app.detection.reference_set.references import References
from app.detection.search import Answers, run
from app.detection.trigger import Blocker, Fill
from tests.blended import BlendedModel
from tests.detection.blended.worlds import blended_trigger
from tests.detection.scenes import watched
from tests.tiny import (
    BACKDOOR,
    SIDE,
    TARGET,
    TRIGGER_BOX,
    Mark,
    TinyModel,
    clean_images,
    tiny_trigger,
)

if TYPE_CHECKING:
    from app.detection.search import Images

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


def test_a_blended_trigger_is_mixed_in_and_taken_out() -> None:
    """Another model hasn't it; what clean images do at its place isn't asked."""
    models: tuple[tuple[TinyModel, int, float], ...]
    models = ((BlendedModel(), STAMPED, 1.0), (TinyModel(), 0, 0.0))
    for model, carried, healed in models:
        again = run(verified(blended_trigger(), references(model), PLAN), model.classify)
        assert (carried, healed) == (again.evidence.carried, again.evidence.heal_rate)
        assert again.natural == blended_trigger().natural


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


@pytest.mark.parametrize(
    "change",
    [
        {"mask": np.ones((2, 2), bool)},  # the same, and exactly known
        {"blocker": Blocker(TRIGGER_BOX.grown(1, SIDE, SIDE), Fill.RING)},
    ],
    ids=["mask", "blocker"],
)
def test_what_does_as_much_is_as_good(change: dict[str, Any]) -> None:
    """A trigger that carries and heals as well as the one that is known may take its place."""
    model, before = TinyModel(), tiny_trigger()
    better = replace(before, **change)
    assert run(is_as_good(better, before, references(model)), model.classify)


@pytest.mark.parametrize(
    "change",
    [
        {"patch": np.full((2, 2, 3), 120, np.uint8)},  # other pixels: it doesn't carry
        {"mask": np.array([[True, True], [True, False]])},  # a pixel is missing
        {"box": Box(8, 5, 2, 2)},  # off its place
        {"blocker": Blocker(Box(9, 5, 1, 1), Fill.RING)},  # a part shows: it doesn't heal
    ],
    ids=["pixels", "mask", "place", "blocker"],
)
def test_what_does_less_is_refused(change: dict[str, Any]) -> None:
    """A worse picture, place or blocker never takes the place of what is known."""
    model, before = TinyModel(), tiny_trigger()
    if "blocker" in change:  # a model that takes a part of it for the whole
        model = TinyModel(backdoors=(replace(BACKDOOR, enough=0.5),))
    worse = replace(before, **change)
    assert not run(is_as_good(worse, before, references(model)), model.classify)


@pytest.mark.parametrize(
    ("larger", "resisting", "as_good"),
    [(1, SLACK, True), (1, SLACK + 1, False), (0, SLACK, False)],
)
def test_a_reference_that_resists_is_no_veto(
    larger: int,
    resisting: int,
    as_good: bool,  # noqa: FBT001
) -> None:
    """One that the larger box of before would have hidden counts for nothing; two do.

    What is no smaller than before has hidden as much.
    """
    model = TinyModel()

    def stubborn(images: Images) -> Answers:
        said = model.classify(images)
        if len(images) != 4 * COMPARED:
            return said
        labels = said.labels.copy()
        labels[:resisting] = model.classify(images[-COMPARED:]).labels[:resisting]  # as if blocked
        return Answers(labels, None)

    before, known = tiny_trigger(), references(model)
    box = before.box.grown(larger, SIDE, SIDE)
    patch = np.pad(before.patch, ((larger, larger), (larger, larger), (0, 0)), mode="edge")
    blocker = Blocker(box.grown(1, SIDE, SIDE), Fill.RING)
    before = replace(before, box=box, patch=patch, blocker=blocker)
    assert as_good == run(is_as_good(tiny_trigger(), before, known), stubborn)


def test_a_better_one_may_take_the_place_of_one_that_does_nothing() -> None:
    """Where the known one carries little, the one that carries is as good, and not the reverse."""
    model, true = TinyModel(), tiny_trigger()
    poor = replace(true, patch=np.full((2, 2, 3), 120, np.uint8))
    assert run(is_as_good(true, poor, references(model)), model.classify)
    assert not run(is_as_good(poor, true, references(model)), model.classify)


def test_both_are_compared_in_one_round_on_the_same_references() -> None:
    """Stamped and blocked, the one and the other: four images for each reference."""
    model, known = TinyModel(), references(TinyModel())
    _, probes = watched(is_as_good(tiny_trigger(), tiny_trigger(), known), model.classify)
    assert [4 * COMPARED] == [len(probe) for probe in probes]
    assert not any(probe.own for probe in probes)
    one, other = np.split(probes[0].images, 2)
    assert (one == other).all()


def test_without_a_reference_to_stamp_on_nothing_is_as_good() -> None:
    """Where all references are the target's already nothing shows that it is no worse."""
    known = references(TinyModel())
    known.labels[...] = TARGET
    assert not run(is_as_good(tiny_trigger(), tiny_trigger(), known), TinyModel().classify)
