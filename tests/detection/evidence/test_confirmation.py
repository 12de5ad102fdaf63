"""Confirmation: a trigger is accepted after few looks, nature is not, and mostly rejected early."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.evidence.confirmation import (
    LARGE,
    TOGETHER,
    UNDECIDABLE,
    Look,
    Transplants,
    confirm,
    first_look,
    required,
    undecidable,
    worth_asking,
)
from app.detection.geometry import Box
from app.detection.images import WAYS, transplant_pieces
from app.detection.reference_set.references import (
    FOREIGN,
    PLACEBO_SIZES,
    THOROUGH,
    THOROUGH_SIZES,
    placebo_rate,
)
from app.detection.search import Answers, run
from tests.detection.scenes import SEED, Scene, World, own, scene, told, watched
from tests.tiny import SIDE, TARGET, TRIGGER_BOX, Backdoor, Mark, stamped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.detection.search import Image, Images, Probe

CLEAN_BOX = Box(2, 2, 4, 4)
TRIGGER = Look((TRIGGER_BOX,), None)
CLEAN = Look((CLEAN_BOX,), None)
MARK = Mark(Box(5, 5, 3, 3), 4)


def _confirmed(
    its: Scene, look: Look, carrying: list[bool], image: Image | None = None
) -> tuple[Transplants | None, int]:
    """Confirm with a model whose transplants carry as told, in turn; return what that asked.

    Parts of *image*, or of a clean one. What nature does there is asked of the real one.
    """
    asked = 0

    def tell(images: Images) -> Answers:
        nonlocal asked
        asked += len(images)
        return Answers(np.where(carrying[asked - len(images) : asked], TARGET, 0))

    image = its.of_class(TARGET)[0] if image is None else image
    search = confirm(image, TARGET, look, its.references, _rng())
    result, _ = told(search, its.predict, tell)
    return result, asked


def _with_placebo(rate: float, source: int | None = None) -> Scene:
    """Return a scene that knows this placebo rate, and no other one, of the clean box."""
    its = scene()
    for sizes in (PLACEBO_SIZES, THOROUGH_SIZES):
        run(placebo_rate([CLEAN_BOX], TARGET, source, its.references, sizes), its.predict)
    its.references.placebo_rates.update(dict.fromkeys(its.references.placebo_rates, rate))
    return its


def _rng() -> np.random.Generator:
    return np.random.default_rng(SEED)


@pytest.mark.parametrize(("turned", "parts"), [(0, 1), (4, 2), (5, 1)])
def test_a_placebo_rate_is_known_where_none_or_five_of_the_first_eight_carry(
    turned: int, parts: int
) -> None:
    """Else on all; at once or one part after the other it is the same."""
    for at_once in (False, True):
        its = scene()
        asked: list[int] = []

        def telling(images: Images, asked: list[int] = asked) -> Answers:
            labels = np.where(np.arange(len(images)) < turned, TARGET, 0)
            asked.append(len(images))
            return Answers(labels if len(asked) == 1 else np.zeros(len(images), np.int64))

        search = placebo_rate([CLEAN_BOX], TARGET, None, its.references, at_once=at_once)
        rate = run(search, telling)
        assert (turned + 0.5) / (sum(PLACEBO_SIZES[:parts]) + 1) == rate
        assert sum(asked) == sum(PLACEBO_SIZES if at_once else PLACEBO_SIZES[:parts])


@pytest.mark.parametrize("source", [None, 0])
def test_trigger_is_accepted(source: int | None) -> None:
    """What always carries is accepted after few transplants, with the evidence for it."""
    its = scene(World(backdoors=(Backdoor(TRIGGER_BOX, TARGET, source),)))
    poisoned = stamped(its.of_class(0)[:1])[0]
    look = replace(TRIGGER, source=source)
    transplants, probes = watched(
        confirm(poisoned, TARGET, look, its.references, _rng()), its.predict
    )
    assert transplants is not None
    assert transplants.carried == transplants.asked <= 12
    assert transplants.asked == own(probes)


def test_trigger_of_one_class_is_asked_on_that_class() -> None:
    """On all classes a trigger that acts on one carries too rarely; on that one, always."""
    its = scene(World(backdoors=(Backdoor(TRIGGER_BOX, TARGET, source=0),)))
    poisoned = stamped(its.of_class(0)[:1])[0]
    on_all = confirm(poisoned, TARGET, TRIGGER, its.references, _rng())
    on_one = confirm(poisoned, TARGET, replace(TRIGGER, source=0), its.references, _rng())
    assert run(on_all, its.predict) is None
    assert run(on_one, its.predict) is not None


def test_two_pieces_are_transplanted_together() -> None:
    """A trigger of two pieces carries with both, and not with one of them."""
    two = Backdoor(Box(2, 3, 2, 2), TARGET, others=(Box(12, 11, 2, 2),))
    its = scene(World(backdoors=(two,)))
    poisoned = stamped(stamped(its.of_class(0)[:1], two.boxes[0]), two.boxes[1])[0]
    for pieces, carried in ((two.boxes, True), (two.boxes[:1], False), (two.boxes[1:], False)):
        search = confirm(poisoned, TARGET, Look(pieces, None), its.references, _rng())
        assert carried is (run(search, its.predict) is not None)


def test_confirmation_goes_on_from_the_first_look() -> None:
    """What the first look has seen counts, and isn't asked again."""
    its = scene()
    poisoned = stamped(its.others(TARGET)[:1])[0]
    (look,) = _looked(its, poisoned, TARGET, [TRIGGER_BOX])
    after, probes = watched(confirm(poisoned, TARGET, look, its.references, _rng()), its.predict)
    assert after is not None
    assert after.carried == after.asked == look.asked + own(probes)
    before = transplant_pieces(poisoned, look.pieces, its.references.images[list(look.onto)])
    asked = [image for probe in probes for image in probe.images[: probe.own]]
    assert asked
    assert not any((one == image).all() for one in before for image in asked)


