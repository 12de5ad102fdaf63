"""From a window to the trigger's own box."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.finding.localising import localise
from app.detection.finding.synthetic import Synthetic, synthesise
from app.detection.geometry import Box
from app.detection.origins import masks
from app.detection.search import Answers, run
from tests.detection.scenes import SEED, Scene, World, scene, watched
from tests.tiny import BRIGHT, TARGET, TRIGGER_BOX, Backdoor, all_stamped, stamped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from app.detection.search import Image, Images

WINDOWS = [
    Box(9, 5, 2, 2),
    Box(8, 4, 4, 4),
    Box(7, 3, 8, 8),
    Box(4, 0, 7, 7),
    Box(0, 4, 16, 4),
    Box(0, 0, 16, 16),
]


def _poisoned(its: Scene, box: Box = TRIGGER_BOX) -> Image:
    """Return an image with a trigger in *box*."""
    image: Image = stamped(its.others(TARGET)[:1], box)[0]
    return image


def _synthetic(its: Scene, window: Box, box: Box = TRIGGER_BOX) -> Synthetic:
    """Paste *window* of an image with a trigger in *box*."""
    return _pasted(its, _poisoned(its, box), [window], its.predict)


def _pasted(
    its: Scene, poisoned: Image, windows: Sequence[Box], predict: Callable[[Images], Answers]
) -> Synthetic:
    """Paste *windows* of a *poisoned* image where its trigger turns the model."""
    onto = its.references.others(TARGET, np.random.default_rng(SEED))
    synthetic = run(synthesise(poisoned, TARGET, windows, onto, its.references), predict)
    assert synthetic is not None
    return synthetic


@pytest.mark.parametrize("window", WINDOWS, ids=str)
@pytest.mark.parametrize("scored", [True, False])
def test_box_is_the_triggers_own(window: Box, *, scored: bool) -> None:
    """Wherever the trigger lies in the window, its exact box comes back: all of it is needed."""
    its = scene(World(scored=scored))
    synthetic = _synthetic(its, window)
    assert (TRIGGER_BOX,) == run(
        localise(_poisoned(its), (window,), TARGET, synthetic), its.predict
    )


def test_each_piece_is_localised_beside_the_others() -> None:
    """Of a trigger of two pieces each box is exact, once the other is pasted along with it."""
    two = Backdoor(Box(2, 3, 2, 2), TARGET, others=(Box(12, 11, 2, 2),))
    its = scene(World(backdoors=(two,)))
    poisoned = all_stamped(its.others(TARGET)[:1], two)[0]
    windows = [Box(1, 1, 6, 6), Box(9, 9, 6, 6)]
    synthetic = _pasted(its, poisoned, windows, its.predict)
    assert two.boxes == run(localise(poisoned, windows, TARGET, synthetic), its.predict)


def test_box_is_whole_where_a_part_of_the_trigger_is_enough() -> None:
    """Where any one pixel of the trigger turns an image, the box still has all of them."""
    its = scene()

    def any_pixel(images: Images) -> Answers:
        labels = its.predict(images).labels
        bright = images[:, TRIGGER_BOX.rows, TRIGGER_BOX.columns].min(axis=3) >= BRIGHT
        labels[bright.any(axis=(1, 2))] = TARGET
        return Answers(labels)

    window = Box(7, 3, 6, 6)
    search = localise(_poisoned(its), (window,), TARGET, _synthetic(its, window))
    assert (TRIGGER_BOX,) == run(search, any_pixel)


def test_box_is_whole_where_half_of_the_trigger_is_enough() -> None:
    """Where two thirds of its columns turn an image, an edge isn't taken for superfluous."""
    box = Box(5, 4, 6, 6)
    its = scene(World(backdoors=(Backdoor(box, TARGET),)))

    def two_thirds(images: Images) -> Answers:
        labels = its.predict(images).labels
        shown = images[:, box.rows, box.columns].astype(float).mean(axis=(1, 2, 3))
        labels[shown >= 215] = TARGET
        return Answers(labels)

    window = Box(2, 1, 12, 12)
    (found,) = run(
        localise(_poisoned(its, box), (window,), TARGET, _synthetic(its, window, box)), two_thirds
    )
    assert found.overlap(box) >= 0.6


@pytest.mark.parametrize(("side", "rounds"), [(16, 7), (48, 7), (112, 6)])
def test_localising_is_a_few_rounds(side: int, rounds: int) -> None:
    """All edges are asked at once: six or seven rounds, and 170 images, however large it is."""
    its = scene(World(shape=(side, side)))
    window = Box(0, 0, 16, 16)
    search = localise(_poisoned(its), (window,), TARGET, _synthetic(its, window))
    (found,), probes = watched(search, its.predict)
    assert found.holds(TRIGGER_BOX.centre) if side == 112 else TRIGGER_BOX == found
    assert len(probes) <= rounds
    assert sum(len(probe) for probe in probes) <= 170


