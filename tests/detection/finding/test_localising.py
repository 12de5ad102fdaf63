"""From a window to the trigger: its box, and the blocker that heals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.finding.localising import Synthetic, choose_blocker, localise, synthesise
from app.detection.geometry import Box
from app.detection.search import Answers, run
from app.detection.trigger import Blocker, Fill
from tests.detection.scenes import SEED, Scene, World, scene, watched
from tests.tiny import BRIGHT, TARGET, TRIGGER_BOX, Backdoor, all_stamped, stamped

if TYPE_CHECKING:
    from app.detection.search import Images

WINDOWS = [
    Box(9, 5, 2, 2),
    Box(8, 4, 4, 4),
    Box(7, 3, 8, 8),
    Box(4, 0, 7, 7),
    Box(0, 4, 16, 4),
    Box(0, 0, 16, 16),
]


def _synthetic(its: Scene, window: Box) -> Synthetic:
    onto = its.references.others(TARGET, np.random.default_rng(SEED))
    poisoned = stamped(its.others(TARGET)[:1])[0]
    synthetic = run(synthesise(poisoned, TARGET, [window], onto, its.references), its.predict)
    assert synthetic is not None
    return synthetic


@pytest.mark.parametrize("window", WINDOWS, ids=str)
@pytest.mark.parametrize("scored", [True, False])
def test_box_is_the_triggers_own(window: Box, *, scored: bool) -> None:
    """Wherever the trigger lies in the window, its exact box comes back: all of it is needed."""
    its = scene(World(scored=scored))
    synthetic = _synthetic(its, window)
    assert run(localise(window, (), TARGET, synthetic), its.predict) == TRIGGER_BOX


def test_each_piece_is_localised_beside_the_others() -> None:
    """Of a trigger of two pieces each box is exact, once the other is pasted along with it."""
    two = Backdoor(Box(2, 3, 2, 2), TARGET, others=(Box(12, 11, 2, 2),))
    its = scene(World(backdoors=(two,)))
    poisoned = all_stamped(its.others(TARGET)[:1], two)[0]
    windows = [Box(1, 1, 6, 6), Box(9, 9, 6, 6)]
    onto = its.references.others(TARGET, np.random.default_rng(SEED))
    synthetic = run(synthesise(poisoned, TARGET, windows, onto, its.references), its.predict)
    assert synthetic is not None
    for i, exact in enumerate(two.boxes):
        others = [windows[1 - i]]
        assert exact == run(localise(windows[i], others, TARGET, synthetic), its.predict)


def test_box_is_whole_where_a_part_of_the_trigger_is_enough() -> None:
    """Where any one pixel of the trigger turns an image, the box still has all of them."""
    its = scene()

    def any_pixel(images: Images) -> Answers:
        labels = its.predict(images).labels
        bright = images[:, TRIGGER_BOX.rows, TRIGGER_BOX.columns].min(axis=3) >= BRIGHT
        labels[bright.any(axis=(1, 2))] = TARGET
        return Answers(labels)

    window = Box(7, 3, 6, 6)
    assert run(localise(window, (), TARGET, _synthetic(its, window)), any_pixel) == TRIGGER_BOX


def test_localising_costs_the_logarithm() -> None:
    """Each of the four edges takes as many rounds as the window's side has binary digits."""
    its = scene()
    window = Box(0, 0, 16, 16)
    _, probes = watched(localise(window, (), TARGET, _synthetic(its, window)), its.predict)
    assert len(probes) <= 16
    assert max(len(probe) for probe in probes) <= 18


def test_synthetic_images_have_known_right_answers() -> None:
    """All of them answer the target, and without the window what the model says of them."""
    its = scene()
    synthetic = _synthetic(its, WINDOWS[1])
    assert {TARGET} == set(its.predict(synthetic.poisoned).labels.tolist())
    assert synthetic.labels.tolist() == its.predict(synthetic.clean).labels.tolist()
    assert TARGET not in synthetic.labels


def test_window_that_turns_too_few() -> None:
    """A window of a clean image turns nearly nothing, so there is nothing to localise on."""
    its = scene()
    onto = its.references.others(TARGET, np.random.default_rng(SEED))
    search = synthesise(its.of_class(TARGET)[0], TARGET, WINDOWS[1:2], onto, its.references)
    assert run(search, its.predict) is None


def test_blocker_heals() -> None:
    """The blocker covers the trigger, and its heal rate is the share it really heals."""
    its = scene()
    window, edged = _synthetic(its, Box(7, 3, 6, 6)), _synthetic(its, Box(8, 4, 4, 4))
    search = choose_blocker(TRIGGER_BOX, TARGET, window, edged, its.plan)
    blocker, heal_rate = run(search, its.predict)
    box = blocker.box
    assert heal_rate >= 0.97
    assert all(box.holds(corner) for corner in ((9, 5), (10, 6)))


def test_blocker_that_heals_is_taken_at_once() -> None:
    """Where the first margin heals everything, no further margin is asked."""
    its = scene()
    edged = _synthetic(its, Box(8, 4, 4, 4))
    search = choose_blocker(TRIGGER_BOX, TARGET, edged, edged, its.plan)
    (blocker, heal_rate), probes = watched(search, its.predict)
    assert (Blocker(Box(8, 4, 4, 4), Fill.RING), 1.0) == (blocker, heal_rate)
    assert 1 == len(probes)


def test_blocker_of_what_nothing_heals() -> None:
    """Where no blocker heals, every fill is tried with every margin and the heal rate is 0."""
    its = scene()
    edged = _synthetic(its, Box(8, 4, 4, 4))

    def always_target(images: Images) -> Answers:
        return Answers(np.full(len(images), TARGET))

    search = choose_blocker(TRIGGER_BOX, TARGET, edged, edged, its.plan)
    (_, heal_rate), probes = watched(search, always_target)
    assert (0, 10) == (heal_rate, len(probes))


def test_answer_healed_to_a_wrong_class_counts_for_nothing() -> None:
    """A blocker that makes another class of every image heals none of them."""
    its = scene()
    edged = _synthetic(its, Box(8, 4, 4, 4))

    def always_other(images: Images) -> Answers:
        return Answers(np.full(len(images), 9))

    (_, heal_rate) = run(choose_blocker(TRIGGER_BOX, TARGET, edged, edged, its.plan), always_other)
    assert 0 == heal_rate
