"""Known triggers that act on some classes only, are of two pieces, or move; and false ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.defence import Known, Verdict
from app.detection.geometry import Box
from app.detection.recognising.sighting import sighted, usual_sighting
from app.detection.trigger import Blocker, Fill
from tests.detection.kinds import ALL_TO_ALL, KINDS, MARK, ONE_CLASS, TWO_PIECES, world
from tests.detection.scenes import Scene, World, own, scene, watched
from tests.tiny import TARGET, TRIGGER_BOX, Backdoor, Mark, stamped, tiny_trigger

if TYPE_CHECKING:
    from app.detection.defence import Finding
    from app.detection.search import Image
    from app.detection.trigger import Trigger

MOVED = [(0, 0), (9, 4), (3, 9), (9, 9), (5, 2), (0, 7)]
"""Pixels to the right and down: up to 20 % of an image of 48 pixels."""


def _found(its: Scene, image: Image) -> Known:
    trigger = its.screened(image).trigger
    assert trigger is not None
    return Known("t-1", trigger)


def _is_healed(its: Scene, finding: Finding, clean: Image) -> bool:
    assert finding.sanitised is not None
    return its.label(clean) == int(finding.sanitised.labels[0])


@pytest.mark.parametrize("search", [True, False])
@pytest.mark.parametrize("its_world", KINDS.values(), ids=KINDS)
def test_discovered_trigger_is_recognised_next_time(its_world: World, *, search: bool) -> None:
    """What one image revealed recognises and heals all the others, with few probes."""
    its, (backdoor,) = scene(its_world), its_world.backdoors
    clean, poisoned = its.poisoned(backdoor)
    known = _found(its, poisoned[0])
    for image, original in zip(poisoned[1:9], clean[1:], strict=False):
        finding, probes = watched(
            its.search(image, its.defence([known], search=search)), its.predict
        )
        assert (Verdict.KNOWN, known) == (finding.verdict, finding.known)
        assert _is_healed(its, finding, original)
        assert own(probes) <= 8


def test_one_entry_covers_every_class_of_an_all_to_all_trigger() -> None:
    """Revealed by an image of one class it is recognised, and healed, in those of all others."""
    its = scene(world(ALL_TO_ALL))
    clean, poisoned = its.poisoned(ALL_TO_ALL)
    known = _found(its, poisoned[0])
    classes = set()
    for image, original in zip(poisoned, clean, strict=True):
        finding = its.screened(image, its.defence([known], search=False))
        assert Verdict.KNOWN is finding.verdict
        assert _is_healed(its, finding, original)
        classes.add(its.label(original))
    assert {0, 1, 2, 3} == classes


@pytest.mark.parametrize("its_world", KINDS.values(), ids=KINDS)
def test_clean_images_pass_a_known_trigger(its_world: World) -> None:
    """Clean images, those of the target's class too, keep their answers."""
    its, (backdoor,) = scene(its_world), its_world.backdoors
    known = _found(its, its.poisoned(backdoor)[1][0])
    for image in its.clean:
        finding = its.screened(image, its.defence([known], search=False))
        assert Verdict.CLEAR is finding.verdict
        assert finding.said is finding.sanitised


@pytest.mark.parametrize("kind", ["one class", "all to all"])
def test_without_its_pixels_a_trigger_with_a_source_costs_nothing(kind: str) -> None:
    """An image whose pixels fit no better than those of most clean images is asked once."""
    its = scene(KINDS[kind])
    known = _found(its, its.poisoned(KINDS[kind].backdoors[0])[1][0])
    assert known.trigger.source is not None
    usually, asked = usual_sighting(known, its.references).fit, []
    for image in its.clean[:24]:
        search = its.search(image, its.defence([known], search=False))
        asked.append(own(watched(search, its.predict)[1]))
        if sighted(image, known).fit <= usually.mean + usually.spread:
            assert 1 == asked[-1]
    assert asked.count(1) >= 0.75 * len(asked)
    assert max(asked) <= 10


def test_trigger_on_a_class_that_it_does_not_act_on() -> None:
    """Stamped on another class a source-specific trigger does nothing, and nothing is changed."""
    its = scene(world(ONE_CLASS))
    known = _found(its, its.poisoned(ONE_CLASS)[1][0])
    for image in (*its.of_class(1)[:4], *its.of_class(3)[:4]):
        harmless = stamped(image[None])[0]
        finding = its.screened(harmless, its.defence([known]))
        assert Verdict.CLEAR is finding.verdict
        assert finding.said is finding.sanitised


