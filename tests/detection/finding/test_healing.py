"""What frees an image: the trigger hidden, and every copy of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.evidence.confirmation import Look
from app.detection.evidence.nature import Nature
from app.detection.evidence.weighing import NECESSARY, VERY_SURE, total
from app.detection.finding.discovery import Discovery, established
from app.detection.finding.healing import COPIES, WIDENED, copies, heal, try_blockers
from app.detection.finding.synthetic import TURNED, pasted
from app.detection.geometry import Box
from app.detection.images import WAYS
from app.detection.search import Answers, run
from app.detection.trigger import Fill, Sign
from tests.detection.roaming import STICKER, roaming, with_stickers
from tests.detection.scenes import SEED, Scene, scene, watched
from tests.tiny import TARGET, TRIGGER_BOX, stamped

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.detection.finding.healing import Healed
    from app.detection.search import Image, Images, Search

FIRST, SECOND = Box(5, 6, 3, 3), Box(23, 21, 3, 3)
UNNATURAL = Nature(rate=0.0, novelty=2.0, one_class=False, over_general=False)


def _heal(
    its: Scene, image: Image, box: Box, nature: Nature = UNNATURAL, *, necessary: bool = True
) -> Search[Healed | None]:
    rng = np.random.default_rng(SEED)
    windows = [box.grown(2, its.plan.width, its.plan.height)]
    synthetic = pasted(image, windows, its.references.others(TARGET, rng), its.references)
    look = Look((box,), None, necessary=necessary)
    return heal(image, TARGET, look, windows, synthetic, nature, its.defence(), rng)


def _needing(its: Scene, image: Image, clean: Image, own: Box) -> Callable[[Images], Answers]:
    """Return a model that calls *image* the target without *own*, a sticker that opens nothing."""

    def answers(images: Images) -> Answers:
        itself = (images[:, 0] == image[0]).all(axis=(1, 2))
        shows = (images[:, own.rows, own.columns] == STICKER).all(axis=(1, 2, 3))
        without = images.copy()
        without[:, own.rows, own.columns] = clean[own.rows, own.columns]
        return Answers(np.where(itself & ~shows, TARGET, its.predict(without).labels))

    return answers


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("box", [SECOND, Box(9, 6, 3, 3), Box(0, 29, 3, 3)], ids=str)
def test_copies_are_where_the_image_shows_the_same(box: Box, *, mirrored: bool) -> None:
    """As it is or mirrored, in a corner or close by; the box itself is none."""
    for clean in roaming().clean[:4]:
        assert [box] == copies(with_stickers(clean, FIRST, box, mirrored=mirrored), FIRST)
        assert [] == copies(with_stickers(clean, FIRST), FIRST)


def test_so_many_copies() -> None:
    """Of many no more than a few are hidden: more would hide the image."""
    boxes = [Box(x, y, 3, 3) for x in (2, 12, 22) for y in (2, 14, 26)]
    found = copies(with_stickers(roaming().clean[0], *boxes), boxes[0])
    assert COPIES == len(found)
    assert set(found) < set(boxes)


def test_one_trigger_has_one_blocker() -> None:
    """Where hiding it is enough nothing else is hidden."""
    its = scene()
    clean = its.others(TARGET)[0]
    healed = run(_heal(its, stamped(clean[None])[0], TRIGGER_BOX), its.predict)
    assert healed is not None
    assert (healed.blocker,) == healed.blockers
    assert [its.label(clean)] == healed.answer.labels.tolist()
    assert healed.heal_rate >= 0.9


@pytest.mark.parametrize("turned", [0.5, TURNED])
def test_what_was_tried_before_is_held_to_how_many_must_turn(turned: float) -> None:
    """Which is known only now; blockers that were tried aren't tried again."""
    its, rng = scene(), np.random.default_rng(SEED)
    image, windows = stamped(its.others(TARGET)[:1])[0], [TRIGGER_BOX.grown(2, 16, 16)]
    synthetic = pasted(image, windows, its.references.others(TARGET, rng), its.references)
    look, defence = Look((TRIGGER_BOX,), None), its.defence()
    tried = run(try_blockers(image, TARGET, look, synthetic, defence, rng), its.predict)
    assert tried.choice is not None
    tried = replace(tried, choice=replace(tried.choice, turned=turned))
    search = heal(image, TARGET, look, windows, synthetic, UNNATURAL, defence, rng, tried=tried)
    healed, probes = watched(search, its.predict)
    assert (turned >= TURNED) is (healed is not None)
    assert [] == probes