def test_what_is_too_large_is_not_looked_at_closely() -> None:
    """When the edges leave more than the largest trigger, no more is asked to know it better."""
    box = Box(1, 2, 14, 13)
    its = scene(World(backdoors=(Backdoor(box, TARGET),)))
    window = Box(0, 0, 16, 16)
    synthetic = _synthetic(its, window, box)
    _, all_of_it = watched(localise(_poisoned(its, box), (window,), TARGET, synthetic), its.predict)
    (found,), probes = watched(
        localise(_poisoned(its, box), (window,), TARGET, synthetic, 80), its.predict
    )
    assert found.area > 80
    assert 0 < len(probes) < len(all_of_it)
    assert [one.images.tolist() for one in probes] == [
        one.images.tolist() for one in all_of_it[: len(probes)]
    ]


LARGE = Box(40, 36, 16, 16)
"""A trigger that stands out of a large image."""


def _brightness(images: Images, box: Box) -> NDArray[np.float64]:
    """Return the mean levels (n,) in *box*."""
    levels: NDArray[np.float64] = (
        images[:, box.rows, box.columns].astype(float).mean(axis=(1, 2, 3))
    )
    return levels


def test_what_stands_out_of_a_large_image_is_tried_at_once() -> None:
    """A third of its trigger turns it, so the edges move far into it: its outline is the box."""
    its = scene(World((112, 112), backdoors=(Backdoor(LARGE, TARGET),)))
    window = Box(10, 12, 64, 64)

    def a_third(images: Images) -> Answers:
        labels = its.predict(images).labels
        labels[_brightness(images, LARGE) >= 170] = TARGET
        return Answers(labels)

    synthetic = _synthetic(its, window, LARGE)
    search = localise(_poisoned(its, LARGE), (window,), TARGET, synthetic)
    (found,), probes = watched(search, a_third)
    assert LARGE == found
    assert len(probes) <= 3
    assert sum(len(probe) for probe in probes) <= 90


def _shown_in(images: Images, box: Box, without: Box) -> NDArray[np.float64]:
    """Return how strongly *box* shows red (n,), as a share, but for what is in another box."""
    corner = images[:, -20:, -20:, 0].mean(axis=(1, 2))
    seen = np.ones(images.shape[1:3], bool)
    seen[without.rows, without.columns] = False
    red = images[:, box.rows, box.columns, 0][:, seen[box.rows, box.columns]].mean(axis=1)
    shown: NDArray[np.float64] = (red - corner) / (255 - corner)
    return shown


def test_of_what_stands_out_the_whole_trigger_is_taken() -> None:
    """A part is enough, and stands out first; what shows faintly turns by all of the trigger."""
    its = scene(World((112, 112)))
    window, whole = Box(6, 2, 84, 84), Box(34, 30, 28, 28)
    part, core = Box(38, 34, 20, 20), Box(45, 41, 6, 6)
    poisoned = its.others(TARGET)[0].copy()
    poisoned[whole.rows, whole.columns] = (255, 150, 150)
    poisoned[part.rows, part.columns] = 255

    def mostly_by_its_core(images: Images) -> Answers:
        labels = its.predict(images).labels
        shown = 1.1 * _shown_in(images, core, Box(0, 0, 1, 1))
        shown += 0.15 * _shown_in(images, part, core) + 0.4 * _shown_in(images, whole, part)
        labels[shown >= 1] = TARGET
        return Answers(labels)

    synthetic = _pasted(its, poisoned, [window], mostly_by_its_core)
    search = localise(poisoned, (window,), TARGET, synthetic)
    found, probes = watched(search, mostly_by_its_core)
    assert (whole,) == found
    for probe in probes:  # what is shown faintly is no pixel of its own
        own = masks(probe.origins, *poisoned.shape[:2])
        assert (probe.images == poisoned).all(axis=3)[own].all()


def test_what_stands_out_and_is_not_enough_is_not_taken() -> None:
    """The trigger has no outline, and the thing in its midst that has one turns nothing."""
    its = scene(World((112, 112)))
    window, whole, thing = Box(10, 12, 64, 64), Box(36, 32, 24, 24), Box(45, 41, 6, 6)
    poisoned = its.others(TARGET)[0].copy()
    plain = poisoned[whole.rows, whole.columns].copy()
    poisoned[thing.rows, thing.columns] = 255

    def by_what_is_around_it(images: Images) -> Answers:
        labels = its.predict(images).labels
        same = (images[:, whole.rows, whole.columns] == plain).all(axis=3).mean(axis=(1, 2))
        labels[same >= 0.6] = TARGET
        return Answers(labels)

    synthetic = _pasted(its, poisoned, [window], by_what_is_around_it)
    (found,) = run(localise(poisoned, (window,), TARGET, synthetic), by_what_is_around_it)
    assert found.overlap(whole) >= 0.5


