"""What makes pieces that carry a trigger."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.evidence.confirmation import LARGE, TOGETHER, Look
from app.detection.evidence.weighing import NECESSARY, VERY_SURE, of_carrying, total
from app.detection.finding.discovery import Discovery, Unproven, established
from app.detection.finding.synthetic import PASTED
from app.detection.geometry import Box
from app.detection.images import WAYS
from app.detection.reference_set.references import PLACEBO_SIZES, THOROUGH_SIZES
from app.detection.search import Answers, run
from app.detection.trigger import Sign
from tests.detection.kinds import KINDS, MARK, TWO_PIECES
from tests.detection.scenes import SEED, Scene, World, scene, unranked, watched
from tests.tiny import BACKDOOR, TARGET, TRIGGER_BOX, Backdoor

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.detection.search import Image, Images, Search

WINDOW = Box(7, 3, 6, 6)


def _established(
    its: Scene, image: Image, look: Look, label: int = TARGET
) -> Search[Discovery | None]:
    found = yield from established(image, label, look, its.defence(), np.random.default_rng(SEED))
    return found if isinstance(found, Discovery) else None


@pytest.mark.parametrize("source", [None, 0])
def test_window_becomes_the_trigger(source: int | None) -> None:
    """From a window that carries to the exact box, its pixels, and the image's right answer."""
    backdoor = replace(BACKDOOR, source=source)
    its = scene(World(backdoors=(backdoor,)))
    clean, poisoned = its.poisoned(backdoor)
    found = run(_established(its, poisoned[0], Look((WINDOW,), source)), its.predict)
    assert found is not None
    trigger = found.trigger(draw=SEED, probes=300)
    assert found.answer is not None
    assert (TRIGGER_BOX, (), None) == (trigger.box, trigger.pieces, trigger.mask)
    assert (TARGET, source, 16, 16) == (
        trigger.target,
        trigger.source,
        trigger.image_height,
        trigger.image_width,
    )
    assert [its.label(clean[0])] == found.answer.labels.tolist()
    assert (SEED, 300) == (trigger.evidence.seed, trigger.evidence.probes)


@pytest.mark.parametrize("draw", [8, 5, 4, 2, 0])
def test_little_more_than_half_turned_is_enough_of_what_is_very_new(draw: int) -> None:
    """To be confirmed, looked for in the window, healed, and that without a sum that is very sure.

    One draw each.
    """
    its = scene(World(backdoors=(BACKDOOR,)))
    clean, poisoned = its.poisoned(BACKDOOR)

    def often(images: Images) -> Answers:
        """Answer as the model, but of four in nine images what it says without the trigger."""
        holding = images[:, 0, 0].sum(axis=1, dtype=int) % 9 < 4
        without = images.copy()
        without[:, TRIGGER_BOX.rows, TRIGGER_BOX.columns] = 0
        labels = its.predict(images).labels
        return Answers(np.where(holding & (labels == TARGET), its.predict(without).labels, labels))

    number = int(np.flatnonzero(often(poisoned).labels == TARGET)[0])
    rng, look = np.random.default_rng(draw), Look((WINDOW,), None)
    found = run(established(poisoned[number], TARGET, look, its.defence(), rng), often)
    assert isinstance(found, Discovery)
    assert TRIGGER_BOX == found.located.pieces[0]
    assert found.answer is not None
    assert [its.label(clean[number])] == found.answer.labels.tolist()


def test_little_more_than_half_turned_is_enough_in_a_large_image() -> None:
    """Also of what is tried before it is known what nature does there. One draw."""
    its = unranked(World(shape=(LARGE, LARGE)))
    poisoned = its.poisoned(BACKDOOR)[1]

    def often(images: Images) -> Answers:
        """Answer as the model, but of four in nine images what it says without the trigger."""
        holding = images[:, 0, 0].sum(axis=1, dtype=int) % 9 < 4
        without = images.copy()
        without[holding, TRIGGER_BOX.rows, TRIGGER_BOX.columns] = 0
        return its.predict(without)

    number = int(np.flatnonzero(often(poisoned).labels == TARGET)[0])
    rng, look = np.random.default_rng(11), Look((WINDOW,), None)
    found = run(established(poisoned[number], TARGET, look, its.defence(), rng), often)
    assert isinstance(found, Discovery)
    assert TRIGGER_BOX.is_in(found.located.pieces[0])


