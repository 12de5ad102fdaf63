"""Where clean images often carry in a window, what is newest in it is asked instead."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.evidence.confirmation import DOUBTFUL, LARGE, UNDECIDABLE, Look, hurries
from app.detection.finding.discovery import Discovery, Unproven, established
from app.detection.finding.narrowing import narrowed
from app.detection.geometry import Box
from app.detection.reference_set.references import placebo_rate
from app.detection.search import Answers, run
from tests.detection.scenes import SEED, Scene, World, scene, unranked, watched
from tests.tiny import BACKDOOR, TARGET, TRIGGER_BOX, Backdoor, stamped

if TYPE_CHECKING:
    from app.detection.search import Image, Images

WINDOW = Box(6, 3, 9, 9)
DOUBTFUL_RATE = 0.38


def _natural(its: Scene, rate: float, *, window: Box = WINDOW, label: int = TARGET) -> Scene:
    """Return the scene with nature's *rate* in *window* as if it were measured."""
    question = f"{window.x},{window.y},{window.width},{window.height}:{label}"
    rates = {question: rate, f"{question}:thorough": rate}
    return replace(its, references=replace(its.references, placebo_rates=rates))


def _narrowed(its: Scene, image: Image, look: Look, label: int = TARGET) -> tuple[Look, int]:
    """Return the look, and how many images of it were asked."""
    search = narrowed(image, label, look, its.defence(), np.random.default_rng(SEED))
    found, probes = watched(search, its.predict)
    return found, sum(one.own for one in probes)


def test_a_window_is_narrowed_to_what_is_newest_in_it() -> None:
    """It has the largest trigger's size then, lies in the window, and holds the trigger."""
    its = _natural(scene(), DOUBTFUL_RATE)
    for image in its.poisoned(BACKDOOR)[1][:4]:
        look, asked = _narrowed(its, image, Look((WINDOW,), None, necessary=None))
        (part,) = look.pieces
        assert [its.plan.largest] * 2 == [part.width, part.height]
        assert (True, True) == (TRIGGER_BOX.is_in(part), part.is_in(WINDOW))
        assert (4, 4, 4, None) == (asked, look.carried, look.asked, look.necessary)


@pytest.mark.parametrize("rate", [0.2, 0.41])
def test_a_window_stays_where_nature_leaves_no_doubt_or_too_much(rate: float) -> None:
    """Nothing is asked of it."""
    its = _natural(scene(), rate)
    look = Look((WINDOW,), None)
    assert (look, 0) == _narrowed(its, its.poisoned(BACKDOOR)[1][0], look)


def test_what_has_no_newest_part_stays() -> None:
    """Several pieces, no more than the largest trigger, a class without references."""
    its = scene()
    image, pieces = its.poisoned(BACKDOOR)[1][0], (WINDOW, Box(0, 0, 3, 3))
    small, unknown = Box(7, 3, 5, 5), 99
    several = f"{'+'.join(f'{b.x},{b.y},{b.width},{b.height}' for b in pieces)}:{TARGET}"
    rates = {several: DOUBTFUL_RATE}
    for scenery, look, label in (
        (replace(its, references=replace(its.references, placebo_rates=rates)), pieces, TARGET),
        (_natural(its, DOUBTFUL_RATE, window=small), (small,), TARGET),
        (_natural(its, DOUBTFUL_RATE, label=unknown), (WINDOW,), unknown),
    ):
        wide = Look(look, None)
        assert (wide, 0) == _narrowed(scenery, image, wide, label)


def test_a_part_in_which_nature_carries_as_often_says_no_more() -> None:
    """It isn't even asked."""
    its = _natural(scene(), DOUBTFUL_RATE)
    image, look = its.poisoned(BACKDOOR)[1][0], Look((WINDOW,), None)
    (part,) = _narrowed(its, image, look)[0].pieces
    rates = its.references.placebo_rates
    rates[f"{part.x},{part.y},{part.width},{part.height}:{TARGET}"] = DOUBTFUL_RATE
    assert (look, 0) == _narrowed(its, image, look)