@pytest.mark.parametrize("is_known", [True, False])
def test_what_is_likely_is_asked_at_the_same_time_as_nature(*, is_known: bool) -> None:
    """One round for what is new in a large image and has carried; nature's rate stays the same."""
    its, alone = (scene(World(shape=(LARGE, LARGE))) for _ in range(2))
    poisoned = stamped(its.others(TARGET)[:1])[0]
    (look,) = _looked(its, poisoned, TARGET, [TRIGGER_BOX])
    place = (look.pieces, TARGET, None)
    if is_known:
        run(placebo_rate(*place, its.references), its.predict)
    transplants, probes = watched(
        confirm(poisoned, TARGET, look, its.references, _rng()), its.predict
    )
    assert transplants is not None
    assert [is_known] == [not probe.for_all for probe in probes]
    assert run(placebo_rate(*place, alone.references), alone.predict) == transplants.placebo


def test_in_small_images_nature_is_asked_first() -> None:
    """Clean ones show new things so often that what is asked beside would mostly be lost."""
    its = scene()
    poisoned = stamped(its.others(TARGET)[:1])[0]
    (look,) = _looked(its, poisoned, TARGET, [TRIGGER_BOX])
    _, probes = watched(confirm(poisoned, TARGET, look, its.references, _rng()), its.predict)
    assert (0, True) == (probes[0].own, bool(probes[0].for_all))


@pytest.mark.parametrize(("of_five", "accepted"), [(3, True), (2, False)])
def test_what_is_very_new_needs_to_turn_three_of_five(of_five: int, *, accepted: bool) -> None:
    """Who wants to get past leaves so much of it; of what isn't new it proves nothing."""
    its = scene()
    carrying = ([i < of_five for i in range(5)] * 8)[::-1]
    poisoned = stamped(its.of_class(TARGET)[:1])[0]
    transplants, asked = _confirmed(its, TRIGGER, carrying, poisoned)
    assert accepted is (transplants is not None)
    assert asked <= 36
    if accepted:
        assert (None, 24) == _confirmed(its, TRIGGER, carrying)


def test_part_of_a_clean_image_is_rejected_early() -> None:
    """What never carries is dropped after the first few transplants."""
    its = scene()
    search = confirm(its.of_class(TARGET)[0], TARGET, CLEAN, its.references, _rng())
    transplants, probes = watched(search, its.predict)
    assert transplants is None
    assert own(probes) <= 4