@pytest.mark.parametrize("draw", [9, 34])
def test_a_box_that_turns_half_is_enough_where_nature_hardly_carries(draw: int) -> None:
    """What isn't new, and of which all else doesn't make it very sure. One draw each."""
    its = scene(World(backdoors=(BACKDOOR,)))
    clean, poisoned = its.poisoned(BACKDOOR)

    def often(images: Images) -> Answers:
        """Answer as the model, but of three in ten images what it says without the trigger."""
        holding = images[:, 0, 0].sum(axis=1, dtype=int) % 10 < 3
        without = images.copy()
        without[holding, TRIGGER_BOX.rows, TRIGGER_BOX.columns] = 0
        return its.predict(without)

    number = int(np.flatnonzero(often(poisoned).labels == TARGET)[0])
    images = its.references.images.copy()
    images[its.references.labels == 3, TRIGGER_BOX.rows, TRIGGER_BOX.columns] = 255
    usual = {TARGET: np.full((15, 15), 100, np.float32)}
    references = replace(its.references, images=images, usual_distances=usual)
    rng, look = np.random.default_rng(draw), Look((WINDOW,), None)
    defence = replace(its.defence(), references=references)
    found = run(established(poisoned[number], TARGET, look, defence, rng), often)
    assert isinstance(found, Discovery)
    assert found.located.nature.is_seldom
    assert total(found.terms) < VERY_SURE
    assert TRIGGER_BOX == found.located.pieces[0]
    assert found.answer is not None
    assert [its.label(clean[number])] == found.answer.labels.tolist()


def test_what_has_always_carried_is_hidden_beside_its_confirmation() -> None:
    """Whether the image needs it is asked in the same rounds as if that were known."""
    its = scene()
    poisoned = its.poisoned(BACKDOOR)[1][0]
    onto = tuple(its.references.others(TARGET, np.random.default_rng(SEED))[:4].tolist())
    known = Look((WINDOW,), None, carried=4, onto=onto)
    unknown = replace(known, necessary=None)
    (_, once), (found, beside) = (
        watched(_established(its, poisoned, look), its.predict) for look in (known, unknown)
    )
    assert found is not None
    assert found.trigger(draw=SEED, probes=0).evidence.necessary
    rounds = [[one.own for one in probes if one.own] for probes in (once, beside)]
    more = Counter(b - a for a, b in zip(*rounds, strict=True))
    assert {len(WAYS): 1, 0: len(rounds[0]) - 1} == more


@pytest.mark.parametrize("likely", [False, True])
def test_what_is_new_in_a_large_image_waits_for_nothing(*, likely: bool) -> None:
    """Beside nature in the window all else is asked, beside nature at the box what hides it.

    Once nature's rates are known no round less is taken where all have carried, and the same found.
    """
    its = unranked(World(shape=(LARGE, LARGE)))
    poisoned = its.poisoned(BACKDOOR)[1][0]
    onto = tuple(its.references.others(TARGET, np.random.default_rng(SEED))[:4].tolist())
    look = Look((WINDOW,), None)
    if likely:
        look = replace(look, carried=4, onto=onto, necessary=None)
    (found, hurried), (again, known) = (
        watched(_established(its, poisoned, look), its.predict) for _ in range(2)
    )
    assert found is not None
    assert again is not None
    assert (found.located.pieces, found.terms) == (again.located.pieces, again.terms)
    own = 2 * TOGETHER + PASTED + len(WAYS) * likely
    assert [(own, sum(PLACEBO_SIZES))] == [(one.own, one.for_all) for one in hurried[:1]]
    assert [0] * (len(hurried) - 2) + [sum(THOROUGH_SIZES)] == [one.for_all for one in hurried[1:]]
    assert hurried[-1].own
    assert [one.own for one in hurried[likely ^ True :]] == [
        one.own for one in known[2 * (likely ^ True) :]
    ]