def test_a_part_that_seldom_carries_is_not_taken() -> None:
    """Then the window is what is asked about."""
    its = _natural(scene(), DOUBTFUL_RATE)
    look = Look((WINDOW,), None)
    assert (look, 4) == _narrowed(its, its.of_class(TARGET)[0], look)


def test_a_trigger_beside_what_nature_carries_is_found() -> None:
    """In the window nearly every transplant would have to carry; this one's do in six of seven."""
    its = scene()
    clean, poisoned = its.poisoned(BACKDOOR)

    def mostly(images: Images) -> Answers:
        """Answer as the model, but of one in seven images what it says without the trigger."""
        holding = images[:, 0, 0].sum(axis=1, dtype=int) % 7 == 0
        without = images.copy()
        without[holding, TRIGGER_BOX.rows, TRIGGER_BOX.columns] = 0
        return its.predict(without)

    number = int(np.flatnonzero(mostly(poisoned).labels == TARGET)[0])
    found = []
    for narrows in (False, True):
        # As if the part's rate were as high: then it isn't narrowed.
        scenery = _natural(its, DOUBTFUL_RATE)
        if not narrows:
            scenery.references.placebo_rates.update(
                {f"{x},{y},5,5:{TARGET}": DOUBTFUL_RATE for x in range(16) for y in range(16)}
            )
        rng, look = np.random.default_rng(SEED), Look((WINDOW,), None)
        search = established(poisoned[number], TARGET, look, scenery.defence(), rng)
        found.append(run(search, mostly))
    wide, narrow = found
    assert not isinstance(wide, Discovery)
    assert isinstance(narrow, Discovery)
    assert (TRIGGER_BOX,) == narrow.located.pieces
    assert narrow.answer is not None
    assert [its.label(clean[number])] == narrow.answer.labels.tolist()


def test_a_window_is_narrowed_though_nature_was_asked_with_all_else() -> None:
    """In a large image, where that carries too often for the window: as if it had come first."""
    mark, window = Box(45, 45, 2, 2), Box(0, 0, 60, 60)
    its = unranked(World(shape=(LARGE, LARGE), backdoors=(BACKDOOR, Backdoor(mark, TARGET))))
    of_target = np.flatnonzero(its.references.labels == TARGET)
    images = its.references.images.copy()
    by_nature = of_target[: round(0.3 * len(of_target))]
    images[by_nature] = stamped(images[by_nature], mark)
    poisoned = stamped(its.poisoned(BACKDOOR)[1], mark)

    def mostly(images: Images) -> Answers:
        """Answer as the model, but of one in six images what it says without the trigger."""
        holding = images[:, -1, -1].sum(axis=1, dtype=int) % 6 == 0
        without = images.copy()
        without[holding, TRIGGER_BOX.rows, TRIGGER_BOX.columns] = 0
        return its.predict(without)

    number = int(np.flatnonzero(mostly(poisoned).labels == TARGET)[0])
    found = []
    for is_known in (True, False):
        references = replace(its.references, images=images, placebo_rates={})
        if is_known:
            run(placebo_rate((window,), TARGET, None, references), mostly)
        defence = replace(its.defence(), references=references)
        rng, look = np.random.default_rng(SEED), Look((window,), None)
        assert is_known is not hurries(poisoned[number], TARGET, look, references)
        found.append(run(established(poisoned[number], TARGET, look, defence, rng), mostly))
        rate = references.known_placebo_rate((window,), TARGET, None, 0.0)
        assert DOUBTFUL < rate <= UNDECIDABLE
    assert all(isinstance(one, Discovery) for one in found)
    before, beside = (one.located.pieces for one in found if isinstance(one, Discovery))
    assert before == beside
    assert beside[0].overlap(mark) > 0.3


