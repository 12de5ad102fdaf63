"""Reference sets that lack something: the screen asks what it can, and never breaks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.defence import Verdict
from app.detection.geometry import Box
from app.detection.reference_set.calibration import calibrate
from app.detection.reference_set.references import Calibration, References, placebo_rate
from app.detection.search import run
from tests.detection.scenes import SEED, Scene, World, scene, watched
from tests.tiny import (
    BACKDOOR,
    TARGET,
    TRIGGER_BOX,
    Backdoor,
    Mark,
    clean_images,
    stamped,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

PLACES = (Box(4, 9, 2, 2), Box(6, 9, 2, 2), Box(4, 11, 2, 2), Box(6, 11, 2, 2), Box(5, 13, 2, 2))
ALL_MARKED = World(marks=tuple(Mark(box, 4 + i) for i, box in enumerate(PLACES)), references=400)
MARKED = World(marks=(Mark(PLACES[0], 4),), references=400)
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


@pytest.mark.parametrize("count", [5, 6])
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
    few = _with(whole, of_target | _first(~of_target, 5))
    _, probes = watched(few.search(stamped(few.others(TARGET)[:1])[0]), few.predict)
    assert any(probe.for_all for probe in probes)  # the placebo of the window that carried


def test_class_without_a_reference() -> None:
    """A target class that has no reference: found, and the evidence says what it rests on."""
    whole = scene()
    without = _with(whole, whole.references.labels != TARGET)
    finding = without.screened(stamped(without.others(TARGET)[:1])[0])
    assert Verdict.DISCOVERED is finding.verdict
    assert finding.trigger is not None
    assert 1.5 / 4.5 == finding.trigger.evidence.placebo
    assert finding.trigger.evidence.assumed
    carrying = finding.trigger.evidence.terms[0].seen
    assert "at the rate 0.33 (assumed, for 0 references are of it: " in carrying
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


@pytest.mark.parametrize("many", [False, True])
def test_what_decides_a_class_without_a_reference(*, many: bool) -> None:
    """Where parts of other classes decide theirs it isn't a trigger, and nothing is flagged.

    As of a class with references, whose own say so; where no other class has such parts it is one.
    """
    whole = scene(ALL_MARKED if many else MARKED)
    marks = whole.of_class(4)
    without = _with(whole, whole.references.labels != 4)
    assert {Verdict.CLEAR} == {whole.screened(image).verdict for image in marks}
    flagged = {without.screened(image).verdict for image in marks}
    assert flagged == ({Verdict.CLEAR} if many else {Verdict.DISCOVERED})
    poisoned = stamped(whole.of_class(0)[:1])[0]
    assert Verdict.DISCOVERED is without.screened(poisoned).verdict


def test_others_are_asked_for_all_classes_without_enough_at_once() -> None:
    """What they say of a place is known then, whichever class is asked about; no draw is taken."""
    whole = scene()
    few = _with(whole, whole.references.labels != TARGET)
    rates = [
        watched(placebo_rate([TRIGGER_BOX], label, None, few.references), whole.predict)
        for label in (TARGET, 7, TARGET)
    ]
    assert [1.5 / 4.5] * 3 == [rate for rate, _ in rates]
    assert [2, 0, 0] == [len(probes) for _, probes in rates]


def test_few_references_say_no_less_than_those_of_other_classes() -> None:
    """Two images of a class whose corner never carries don't prove that none does."""
    whole = scene()
    labels = whole.references.labels
    few = _with(whole, (labels != TARGET) | _first(labels == TARGET, 2))
    search = placebo_rate([TRIGGER_BOX], TARGET, None, few.references)
    assert 1.5 / 5.5 == run(search, whole.predict)
    enough = _with(whole, (labels != TARGET) | _first(labels == TARGET, 5))
    search = placebo_rate([TRIGGER_BOX], TARGET, None, enough.references)
    assert run(search, whole.predict) < 0.1


def test_placebo_without_an_image_to_turn_asks_nothing() -> None:
    """Nor can the rate be measured where no reference is of the class that it acts on."""
    whole = scene()
    without = _with(whole, whole.references.labels != 0)
    search = placebo_rate([TRIGGER_BOX], TARGET, 0, without.references)
    assert (0.1, []) == watched(search, whole.predict)


@pytest.mark.parametrize("others", [1, 4])
def test_all_references_but_a_few_of_one_class(others: int) -> None:
    """A stray image or two open nothing: they are refused with words that count them."""
    whole = scene()
    of_one = whole.references.labels == 1
    chosen = whole.references.images[of_one | _first(~of_one, others)]
    message = f"all but {others} of {len(chosen)} reference images the class 1"
    with pytest.raises(ValueError, match=message):
        run(calibrate(chosen, whole.plan, SEED), whole.predict)


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
