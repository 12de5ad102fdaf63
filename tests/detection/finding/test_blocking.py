"""The blocker that heals best."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.finding.blocking import TRIED, choose_blocker
from app.detection.finding.synthetic import Synthetic, pasted
from app.detection.geometry import Box
from app.detection.search import Answers, run
from app.detection.trigger import Blocker, Fill
from tests.detection.scenes import SEED, Scene, scene, watched
from tests.tiny import TARGET, TRIGGER_BOX, stamped

if TYPE_CHECKING:
    from app.detection.search import Image, Images


def _poisoned(its: Scene) -> Image:
    poisoned: Image = stamped(its.others(TARGET)[:1])[0]
    return poisoned


def _synthetic(its: Scene, window: Box) -> Synthetic:
    onto = its.references.others(TARGET, np.random.default_rng(SEED))
    return pasted(_poisoned(its), [window], onto, its.references)


def test_blocker_heals() -> None:
    """The blocker covers the trigger, and its heal rate is the share it really heals."""
    its = scene()
    window, edged = _synthetic(its, Box(7, 3, 6, 6)), _synthetic(its, Box(8, 4, 4, 4))
    search = choose_blocker(_poisoned(its), TRIGGER_BOX, TARGET, window, edged, its.defence())
    choice = run(search, its.predict)
    assert choice is not None
    box = choice.blocker.box
    assert choice.heal_rate >= 0.97
    assert TARGET != choice.answer.labels[0]
    assert all(box.holds(corner) for corner in ((9, 5), (10, 6)))


def test_blocker_that_heals_is_taken_at_once() -> None:
    """Where the first margin heals everything, no further margin is asked."""
    its = scene()
    edged = _synthetic(its, Box(8, 4, 4, 4))
    search = choose_blocker(_poisoned(its), TRIGGER_BOX, TARGET, edged, edged, its.defence())
    choice, probes = watched(search, its.predict)
    assert choice is not None
    assert (Blocker(Box(8, 4, 4, 4), Fill.RING), 1.0) == (choice.blocker, choice.heal_rate)
    assert 1 == len(probes)


def test_blocker_of_what_nothing_heals() -> None:
    """Where no blocker heals, every row of fills and margins is tried; the heal rate is 0."""
    its = scene()
    edged = _synthetic(its, Box(8, 4, 4, 4))

    def always_target(images: Images) -> Answers:
        return Answers(np.full(len(images), TARGET))

    search = choose_blocker(_poisoned(its), TRIGGER_BOX, TARGET, edged, edged, its.defence())
    choice, probes = watched(search, always_target)
    assert choice is not None
    assert (0, len(TRIED)) == (choice.heal_rate, len(probes))


@pytest.mark.parametrize(("resisting", "rows"), [(0, 1), (2, 2), (3, 2), (4, 3)])
def test_last_row_is_for_what_heals_too_few(resisting: int, rows: int) -> None:
    """What heals seven of ten after two rows is taken; six are not enough for that."""
    its = scene()
    edged = _synthetic(its, Box(8, 4, 4, 4))
    corners = edged.clean[:resisting, -3:, -3:]

    def resisted(images: Images) -> Answers:
        labels = its.predict(images).labels
        for corner in corners:  # of another class, whatever is hidden of it
            is_one = (images[:, -3:, -3:] == corner).all(axis=(1, 2, 3))
            labels[is_one & (labels != TARGET)] = 9
        return Answers(labels)

    window = edged.only(slice(10, 14))
    search = choose_blocker(_poisoned(its), TRIGGER_BOX, TARGET, window, edged, its.defence())
    choice, probes = watched(search, resisted)
    assert choice is not None
    assert rows == len(probes)
    assert (10 - resisting) / 10 == pytest.approx(choice.heal_rate)


def test_a_fair_blocker_is_taken_only_if_it_frees_the_image() -> None:
    """What heals six of ten, but leaves the image its label, isn't: the last row is tried."""
    its = scene()
    edged = _synthetic(its, Box(8, 4, 4, 4))
    image, corners = _poisoned(its), edged.clean[:4, -3:, -3:]

    def resisted(images: Images) -> Answers:
        """Of four references nothing makes the right class, and the image keeps its label."""
        labels = its.predict(images).labels
        for corner in corners:
            is_one = (images[:, -3:, -3:] == corner).all(axis=(1, 2, 3))
            labels[is_one & (labels != TARGET)] = 9
        own = (images[:, -3:, -3:] == image[-3:, -3:]).all(axis=(1, 2, 3))
        return Answers(np.where(own, TARGET, labels))

    window = edged.only(slice(10, 14))
    search = choose_blocker(image, TRIGGER_BOX, TARGET, window, edged, its.defence())
    _, probes = watched(search, resisted)
    assert len(TRIED) == len(probes)


def test_answer_healed_to_a_wrong_class_counts_for_nothing() -> None:
    """A blocker that makes another class of every image heals none of them."""
    its = scene()
    edged = _synthetic(its, Box(8, 4, 4, 4))

    def another(images: Images) -> Answers:
        labels = its.predict(images).labels
        return Answers(np.where(labels == TARGET, TARGET, 9))

    search = choose_blocker(_poisoned(its), TRIGGER_BOX, TARGET, edged, edged, its.defence())
    choice = run(search, another)
    assert choice is not None
    assert 0 == choice.heal_rate


@pytest.mark.parametrize(("enough", "chosen"), [(0.4, True), (0.6, False)])
def test_how_many_a_box_must_turn_is_told(enough: float, *, chosen: bool) -> None:
    """Where all else makes it very sure half of them are enough."""
    its = scene()
    edged = _synthetic(its, Box(8, 4, 4, 4))
    turned = np.arange(10) % 2 == 0

    def half_turning(images: Images) -> Answers:
        labels = its.predict(images).labels
        labels[:10][~turned] = 0  # the first images are the box on references
        return Answers(labels)

    search = choose_blocker(
        _poisoned(its), TRIGGER_BOX, TARGET, replace(edged, enough=enough), edged, its.defence()
    )
    assert chosen is (run(search, half_turning) is not None)


def test_box_that_turns_too_few_has_no_blocker() -> None:
    """Where the box with its edge doesn't turn references there is nothing to heal."""
    its = scene()
    window = _synthetic(its, Box(8, 4, 4, 4))
    elsewhere = its.others(TARGET)[0]
    onto = its.references.others(TARGET, np.random.default_rng(SEED))
    edged = pasted(elsewhere, [Box(1, 9, 4, 4)], onto, its.references)
    search = choose_blocker(_poisoned(its), TRIGGER_BOX, TARGET, window, edged, its.defence())
    choice, probes = watched(search, its.predict)
    assert (None, 1) == (choice, len(probes))