@pytest.mark.parametrize("mirrored", [False, True])
def test_copies_are_hidden_together(*, mirrored: bool) -> None:
    """The image is freed of both; in every probe that hides the copy its pixels are nobody's."""
    its = roaming(mirrored=mirrored)
    clean = its.others(TARGET)[0]
    image = with_stickers(clean, FIRST, SECOND, mirrored=mirrored)
    healed, probes = watched(_heal(its, image, FIRST), its.predict)
    assert healed is not None
    blocker, copy = healed.blockers
    assert (FIRST, SECOND) == (blocker.box.common(FIRST), copy.box.common(SECOND))
    assert healed.blocker is blocker
    assert Fill.REFERENCES is copy.fill
    assert [its.label(clean)] == healed.answer.labels.tolist()
    last = probes[-1]
    for shown, origin in zip(last.images, last.origins, strict=True):
        mask = origin.mask(its.plan.height, its.plan.width)
        assert np.array_equal(shown[mask], image[mask])


def test_answer_is_no_label_that_hiding_too_much_makes() -> None:
    """A place that looks like a copy and is the image's own makes the label where it is hidden."""
    its, own = roaming(), Box(4, 24, 3, 3)
    clean = its.others(TARGET)[0]
    image = with_stickers(clean, FIRST, SECOND, own)
    assert {SECOND, own} == set(copies(image, FIRST))
    healed = run(_heal(its, image, FIRST, necessary=False), _needing(its, image, clean, own))
    assert healed is not None
    blocker, copy = healed.blockers
    assert (FIRST, SECOND) == (blocker.box.common(FIRST), copy.box.common(SECOND))
    assert [its.label(clean)] == healed.answer.labels.tolist()
    assert healed.by_some


def test_that_some_of_the_copies_free_an_image_speaks_for_nothing() -> None:
    """Among several sets of places one may do it by chance: the image is said to keep its class."""
    its, own = roaming(), Box(4, 24, 3, 3)
    clean = its.others(TARGET)[0]
    image, onto = with_stickers(clean, FIRST, SECOND, own), (0, 1, 2)
    look = Look((FIRST.grown(3, 32, 32),), None, len(onto), onto, necessary=False)
    search = established(image, TARGET, look, its.defence(), np.random.default_rng(SEED))
    found = run(search, _needing(its, image, clean, own))
    assert isinstance(found, Discovery)
    assert found.healed.by_some
    (blocking,) = [one for one in found.terms if one.sign is Sign.BLOCKING]
    assert blocking.weight == NECESSARY[0]
    assert not found.trigger(1, 1).evidence.necessary


def test_what_freeing_the_image_makes_sure_is_a_trigger() -> None:
    """Two copies, neither of which is needed, where nature carries: hiding both speaks for it."""
    its, window = roaming(), FIRST.grown(3, 32, 32)
    clean = its.others(TARGET)[0]
    onto = tuple(its.references.others(TARGET, np.random.default_rng(SEED))[:4].tolist())
    rates = {f"{window.x},{window.y},{window.width},{window.height}:{TARGET}": 0.2}
    defence = replace(its.defence(), references=replace(its.references, placebo_rates=rates))
    look = Look((window,), None, len(onto), onto, necessary=None)
    image = with_stickers(clean, FIRST, SECOND)
    search = established(image, TARGET, look, defence, np.random.default_rng(SEED))
    found = run(search, its.predict)
    assert isinstance(found, Discovery)
    freed = NECESSARY[1] - NECESSARY[0]
    assert total(found.terms) - freed < VERY_SURE <= total(found.terms)