@pytest.mark.parametrize(("of", "heals"), [(99, True), (3, False)])
def test_what_healing_could_not_make_sure_is_not_healed(of: int, *, heals: bool) -> None:
    """What the image doesn't need: once nature has been asked no more is, if it hardly carries."""
    its = scene()
    poisoned = its.poisoned(BACKDOOR)[1][0]
    stubborn = _stubborn(its, poisoned)

    def mostly(images: Images) -> Answers:
        """Of one in so many images say what they are without the trigger."""
        holding = images[:, 0, 0].sum(axis=1, dtype=int) % of == 0
        without = images.copy()
        without[holding, TRIGGER_BOX.rows, TRIGGER_BOX.columns] = 0
        return stubborn(without)

    onto = tuple(its.references.others(TARGET, np.random.default_rng(SEED))[:4].tolist())
    look = Look((WINDOW,), None, carried=4, onto=onto, necessary=None)
    its.references.placebo_rates[f"7,3,6,6:{TARGET}"] = 0.2
    search = established(poisoned, TARGET, look, its.defence(), np.random.default_rng(SEED))
    found, probes = watched(search, mostly)
    assert isinstance(found, Unproven)
    assert found.located
    assert heals is bool(probes[-1].own)


def test_what_is_not_needed_and_does_not_always_carry_ends_first() -> None:
    """It is hidden before anything else is asked; nothing is left of it, not even a suspect."""
    its = scene()
    clean = its.of_class(TARGET)[0]  # it is of that class for another reason
    look = Look((WINDOW,), None, carried=3, onto=(0, 1, 2, 3), necessary=None)
    search = established(clean, TARGET, look, its.defence(), np.random.default_rng(SEED))
    found, probes = watched(search, its.predict)
    assert found is None
    assert [len(WAYS)] == [len(probe) for probe in probes]


def test_a_loose_box_has_an_outline() -> None:
    """Of what stands out in it, by the image itself: a box may hold more than the trigger."""
    its = scene(World(backdoors=(BACKDOOR,)))
    _, poisoned = its.poisoned(BACKDOOR)
    found = run(_established(its, poisoned[0], Look((WINDOW,), None)), its.predict)
    assert found is not None
    loose = replace(found, located=replace(found.located, pieces=(TRIGGER_BOX.grown(1, 16, 16),)))
    trigger = loose.trigger(draw=SEED, probes=300)
    assert trigger.outline is not None
    assert TRIGGER_BOX.area == trigger.outline.sum() == trigger.outline[1:-1, 1:-1].sum()


def test_the_evidence_says_of_what_its_sum_consists() -> None:
    """Each term says what it was measured on, and what the image didn't need weighs less."""
    its = scene(World(backdoors=(BACKDOOR,)))
    _, poisoned = its.poisoned(BACKDOOR)
    found = run(_established(its, poisoned[0], Look((WINDOW,), None)), its.predict)
    assert found is not None
    evidence = found.trigger(draw=SEED, probes=300).evidence
    assert [Sign.CARRYING, Sign.NATURE, Sign.BLOCKING] == [one.sign for one in evidence.terms]
    carrying, _, blocking = evidence.terms
    said = f"{evidence.carried} of {evidence.transplants} transplants carried"
    assert carrying.seen.startswith(said)
    assert of_carrying(evidence.carried, evidence.transplants, evidence.placebo) == carrying.weight
    assert ("without it and what is around it the image loses its class", NECESSARY[-1]) == (
        blocking.seen,
        blocking.weight,
    )


def test_two_windows_become_one_trigger_of_two_pieces() -> None:
    """Its box is around both, its mask says where they are, and blocking one of them heals."""
    its = scene(KINDS["two pieces"])
    clean, poisoned = its.poisoned(TWO_PIECES)
    windows = (Box(0, 0, 5, 5), Box(11, 11, 5, 5))
    found = run(_established(its, poisoned[0], Look(windows, None)), its.predict)
    assert found is not None
    trigger = found.trigger(draw=SEED, probes=300)
    assert found.answer is not None
    assert TWO_PIECES.boxes == trigger.pieces
    assert Box(0, 0, 16, 16) == trigger.box
    expected = np.zeros((16, 16), bool)
    expected[:2, :2] = expected[14:, 14:] = True
    assert trigger.mask is not None
    assert np.array_equal(expected, trigger.mask)
    assert [its.label(clean[0])] == found.answer.labels.tolist()