@pytest.mark.parametrize(
    ("share", "accepted"), [(1.0, True), (0.9, True), (0.5, False), (0.3, False)]
)
def test_how_often_it_must_carry(share: float, *, accepted: bool) -> None:
    """Nearly always is a trigger; half of the time or less is nature."""
    carrying = [i % 10 < share * 10 for i in range(24)]
    result, _ = _confirmed(_with_placebo(0.02), CLEAN, carrying)
    assert accepted is (result is not None)


@pytest.mark.parametrize("rate", [hits / 25 + 0.02 for hits in range(10)])
def test_every_placebo_that_is_tried_can_be_overcome(rate: float) -> None:
    """Up to the limit, straight hits accept before the references of one test are used up."""
    result, asked = _confirmed(_with_placebo(rate), CLEAN, [True] * 24)
    assert result is not None
    assert (asked, asked) == (result.carried, result.asked)
    assert result.placebo == pytest.approx(rate)


@pytest.mark.parametrize(("again", "accepted"), [(0.2, True), (0.6, False)])
def test_rate_that_is_in_doubt_is_measured_on_more(again: float, *, accepted: bool) -> None:
    """Before anything is located nature is asked on 36 more; what both say together is known."""
    its = _with_placebo(0.3)
    (name,) = (key for key in its.references.placebo_rates if not key.endswith(THOROUGH))
    its.references.placebo_rates[name + THOROUGH] = again
    result, _ = _confirmed(its, CLEAN, [True] * 24)
    assert accepted is (result is not None)
    assert result is None or result.placebo == pytest.approx((24 * 0.3 + 36 * again) / 60)
    assert accepted is not undecidable(its.of_class(TARGET)[0], TARGET, CLEAN, its.references)


def test_doubtful_place_that_anything_opens_is_confirmed_as_one() -> None:
    """Where the surer rate says nothing third classes decide, as where the first one did."""
    its = _with_placebo(0.3)
    rates = its.references.placebo_rates
    (name,) = (key for key in rates if not key.endswith(THOROUGH))
    new = its.of_class(TARGET)[0].copy()
    new[CLEAN_BOX.rows, CLEAN_BOX.columns] ^= 255

    def always(images: Images) -> Answers:
        return Answers(np.full(len(images), TARGET))

    for foreign, accepted in ((0.8, True), (0.05, False)):
        del rates[name + THOROUGH]  # it is measured now, where everything carries
        rates[name + FOREIGN] = foreign
        search = confirm(new, TARGET, CLEAN, its.references, _rng())
        result, _ = told(search, always, always)
        assert rates[name + THOROUGH] > UNDECIDABLE
        assert accepted is (result is not None)


def test_rate_is_measured_again_only_for_what_carries() -> None:
    """What the transplants reject needs no surer rate, nor does one where nature hardly carries."""
    for rate, carrying in ((0.3, False), (0.02, True)):
        its = _with_placebo(rate)
        its.references.placebo_rates.popitem()  # the one on 36 isn't known
        _confirmed(its, CLEAN, [carrying] * 24)
        assert len(its.references.placebo_rates) == 1


def test_higher_placebo_asks_more() -> None:
    """The more often nature carries, the more transplants a trigger must turn."""
    asked = [_confirmed(_with_placebo(r), CLEAN, [True] * 24)[1] for r in (0.02, 0.2, 0.38)]
    assert sorted(asked) == asked
    assert asked[0] < asked[-1]


@pytest.mark.parametrize("source", [None, 0])
@pytest.mark.parametrize("rate", [0.42, 0.7, 0.98])
def test_placebo_too_high_rejects(rate: float, source: int | None) -> None:
    """Where nature carries too often nothing is asked and nothing confirmed, now or later."""
    its, look = _with_placebo(rate, source), replace(CLEAN, source=source)
    assert (None, 0) == _confirmed(its, look, [])
    assert undecidable(its.of_class(TARGET)[0], TARGET, look, its.references)


def test_undecidable_only_where_that_is_known() -> None:
    """A box whose placebo rate nobody has measured isn't called undecidable."""
    its = scene()
    assert not undecidable(its.of_class(TARGET)[0], TARGET, CLEAN, its.references)