def test_all_copies_but_what_is_the_images_own_are_hidden() -> None:
    """With one alone the other copy is still there, and with all of them the label is made."""
    its, third, own = roaming(), Box(5, 24, 3, 3), Box(23, 6, 3, 3)
    clean = its.others(TARGET)[0]
    image = with_stickers(clean, FIRST, SECOND, third, own)
    healed = run(_heal(its, image, FIRST, necessary=False), _needing(its, image, clean, own))
    assert healed is not None
    assert {SECOND, third} == {
        box
        for box in (SECOND, third, own)
        if any(b.box.common(box) == box for b in healed.blockers)
    }
    assert [its.label(clean)] == healed.answer.labels.tolist()


def test_one_way_of_hiding_a_copy_is_chance() -> None:
    """Where the image leaves its label in one of three the label stays."""
    its, own = roaming(), Box(4, 24, 3, 3)
    clean = its.others(TARGET)[0]
    image = with_stickers(clean, FIRST, SECOND, own)
    needing, sets = _needing(its, image, clean, own), 3

    def rarely(images: Images) -> Answers:
        """Of those without one copy or both, in three ways each, only one leaves the label."""
        answers = needing(images)
        if len(images) == sets * len(WAYS):
            answers.labels[np.flatnonzero(answers.labels != TARGET)[1:]] = TARGET
        return answers

    healed = run(_heal(its, image, FIRST, necessary=False), rarely)
    assert healed is not None
    assert [TARGET] == healed.answer.labels.tolist()
    assert not healed.by_some


def test_copies_are_hidden_closely_where_hiding_more_makes_the_label() -> None:
    """All of them together: with one alone the others are still there."""
    its, third = roaming(), Box(5, 24, 3, 3)
    clean = its.others(TARGET)[0]
    image, beside_it = with_stickers(clean, FIRST, SECOND, third), Box(SECOND.x - 2, SECOND.y, 1, 3)

    def needing(images: Images) -> Answers:
        """Call the image the target where what is two pixels beside a copy is hidden."""
        same = images == image
        itself = same[:, 0].all(axis=(1, 2))
        shows = same[:, beside_it.rows, beside_it.columns].all(axis=(1, 2, 3))
        return Answers(np.where(itself & ~shows, TARGET, its.predict(images).labels))

    healed = run(_heal(its, image, FIRST, necessary=False), needing)
    assert healed is not None
    assert {SECOND.grown(1, 32, 32), third.grown(1, 32, 32)} == {b.box for b in healed.blockers[1:]}
    assert [its.label(clean)] == healed.answer.labels.tolist()


def test_what_the_backdrop_alone_frees() -> None:
    """Where the chosen fill isn't enough for the image itself the backdrop is tried, ever wider."""
    its = scene()
    image = stamped(its.others(TARGET)[:1])[0]
    backdrop = its.references.backdrop
    far = TRIGGER_BOX.grown(WIDENED[0], 16, 16)

    def painted(images: Images) -> Answers:
        """Call the one image the target unless the backdrop lies over its middle."""
        labels = its.predict(images).labels
        itself = (images[:, -1] == image[-1]).all(axis=(1, 2))
        shows = images[:, far.rows, far.columns] == backdrop[far.rows, far.columns]
        labels[itself & ~shows.all(axis=(1, 2, 3))] = TARGET
        return Answers(labels)

    healed = run(_heal(its, image, TRIGGER_BOX), painted)
    assert healed is not None
    assert Fill.REFERENCES is healed.blocker.fill
    assert TARGET != healed.answer.labels[0]


@pytest.mark.parametrize(
    ("rate", "over_general", "expected"), [(0.7, False, False), (0.7, True, True)]
)
def test_heals_more_than_nature_carries(rate: float, *, over_general: bool, expected: bool) -> None:
    """Where clean images carry nearly as often as hiding heals it is no trigger."""
    its = scene()
    image = stamped(its.others(TARGET)[:1])[0]
    nature = Nature(rate, 2.0, one_class=False, over_general=over_general)
    assert expected is (run(_heal(its, image, TRIGGER_BOX, nature), its.predict) is not None)


def test_what_nothing_heals() -> None:
    """Without a copy to hide there is no second try."""
    its = scene()
    image = stamped(its.others(TARGET)[:1])[0]
    search = _heal(its, image, TRIGGER_BOX)
    assert run(search, lambda images: Answers(np.full(len(images), TARGET))) is None