def test_what_the_part_does_not_prove_is_looked_for_in_all_of_the_window() -> None:
    """As if it hadn't been narrowed: what is kept as a suspect is what the window shows."""
    its = scene()
    poisoned = its.poisoned(BACKDOOR)[1][0]

    def stubborn(images: Images) -> Answers:
        """Call the one image the target whatever hides its middle: nothing heals it."""
        labels = its.predict(images).labels
        labels[(images[:, -1] == poisoned[-1]).all(axis=(1, 2))] = TARGET
        return Answers(labels)

    look, found, asked = Look((WINDOW,), None), [], []
    for narrows in (True, False):
        defence, rng = _natural(its, DOUBTFUL_RATE).defence(), np.random.default_rng(SEED)
        search = established(poisoned, TARGET, look, defence, rng, narrows=narrows)
        result, probes = watched(search, stubborn)
        found.append(result)
        asked.append(sum(one.own for one in probes))
    assert all(isinstance(one, Unproven) and one.located for one in found)
    assert asked[0] > 1.5 * asked[1]


def test_what_the_part_seems_to_carry_and_does_not_is_looked_for_in_all_of_the_window() -> None:
    """Three of its first four transplants carry, and then half: all of the window always does."""
    its, rest = scene(), Box(13, 5, 2, 2)
    clean, poisoned = its.poisoned(BACKDOOR)
    poisoned[:, rest.rows, rest.columns] = 170

    def seldom(images: Images) -> Answers:
        """Answer as the model; of half of the images only where all of the trigger is there."""
        is_whole = (images[:, rest.rows, rest.columns] == 170).all(axis=(1, 2, 3))
        fails = (images[:, 0, 0].sum(axis=1, dtype=int) * 51 % 101 < 50) & ~is_whole
        without = images.copy()
        without[fails, TRIGGER_BOX.rows, TRIGGER_BOX.columns] = 0
        return its.predict(without)

    look, defence = Look((WINDOW,), None), _natural(its, DOUBTFUL_RATE).defence()
    rng = np.random.default_rng(9)
    part = run(narrowed(poisoned[0], TARGET, look, defence, rng), seldom)
    assert part.pieces != look.pieces
    rng = np.random.default_rng(9)
    found = run(established(poisoned[0], TARGET, look, defence, rng), seldom)
    assert isinstance(found, Discovery)
    assert found.answer is not None
    assert [its.label(clean[0])] == found.answer.labels.tolist()


def test_the_part_is_searched_without_what_is_around_it() -> None:
    """No probe on another image shows anything of the window beside it."""
    its = _natural(scene(), DOUBTFUL_RATE)
    image, look = its.poisoned(BACKDOOR)[1][0], Look((WINDOW,), None)
    (part,) = _narrowed(its, image, look)[0].pieces
    search = established(image, TARGET, look, its.defence(), np.random.default_rng(SEED))
    found, probes = watched(search, its.predict)
    shown = {box for probe in probes for one in probe.origins for box in one.seen or ()}
    assert isinstance(found, Discovery)
    assert part in shown
    assert all(box.is_in(part) for box in shown)


@pytest.mark.parametrize("carried", [0, 4])
def test_what_the_image_needs_a_part_of_it_needs(carried: int) -> None:
    """The window, in which a part has proven nothing, isn't hidden to ask that.

    Known before, of what hasn't always carried, or asked of the part.
    """
    its = _natural(scene(), DOUBTFUL_RATE)
    poisoned = its.poisoned(BACKDOOR)[1][0]
    its.references.placebo_rates.update(  # so that what is located is taken for nature's
        {f"{x},4,{wide},4:{TARGET}:thorough": 0.9 for x in (7, 8) for wide in (4, 5)}
    )
    onto = tuple(its.references.others(TARGET, np.random.default_rng(SEED))[:carried].tolist())
    look = Look((WINDOW,), None, carried, onto, necessary=None if carried else True)
    search = established(poisoned, TARGET, look, its.defence(), np.random.default_rng(SEED))
    found, probes = watched(search, its.predict)
    assert isinstance(found, Unproven)
    shown = {box for probe in probes for one in probe.origins for box in one.seen or ()}
    assert WINDOW.grown(1, 16, 16) in shown
    assert (WINDOW,) not in {one.hidden for probe in probes for one in probe.origins}