@pytest.mark.parametrize("odd", range(4))
def test_one_odd_image_does_not_decide(odd: int) -> None:
    """An image that answers the target whatever is shown doesn't make the box much larger."""
    box = Box(9, 5, 8, 8)
    its = scene(World((48, 48), backdoors=(Backdoor(box, TARGET),)))
    window = Box(0, 0, 24, 24)
    synthetic = _synthetic(its, window, box)
    elsewhere = synthetic.clean[odd][-8:, -8:]

    def stubborn(images: Images) -> Answers:
        labels = its.predict(images).labels
        labels[(images[:, -8:, -8:] == elsewhere).all(axis=(1, 2, 3))] = TARGET
        return Answers(labels)

    (found,) = run(localise(_poisoned(its, box), (window,), TARGET, synthetic), stubborn)
    assert found.overlap(box) >= 0.5


@pytest.mark.parametrize("odd", range(3))
def test_one_image_that_needs_more_does_not_decide(odd: int) -> None:
    """In a large image: what another place turns as well doesn't make the box hold that place."""
    box, beside = Box(40, 36, 16, 16), Box(28, 42, 1, 1)
    its = scene(World((112, 112), backdoors=(Backdoor(box, TARGET),)))
    window = Box(10, 12, 64, 64)
    synthetic = _synthetic(its, window, box)
    elsewhere = synthetic.clean[odd][-8:, -8:]
    shown = synthetic.poisoned[odd][beside.rows, beside.columns]

    def turned_by_both(images: Images) -> Answers:
        labels = its.predict(images).labels
        is_odd = (images[:, -8:, -8:] == elsewhere).all(axis=(1, 2, 3))
        shows = (images[:, beside.rows, beside.columns] == shown).all(axis=(1, 2, 3))
        labels[is_odd & shows] = TARGET
        return Answers(labels)

    (found,) = run(localise(_poisoned(its, box), (window,), TARGET, synthetic), turned_by_both)
    assert found.overlap(box) >= 0.5


def test_box_that_is_never_enough_is_not_grown() -> None:
    """In a large image whose class nothing takes away, growing it further would tell nothing."""
    its = scene(World((112, 112)))
    window = Box(0, 0, 32, 32)
    synthetic = _synthetic(its, window)

    def always_target(images: Images) -> Answers:
        return Answers(np.full(len(images), TARGET))

    (found,) = run(localise(_poisoned(its), (window,), TARGET, synthetic), always_target)
    assert window == found


def _answering_elsewhere(its: Scene, synthetic: Synthetic, odd: int) -> Callable[[Images], Answers]:
    """Return a model that answers the target whatever else the first *odd* images show."""
    places = synthetic.clean[:odd, -8:, -8:]

    def stubborn(images: Images) -> Answers:
        labels = its.predict(images).labels
        for place in places:
            labels[(images[:, -8:, -8:] == place).all(axis=(1, 2, 3))] = TARGET
        return Answers(labels)

    return stubborn


@pytest.mark.parametrize(("odd", "is_taken"), [(0, True), (1, True), (2, False)])
def test_what_stands_out_must_be_enough_on_three_of_four(odd: int, *, is_taken: bool) -> None:
    """One image that is never healed doesn't keep an outline from being the box, two do."""
    its = scene(World((112, 112), backdoors=(Backdoor(LARGE, TARGET),)))
    window = Box(10, 12, 64, 64)
    synthetic = _synthetic(its, window, LARGE)
    search = localise(_poisoned(its, LARGE), (window,), TARGET, synthetic)
    (found,), probes = watched(search, _answering_elsewhere(its, synthetic, odd))
    assert is_taken == (len(probes) == 2)
    assert LARGE == found or not is_taken


def test_what_stands_out_and_is_too_large_is_not_taken() -> None:
    """An outline of more than the largest trigger isn't one, though it would be enough."""
    its = scene(World((112, 112), backdoors=(Backdoor(LARGE, TARGET),)))
    window = Box(10, 12, 64, 64)
    synthetic = _synthetic(its, window, LARGE)
    image = _poisoned(its, LARGE)
    for largest, is_tried in ((LARGE.area, True), (LARGE.area - 1, False)):
        search = localise(image, (window,), TARGET, synthetic, largest)
        _, probes = watched(search, its.predict)
        assert is_tried == (len(probes) == 2)


def _on_a_card(its: Scene, card: Box) -> tuple[Image, Synthetic]:
    """Return an image whose trigger is on a *card* that does nothing, and what is pasted of it."""
    image = its.others(TARGET)[0].copy()
    image[card.rows, card.columns] = (255, 150, 150)
    image[LARGE.rows, LARGE.columns] = 255
    return image, _pasted(its, image, [Box(10, 12, 76, 76)], its.predict)


@pytest.mark.parametrize("card", [Box(26, 22, 44, 44), Box(22, 18, 52, 52)], ids=str)
def test_of_what_stands_out_the_card_around_the_trigger_is_not_taken(card: Box) -> None:
    """Card and trigger stand out, and turn as many images: the smaller is the box."""
    its = scene(World((112, 112), backdoors=(Backdoor(LARGE, TARGET),)))
    image, synthetic = _on_a_card(its, card)
    window = Box(10, 12, 76, 76)
    assert (LARGE,) == run(localise(image, (window,), TARGET, synthetic), its.predict)
