"""What clean images say of a place where something carries."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.detection.evidence.confirmation import Look, Transplants, is_very_new
from app.detection.evidence.nature import STRANGE, Nature, nature_at
from app.detection.search import Answers, run
from tests.detection.kinds import MARK
from tests.detection.scenes import World, scene
from tests.tiny import BACKDOOR, TARGET, TRIGGER_BOX

UNASKED, EACH = Transplants(0, 0, 0.0), Transplants(20, 20, 0.0)


@pytest.mark.parametrize(
    ("rate", "novelty", "one_class", "over_general", "others", "expected"),
    [
        (0.11, 1.0, False, False, 9.0, True),
        (0.11, 1.0, False, False, 8.0, False),  # all that there is must make it likely
        (0.09, 1.0, False, False, 4.5, True),  # less where clean images hardly carry
        (0.09, 1.0, False, False, 4.0, False),
        (0.1, 1.0, False, False, 5.5, False),  # as of four images, none of which does
        (0.6, 9.0, False, False, 20.0, False),  # clean images carry, however new it is
        (0.1, 1.0, True, False, 0.0, False),  # of one class it must be rare or new
        (0.01, 1.1, True, False, 2.0, True),
        (0.01, 1.1, True, False, 1.0, False),  # and all that there is as likely as of every class
        (0.1, 2.0, True, False, 5.5, True),
        (0.39, 2.2, True, False, 3.6, False),  # a thick stroke that carried in 21 of 28
        (0.02, 0.4, True, False, 13.0, True),  # or else all the rest must make it sure
        (0.02, 0.4, True, False, 11.0, False),
        (0.9, 9.0, True, True, 0.0, True),  # any content opens the place
    ],
)
def test_nature_is_excluded(  # noqa: PLR0913, PLR0917  # a row of the table
    rate: float,
    novelty: float,
    one_class: bool,  # noqa: FBT001
    over_general: bool,  # noqa: FBT001
    others: float,
    expected: bool,  # noqa: FBT001
) -> None:
    """By how often clean images carry there; of one class by all the evidence there is."""
    assert expected is Nature(rate, novelty, one_class, over_general, others).excluded


@pytest.mark.parametrize(
    ("rate", "others", "expected"),
    [
        (0.09, 4.5, False),  # enough if it were measured on the class itself
        (0.09, 8.5, True),
        (0.11, 9.0, False),
        (0.11, 14.0, True),
    ],
)
def test_an_assumed_rate_asks_for_more(rate: float, others: float, *, expected: bool) -> None:
    """Clean images of a class that hardly is known may carry more often than other classes'."""
    nature = Nature(rate, 1.0, one_class=False, over_general=False, others=others, assumed=True)
    assert expected is nature.excluded


@pytest.mark.parametrize(
    ("rate", "over_general", "expected"),
    [(0.1, False, True), (0.5, False, False), (0.9, True, True)],
)
def test_healing_exceeds_nature(rate: float, *, over_general: bool, expected: bool) -> None:
    """Hiding a part by which a class is told heals little; the rate may say nothing."""
    nature = Nature(rate, 2.0, one_class=False, over_general=over_general)
    assert expected is nature.is_exceeded(0.8)


def test_nature_at_a_trigger() -> None:
    """Where a trigger lies clean images hardly carry, and it is new."""
    its = scene()
    image = its.poisoned(BACKDOOR)[1][0]
    look = Look((TRIGGER_BOX,), None)
    edged = [its.plan.edged(TRIGGER_BOX)]
    nature = run(nature_at(edged, image, TARGET, look, EACH, its.references), its.predict)
    assert nature.excluded
    assert (True, True) == (nature.rate <= 0.1, nature.novelty > 1.25)
    assert (False, False) == (nature.one_class, nature.over_general)


def test_nature_at_a_mark() -> None:
    """By the mark of a class its clean images carry: nature isn't excluded, whatever carried."""
    its = scene(World(backdoors=(), marks=(MARK,)))
    image = its.of_class(MARK.label)[0]
    look = Look((MARK.box,), MARK.source)
    edged = [its.plan.edged(MARK.box)]
    nature = run(nature_at(edged, image, MARK.label, look, EACH, its.references), its.predict)
    assert not nature.excluded
    assert nature.one_class


def test_place_that_anything_opens() -> None:
    """Where clean images carry because any content does, a very new part is over-general."""
    its = scene()
    image = its.poisoned(BACKDOOR)[1][0]
    fresh = replace(its.references, placebo_rates={})
    look, edged = Look((TRIGGER_BOX,), None), [its.plan.edged(TRIGGER_BOX)]
    search = nature_at(edged, image, TARGET, look, UNASKED, fresh)
    nature = run(search, lambda images: Answers(np.full(len(images), TARGET)))
    assert nature.rate > 0.9
    assert nature.over_general
    assert nature.excluded


def test_place_that_anything_opens_is_not_told_by_what_is_hardly_new() -> None:
    """Any stroke makes a 1 a 7, one of third classes too: what is shown must be like nothing there.

    However different it is from what its own class shows.
    """
    its = scene()
    clean, poisoned = (images[0] for images in its.poisoned(BACKDOOR))
    image = np.rint(0.9 * clean + 0.1 * poisoned).astype(np.uint8)
    fresh = replace(its.references, placebo_rates={})
    look, edged = Look((TRIGGER_BOX,), None), [its.plan.edged(TRIGGER_BOX)]
    assert is_very_new(image, TARGET, look, fresh)
    search = nature_at(edged, image, TARGET, look, UNASKED, fresh)
    nature = run(search, lambda images: Answers(np.full(len(images), TARGET)))
    assert 1.25 < nature.novelty < STRANGE
    assert (False, False) == (nature.over_general, nature.excluded)


def test_few_images_of_a_class_say_little_of_nature() -> None:
    """However often they are asked: a part that doesn't carry once never does."""
    its = scene()
    image = its.poisoned(BACKDOOR)[1][0]
    look, edged = Look((TRIGGER_BOX,), None), [its.plan.edged(TRIGGER_BOX)]
    its_own = np.flatnonzero(its.references.labels == TARGET)
    rates = []
    for count in (5, len(its_own)):
        kept = np.sort(
            np.concatenate([np.flatnonzero(its.references.labels != TARGET), its_own[:count]])
        )
        calibration = replace(its.references.calibration, labels=its.references.labels[kept])
        few = replace(
            its.references,
            images=its.references.images[kept],
            calibration=calibration,
            placebo_rates={},
        )
        rates.append(run(nature_at(edged, image, TARGET, look, UNASKED, few), its.predict).rate)
    assert pytest.approx(0.5 / 6) == rates[0]
    assert rates[1] < rates[0]


def test_what_other_classes_say_of_one_must_be_more_than_likely() -> None:
    """A sum that excludes a rate of the class itself leaves a doubt of one that is assumed."""
    for assumed, others, excluded in ((False, 9.5, True), (True, 9.5, False), (True, 11.0, True)):
        its = Nature(0.27, 2.2, one_class=False, over_general=False, others=others, assumed=assumed)
        assert excluded is its.excluded
