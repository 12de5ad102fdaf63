"""Reference sets that lack something: the screen asks what it can, and never breaks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.defence import Verdict
from app.detection.reference_set.calibration import calibrate
from app.detection.reference_set.references import Calibration, References, placebo_rate
from app.detection.search import run
from tests.detection.scenes import SEED, Scene, World, scene, watched
from tests.tiny import BACKDOOR, TARGET, TRIGGER_BOX, Backdoor, clean_images, stamped

if TYPE_CHECKING:
    from numpy.typing import NDArray

TWO_CLASSES = World(classes=2, backdoors=(Backdoor(TRIGGER_BOX, 1),))


def _with(whole: Scene, chosen: NDArray[np.bool_]) -> Scene:
    """Return the scene with some of its references only."""
    images = whole.references.images[chosen]
    calibration = run(calibrate(images, whole.plan, SEED), whole.predict)
    return replace(whole, references=References(images, calibration, {}, SEED))


def _first(of: NDArray[np.bool_], count: int) -> NDArray[np.bool_]:
    return of & (np.cumsum(of) <= count)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("scored", [True, False])
def test_two_classes(channels: int, *, scored: bool) -> None:
    """A model of two classes: the trigger is found, the other class is the right answer."""
    two = scene(replace(TWO_CLASSES, channels=channels, scored=scored))
    finding = two.screened(stamped(two.of_class(0)[:1])[0])
    assert Verdict.DISCOVERED is finding.verdict
    assert finding.sanitised is not None
    assert [0] == finding.sanitised.labels.tolist()
    assert {Verdict.CLEAR} == {two.screened(image).verdict for image in two.clean[:10]}


@pytest.mark.parametrize("label", [0, 1])
def test_ranked_references_of_one_class_only(label: int) -> None:
    """Where every ranked reference has the image's own class, others are asked instead."""
    two = scene(TWO_CLASSES)
    labels = two.references.labels
    ranked = np.flatnonzero(labels == label)[:7]
    robust = np.tile(ranked, (len(two.plan.bands), 1))
    references = replace(two.references, calibration=Calibration(labels, robust))
    lopsided = replace(two, references=references)
    verdicts = [lopsided.screened(image).verdict for image in two.clean[:10]]
    assert [Verdict.CLEAR] * 10 == verdicts
    found = lopsided.screened(stamped(two.of_class(0)[:1])[0])
    assert Verdict.DISCOVERED is found.verdict


def test_robust_references_end_with_all_others() -> None:
    """After the ranked ones each other reference follows once, none of the label itself."""
    references = scene().references
    order = list(references.robust(0, TARGET))
    ranked = [i for i in references.calibration.robust[0] if references.labels[i] != TARGET]
    assert ranked == order[: len(ranked)]
    assert np.flatnonzero(references.labels != TARGET).tolist() == sorted(order)


@pytest.mark.parametrize("count", [8, 12, 23])
def test_fewer_others_than_a_confirmation_may_ask(count: int) -> None:
    """Fewer than 24 references of other classes are enough for a trigger that always works."""
    whole = scene()
    of_target = whole.references.labels == TARGET
    few = _with(whole, of_target | _first(~of_target, count))
    poisoned = stamped(few.others(TARGET)[:1])[0]
    assert Verdict.DISCOVERED is few.screened(poisoned).verdict


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_too_few_others_confirm_nothing(count: int) -> None:
    """So few references of other classes can't confirm a trigger; every image has its verdict."""
    whole = scene()
    of_target = whole.references.labels == TARGET
    few = _with(whole, of_target | _first(~of_target, count))
    images = [*few.clean[:8], *stamped(few.others(TARGET)[:2])]
    assert [Verdict.CLEAR] * 10 == [few.screened(image).verdict for image in images]


def test_windows_are_kept_when_the_references_run_out() -> None:
    """A window that no further reference can speak against goes on to its confirmation."""
    whole = scene()
    of_target = whole.references.labels == TARGET
    few = _with(whole, of_target | _first(~of_target, 1))
    _, probes = watched(few.search(stamped(few.others(TARGET)[:1])[0]), few.predict)
    assert any(probe.shared for probe in probes)  # the placebo of the window that carried


def test_class_without_a_reference() -> None:
    """A target class that has no reference: the trigger is found with an assumed placebo rate."""
    whole = scene()
    without = _with(whole, whole.references.labels != TARGET)
    finding = without.screened(stamped(without.others(TARGET)[:1])[0])
    assert Verdict.DISCOVERED is finding.verdict
    assert finding.trigger is not None
    assert 0.1 == finding.trigger.evidence.placebo
    assert {Verdict.CLEAR} == {without.screened(image).verdict for image in without.clean[:10]}


def test_too_few_of_every_class_cost_nothing_for_what_they_cannot_decide() -> None:
    """With under five references of each class no band is blocked: `full` asks what `fast` does."""
    whole = scene()
    labels = whole.references.labels
    few = _with(whole, np.any([_first(labels == one, 4) for one in range(4)], axis=0))
    assert {0: 1, 1: 1, 2: 1, 3: 1} == few.references.missing
    for image in whole.clean[:6]:
        full, fast = (watched(its.search(image), whole.predict)[1] for its in (few, few.fast()))
        assert len(fast[0]) == len(full[0])


def test_too_few_of_one_class_are_told() -> None:
    """The classes that lack references are named with how many; five are enough."""
    whole = scene()
    labels = whole.references.labels
    few = _with(whole, (labels != 1) | _first(labels == 1, 2))
    assert {1: 3} == few.references.missing
    enough = _with(whole, (labels != 1) | _first(labels == 1, 5))
    assert {} == enough.references.missing


def test_placebo_without_a_donor_asks_nothing() -> None:
    """The placebo rate of a class without references is assumed, not asked."""
    whole = scene()
    without = _with(whole, whole.references.labels != TARGET)
    for source in (None, 0):
        search = placebo_rate([TRIGGER_BOX], TARGET, source, without.references)
        assert (0.1, []) == watched(search, whole.predict)


def test_placebo_without_an_image_to_turn_asks_nothing() -> None:
    """Nor can the rate be measured where no reference is of the class that it acts on."""
    whole = scene()
    without = _with(whole, whole.references.labels != 0)
    search = placebo_rate([TRIGGER_BOX], TARGET, 0, without.references)
    assert (0.1, []) == watched(search, whole.predict)


def test_all_references_of_one_class() -> None:
    """References that all get one class are refused with words that name it."""
    whole = scene()
    same = whole.references.images[whole.references.labels == 1]
    with pytest.raises(ValueError, match=f"all {len(same)} reference images the class 1"):
        run(calibrate(same, whole.plan, SEED), whole.predict)


def test_one_reference() -> None:
    """A single reference is refused in the same way."""
    whole = scene()
    with pytest.raises(ValueError, match="all 1 reference images"):
        run(calibrate(whole.references.images[:1], whole.plan, SEED), whole.predict)


def test_backdoor_is_what_the_model_has() -> None:
    """The tiny model answers the target exactly where the trigger is."""
    images = clean_images(20, np.random.default_rng(0))
    predict = scene().predict
    assert [BACKDOOR.target] * 20 == predict(stamped(images)).labels.tolist()
    assert {0, 1, 2, 3} == set(predict(images).labels.tolist())