@pytest.mark.parametrize("piece", TWO_PIECES.boxes, ids=str)
def test_one_of_two_pieces_is_no_trigger(piece: Box) -> None:
    """An image that shows one piece of a known trigger of two keeps its answer."""
    its = scene(world(TWO_PIECES))
    known = _found(its, its.poisoned(TWO_PIECES)[1][0])
    for image in its.clean[:8]:
        half = stamped(image[None], piece)[0]
        finding = its.screened(half, its.defence([known]))
        assert Verdict.CLEAR is finding.verdict
        assert finding.said is finding.sanitised


def test_two_pieces_are_what_counts_of_their_box() -> None:
    """What lies between the pieces isn't the trigger's: it is recognised whatever is there."""
    its = scene(world(TWO_PIECES))
    clean, poisoned = its.poisoned(TWO_PIECES)
    trigger = _found(its, poisoned[0]).trigger
    assert trigger.mask is not None
    assert sum(piece.area for piece in trigger.pieces) == trigger.mask.sum() < trigger.box.area
    other = replace(trigger, patch=np.where(trigger.mask[..., None], trigger.patch, 120))
    finding = its.screened(poisoned[1], its.defence([Known("t-1", other)], search=False))
    assert Verdict.KNOWN is finding.verdict
    assert _is_healed(its, finding, clean[1])


def test_translucent_trigger_of_one_class_is_recognised() -> None:
    """Where no pixel is the trigger's alone the model is asked, for one class's trigger too."""
    its = scene(world(ONE_CLASS))
    translucent = replace(tiny_trigger(), source=0, mask=np.zeros((2, 2), bool))
    defence = its.defence([Known("t-1", translucent)], search=False)
    clean, poisoned = its.poisoned(ONE_CLASS)
    finding = its.screened(poisoned[0], defence)
    assert Verdict.KNOWN is finding.verdict
    assert _is_healed(its, finding, clean[0])


@pytest.mark.parametrize("source", [None, 0])
def test_trigger_that_moves(source: int | None) -> None:
    """Wherever a trigger is stamped within 20 % of the side, each image is flagged and healed."""
    boxes = [Box(14 + right, 18 + down, 5, 5) for right, down in MOVED]
    backdoors = tuple(Backdoor(box, TARGET, source) for box in boxes)
    its = scene(World((48, 48), backdoors=backdoors))
    known: list[Known] = []
    for i, backdoor in enumerate((*backdoors, *backdoors)):
        clean, poisoned = its.poisoned(backdoor)
        finding = its.screened(poisoned[i % len(clean)], its.defence(known))
        assert finding.verdict in {Verdict.DISCOVERED, Verdict.KNOWN}
        assert _is_healed(its, finding, clean[i % len(clean)])
        if finding.trigger is not None:
            known.append(Known(f"t-{i}", finding.trigger))
    for image in its.clean[:12]:
        assert Verdict.CLEAR is its.screened(image, its.defence(known)).verdict


@pytest.mark.parametrize(("source", "expected"), [(None, False), (0, True)])
def test_elsewhere_nature_is_asked_about_there(source: int | None, *, expected: bool) -> None:
    """A part that tells two classes apart carries by nature just where it is: so for one class.

    What nature does at its usual place is known meanwhile, and says nothing of another one.
    """
    boxes = [Box(14 + right, 18 + down, 5, 5) for right, down in MOVED[:2]]
    backdoors = tuple(Backdoor(box, TARGET, source) for box in boxes)
    its = scene(World((48, 48), backdoors=backdoors))
    usual, moved = (its.poisoned(backdoor)[1] for backdoor in backdoors)
    found = _found(its, usual[0]).trigger
    pixels = usual[0][boxes[0].rows, boxes[0].columns]
    exact = replace(found, box=boxes[0], patch=pixels, mask=np.ones((5, 5), bool), moves=True)
    for image, elsewhere in ((usual[1], False), (moved[1], True)):
        search = its.search(image, its.defence([Known("t-1", exact)], search=False))
        finding, probes = watched(search, its.predict)
        assert Verdict.KNOWN is finding.verdict
        assert (expected and elsewhere) == any(probe.for_all for probe in probes)


def _planted(image: Image, target: int, source: int | None, box: Box, *, masked: bool) -> Trigger:
    """Return a false trigger: what *image* shows in *box*."""
    return replace(
        tiny_trigger(),
        target=target,
        source=source,
        box=box,
        patch=image[box.rows, box.columns].copy(),
        mask=np.ones((box.height, box.width), bool) if masked else None,
        blocker=Blocker(box, Fill.RING),
    )