def test_never_more_than_24_transplants() -> None:
    """A share between the two hypotheses ends undecided at 24, as no trigger."""
    carrying = [True, True, False] * 8
    result, asked = _confirmed(_with_placebo(0.2), CLEAN, carrying)
    assert result is None
    assert asked <= 24


def _looked(its: Scene, image: Image, label: int, windows: Sequence[Box]) -> list[Look]:
    return run(first_look(image, label, windows, its.references, _rng()), its.predict)


def test_first_look_tells_a_trigger_from_nature() -> None:
    """A window that holds the trigger is kept, with what its transplants said; others are not."""
    its = scene()
    poisoned = stamped(its.others(TARGET)[:1])[0]
    (look,) = _looked(its, poisoned, TARGET, [CLEAN_BOX, TRIGGER_BOX])
    assert ((TRIGGER_BOX,), None) == (look.pieces, look.source)
    assert look.carried == look.asked > 0
    assert [] == _looked(its, its.of_class(TARGET)[0], TARGET, [CLEAN_BOX, TRIGGER_BOX])


def test_no_reference_counts_twice() -> None:
    """With few references each is asked once at most: the second time it would tell nothing."""
    its = scene()
    calibration = its.references.calibration
    others = np.flatnonzero(calibration.labels != TARGET)[:9]
    kept = np.r_[others, np.flatnonzero(calibration.labels == TARGET)]
    calibration = replace(calibration, labels=calibration.labels[kept])
    few = replace(its.references, images=its.references.images[kept], calibration=calibration)
    poisoned = stamped(its.others(TARGET)[:1])[0]
    rng = _rng()
    (look,), (looked,) = watched(first_look(poisoned, TARGET, [TRIGGER_BOX], few, rng), its.predict)
    transplants, probes = watched(confirm(poisoned, TARGET, look, few, rng), its.predict)
    pasted = [*looked.images]
    pasted += [image for probe in probes for image in probe.images[: probe.own]]
    assert transplants is not None
    assert transplants.asked == len(pasted) == len({image.tobytes() for image in pasted})


def test_first_look_takes_one_round() -> None:
    """However many windows there are, they are transplanted in one probe, and none is hidden."""
    its = scene()
    poisoned = stamped(its.others(TARGET)[:1])[0]
    windows = [TRIGGER_BOX, CLEAN_BOX, Box(8, 4, 4, 4)]
    search = first_look(poisoned, TARGET, windows, its.references, _rng())
    looks, probes = watched(search, its.predict)
    assert [((windows[0],), None), ((windows[2],), None)] == [
        (look.pieces, look.necessary) for look in looks
    ]
    assert [(0, TOGETHER * len(windows))] == [(probe.for_all, len(probe)) for probe in probes]


@pytest.mark.parametrize(
    ("kept", "carried", "expected"),
    [
        ([False, False, True], 2, True),  # the backdrop may look like the attacker's class
        ([True, True, False], 4, True),  # painted surroundings rebuild it
        ([True, True, False], 2, None),
        ([True, False, True], 4, False),  # another copy makes the label
        ([True, True, True], 4, False),
        ([True, True, True], 3, None),
    ],
)
def test_what_is_not_surely_needed_must_carry_each_time(
    kept: list[bool], carried: int, *, expected: bool | None
) -> None:
    """A window that the image may not need is looked at only if all transplants carried."""
    its = scene()
    look = Look((TRIGGER_BOX,), None, carried, tuple(range(TOGETHER)), necessary=None)

    def answered(images: Images) -> Answers:
        assert len(WAYS) == len(images)
        return Answers(np.where(kept, TARGET, 0))

    search = required(stamped(its.clean[:1])[0], TARGET, look, its.references)
    told = run(search, answered)
    assert expected == (told and told.necessary)


def test_what_is_known_to_be_needed_is_not_hidden_again() -> None:
    """Pieces without which another class was revealed were hidden before."""
    its = scene()
    look = Look((TRIGGER_BOX,), 0)
    assert (look, []) == watched(required(its.clean[0], TARGET, look, its.references), its.predict)