@pytest.mark.parametrize("source", [None, 0])
def test_what_nature_carries_too_is_no_trigger(source: int | None) -> None:
    """The mark by which a class is told carries, and is needed: clean images have it as well."""
    mark = replace(MARK, source=source)
    its = scene(World(backdoors=(), marks=(mark,)))
    for image in its.of_class(mark.label)[:4]:
        search = _established(its, image, Look((mark.box,), source), mark.label)
        assert run(search, its.predict) is None


def test_part_that_is_not_new_is_a_trigger_of_one_class() -> None:
    """Where clean images of its target never carry, though those of another class show it."""
    its = scene(KINDS["one class"])
    poisoned = its.poisoned(KINDS["one class"].backdoors[0])[1][0]
    images = its.references.images.copy()
    shown = its.references.labels == 3
    images[shown, TRIGGER_BOX.rows, TRIGGER_BOX.columns] = 255
    usual = replace(its, references=replace(its.references, images=images))
    assert {3} == set(its.predict(images[shown]).labels.tolist())
    found = run(_established(usual, poisoned, Look((WINDOW,), 0)), its.predict)
    assert found is not None
    assert found.located.nature.novelty < 0.5


def test_box_larger_than_the_largest_trigger_is_none() -> None:
    """A trigger that turns out larger than what is looked for isn't believed."""
    large = Backdoor(Box(5, 4, 6, 6), TARGET)
    found = []
    for trigger_max in (0.2, 0.4):
        its = scene(World(backdoors=(large,), trigger_max=trigger_max))
        search = _established(its, its.poisoned(large)[1][0], Look((Box(3, 2, 10, 10),), None))
        found.append(run(search, its.predict) is not None)
    assert [False, True] == found


def _stubborn(its: Scene, poisoned: Image) -> Callable[[Images], Answers]:
    """Return a model that calls the one image the target whatever is done to its middle."""

    def answered(images: Images) -> Answers:
        labels = its.predict(images).labels
        labels[(images[:, -1] == poisoned[-1]).all(axis=(1, 2))] = TARGET
        return Answers(labels)

    return answered


def test_what_nothing_heals_is_no_trigger() -> None:
    """If the image keeps its label whatever hides the box there is no right answer to give."""
    its = scene()
    poisoned = its.poisoned(BACKDOOR)[1][0]

    stubborn = _stubborn(its, poisoned)
    look = Look((TRIGGER_BOX,), None)
    assert run(_established(its, poisoned, look), its.predict) is not None
    assert run(_established(its, poisoned, look), stubborn) is None


@pytest.mark.parametrize(("necessary", "hides"), [(True, False), (False, True)])
def test_other_places_are_hidden_only_where_the_trigger_is_not_needed(
    *, necessary: bool, hides: bool
) -> None:
    """What the image needs is no copy: if nothing heals it then, hiding more isn't tried."""
    its = scene()
    poisoned = its.poisoned(BACKDOOR)[1][0]
    look, other = Look((TRIGGER_BOX,), None, necessary=necessary), Box(1, 1, 4, 4)

    stubborn = _stubborn(its, poisoned)
    asked = []
    for others in ([], [other]):
        rng = np.random.default_rng(SEED)
        search = established(poisoned, TARGET, look, its.defence(), rng, others)
        _, probes = watched(search, stubborn)
        asked.append(sum(one.own for one in probes))
    assert hides is (asked[1] > asked[0])


def test_what_does_not_carry_ends_with_its_confirmation() -> None:
    """A window of a clean image costs its few transplants and the placebo, and nothing more."""
    its = scene()
    found, probes = watched(
        _established(its, its.of_class(TARGET)[0], Look((WINDOW,), None)), its.predict
    )
    assert found is None
    assert 1 == sum(bool(probe.own) for probe in probes)