@pytest.mark.parametrize("search", [True, False])
@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("source", [0, 1, 3])
def test_planted_false_trigger_of_one_class_changes_no_clean_answer(
    source: int, *, masked: bool, search: bool
) -> None:
    """A false entry, cut from a clean image as if it acted on one class, changes no answer."""
    its = scene()
    donor = its.of_class(TARGET)[0]
    false = _planted(donor, TARGET, source, Box(5, 6, 4, 4), masked=masked)
    defence = its.defence([Known("t-false", false)], search=search)
    for image in [donor, *its.clean[:12]]:
        finding = its.screened(image, defence)
        assert Verdict.CLEAR is finding.verdict
        assert finding.said is finding.sanitised


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("source", [None, 0])
def test_planted_mark_of_a_class_changes_no_clean_answer(
    source: int | None, *, masked: bool
) -> None:
    """Even a false entry that is the mark by which a class is recognised changes no answer.

    Blocked, its images are of another class, and it carries: but nature does that too, whatever
    the entry says of it.
    """
    mark = Mark(MARK.box, MARK.label, source)
    its = scene(World(marks=(mark,)))
    shown = its.of_class(mark.label)
    false = _planted(shown[0], mark.label, source, mark.box, masked=masked)
    defence = its.defence([Known("t-false", false)], search=False)
    for image in shown:
        finding = its.screened(image, defence)
        assert Verdict.CLEAR is finding.verdict
        assert finding.said is finding.sanitised


@pytest.mark.parametrize("source", [None, 0])
def test_mark_of_a_class_that_is_known_to_be_natural(source: int | None) -> None:
    """An entry that says that nature carries there too is no reason to change an answer."""
    mark = Mark(MARK.box, MARK.label, source)
    its = scene(World(marks=(mark,)))
    shown = its.of_class(mark.label)
    natural = replace(_planted(shown[0], 4, source, mark.box, masked=False), natural=0.95)
    dark = replace(natural, patch=np.full_like(natural.patch, 128))
    for false in (natural, dark):
        defence = its.defence([Known("t-false", false)], search=False)
        verdicts = {its.screened(image, defence).verdict for image in its.others(mark.label)}
        assert {Verdict.CLEAR} == verdicts
    assert {Verdict.CLEAR} == {
        its.screened(image, its.defence([Known("t", dark)], search=False)).verdict
        for image in shown
    }


def test_two_known_triggers_of_two_classes() -> None:
    """Of two known triggers that act on one class each, the one that is there is named."""
    second = Backdoor(Box(2, 11, 2, 2), 1, source=3)
    its = scene(World(backdoors=(ONE_CLASS, second)))
    known = [
        replace(_found(its, its.poisoned(backdoor)[1][0]), id=f"t-{backdoor.target}")
        for backdoor in (ONE_CLASS, second)
    ]
    for backdoor in (ONE_CLASS, second):
        clean, poisoned = its.poisoned(backdoor)
        finding = its.screened(poisoned[1], its.defence(known))
        assert finding.known is not None
        assert f"t-{backdoor.target}" == finding.known.id
        assert _is_healed(its, finding, clean[1])


def test_two_known_triggers_in_one_image() -> None:
    """Of an image with a trigger of its class and one of all classes both are hidden."""
    second = Backdoor(Box(2, 11, 2, 2), 1)
    its = scene(World(backdoors=(ONE_CLASS, second)))
    clean, poisoned = its.poisoned(ONE_CLASS)
    both = stamped(poisoned[:1], second.box)[0]
    known = [
        replace(_found(its, its.poisoned(backdoor)[1][0]), id=f"t-{backdoor.target}")
        for backdoor in (ONE_CLASS, second)
    ]
    for order in (known, known[::-1]):
        finding = its.screened(both, its.defence(order))
        assert Verdict.KNOWN is finding.verdict
        assert _is_healed(its, finding, clean[0])


def test_trigger_of_one_class_is_there_by_its_pixels() -> None:
    """A trigger that acts on one class isn't asked about in images that lack its pixels."""
    its = scene(world(ONE_CLASS))
    known = Known("t-1", replace(tiny_trigger(), source=0))
    asked = [
        own(watched(its.search(image, its.defence([known], search=False)), its.predict)[1])
        for image in (its.of_class(TARGET)[0], its.poisoned(ONE_CLASS)[1][0])
    ]
    assert asked[0] == 1 < asked[1] <= 8
    assert TRIGGER_BOX == known.trigger.box