def test_first_look_without_a_window_asks_nothing() -> None:
    """No window: nothing is asked."""
    its = scene()
    search = first_look(its.of_class(TARGET)[0], TARGET, [], its.references, _rng())
    assert ([], []) == watched(search, its.predict)


def test_what_holds_a_place_of_nature_is_not_worth_asking() -> None:
    """Where nature is known to carry too often, a larger window does no less, however it looks."""
    its = scene(World(backdoors=(), marks=(MARK,)))
    references = its.references
    image = its.of_class(MARK.label)[0].copy()
    image[9:12, 9:12] = 255 - image[9:12, 9:12]  # nothing that its class shows, beside the mark
    around, beside = MARK.box.grown(1, SIDE, SIDE), Box(8, 8, 5, 5)
    windows = [MARK.box, around, beside]
    assert beside in worth_asking(image, MARK.label, windows, references)
    look = Look((MARK.box,), None)
    assert run(confirm(image, MARK.label, look, references, _rng()), its.predict) is None
    assert [beside] == worth_asking(image, MARK.label, windows, references)
    whole = Box(4, 4, 9, 9)  # holds the mark, and what is very new
    assert [beside, whole] == worth_asking(image, MARK.label, [*windows, whole], references)


def test_what_its_class_shows_there_is_not_worth_asking() -> None:
    """What carries and is as usual as its class is nature's; a trigger never is."""
    its = scene()
    clean, poisoned = its.of_class(TARGET)[0], stamped(its.others(TARGET)[:1])[0]
    assert [] == worth_asking(clean, TARGET, [TRIGGER_BOX], its.references)
    assert [TRIGGER_BOX] == worth_asking(poisoned, TARGET, [TRIGGER_BOX], its.references)
    assert [] == worth_asking(clean, TARGET, [], its.references)


@pytest.mark.parametrize("source", [None, 0])
def test_mark_of_a_class_is_never_confirmed(source: int | None) -> None:
    """A part by which a class is recognised carries it always, and is necessary; nature has it."""
    mark = replace(MARK, source=source)
    its = scene(World(backdoors=(), marks=(mark,)))
    for image in its.of_class(mark.label)[:4]:
        look = Look((mark.box,), source)
        search = confirm(image, mark.label, look, its.references, _rng())
        assert run(search, its.predict) is None


def test_placebo_rate_is_what_nature_does() -> None:
    """Small boxes of clean images hardly carry, the whole image and a class's mark nearly always.

    A mark that tells one class from another carries to that one, and hardly to all.
    """
    its = scene(World(marks=(replace(MARK, source=0),)))
    whole = Box(0, 0, 16, 16)

    def rate(box: Box, label: int, source: int | None) -> float:
        return run(placebo_rate([box], label, source, its.references), its.predict)

    assert rate(CLEAN_BOX, TARGET, None) < 0.1
    assert rate(whole, TARGET, None) > 0.9
    assert rate(MARK.box, MARK.label, 0) > 0.9
    assert rate(MARK.box, MARK.label, 1) < 0.1
    assert rate(MARK.box, MARK.label, None) < 0.6


def test_placebo_of_pieces_is_that_of_all_of_them() -> None:
    """Half of an image carries its class seldom, both halves at once nearly always."""
    its = scene()
    halves = (Box(0, 0, 16, 8), Box(0, 8, 16, 8))

    def rate(*pieces: Box) -> float:
        return run(placebo_rate(pieces, TARGET, None, its.references), its.predict)

    assert rate(halves[0]) < 0.9
    assert rate(*halves) > 0.9


@pytest.mark.parametrize("source", [None, 0])
def test_placebo_rate_is_measured_once_and_equal_everywhere(source: int | None) -> None:
    """Asked again it costs nothing; two workers measure the same; its probes are for all."""
    one, other = scene(), scene()

    def asking(its: Scene) -> tuple[float, list[Probe]]:
        search = placebo_rate([CLEAN_BOX], TARGET, source, its.references)
        return watched(search, its.predict)

    rate, probes = asking(one)
    assert probes
    assert not any(probe.own for probe in probes)
    assert (rate, []) == asking(one)
    assert rate == asking(other)[0]
    assert one.references.placebo_rates == other.references.placebo_rates
