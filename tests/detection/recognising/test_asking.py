"""Known triggers: recognised in one round trip, never mistaken, never let through."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.defence import Known, Verdict
from app.detection.evidence.usual import Usual
from app.detection.geometry import Box
from app.detection.recognising.asking import GLIMPSED, GLIMPSED_SIDE, likely_there
from app.detection.recognising.questions import BLOCKED, TRANSPLANTS
from app.detection.recognising.sighting import UsualSighting, located
from app.detection.reference_set.references import Calibration, References
from app.detection.search import Answers
from app.detection.trigger import Blocker, Fill
from tests.detection.scenes import Scene, World, own, refused, scene, told, watched
from tests.detection.stickers import as_jpeg, photograph, sticker, sticker_trigger, stuck
from tests.detection.usuals import fits_about
from tests.tiny import BACKDOOR, SIDE, TARGET, Backdoor, stamped, tiny_trigger

if TYPE_CHECKING:
    from app.detection.search import Image, Images
    from app.detection.trigger import Trigger

MASKED = replace(tiny_trigger(), mask=np.ones((2, 2), bool))
SECOND = Backdoor(Box(2, 11, 2, 2), 0)


def _known(mask: bool = True) -> Known:  # noqa: FBT001, FBT002
    return Known("t-1", MASKED if mask else tiny_trigger())


@pytest.mark.parametrize("search", [True, False])
@pytest.mark.parametrize("world", [World(), World(scored=False)], ids=["scores", "labels"])
def test_known_trigger_takes_one_round_trip(world: World, *, search: bool) -> None:
    """A poisoned image is recognised with at most seven probes in one round, and healed."""
    its = scene(world)
    for clean in its.others(TARGET)[:6]:
        poisoned = stamped(clean[None])[0]
        defence = its.defence([_known()], search=search)
        finding, probes = watched(its.search(poisoned, defence), its.predict)
        assert Verdict.KNOWN is finding.verdict
        assert finding.known is not None
        assert finding.sanitised is not None
        assert ("t-1", its.label(clean)) == (finding.known.id, int(finding.sanitised.labels[0]))
        assert 1 == sum(bool(probe.own) for probe in probes)
        assert own(probes) <= 7


def test_known_trigger_in_grey() -> None:
    """Grey images are recognised in the same way."""
    its = scene(World(channels=1))
    clean = its.others(TARGET)[0]
    known = Known("t-1", tiny_trigger(channels=1))
    finding, probes = watched(
        its.search(stamped(clean[None])[0], its.defence([known])), its.predict
    )
    assert Verdict.KNOWN is finding.verdict
    assert 1 == sum(bool(probe.own) for probe in probes)


def test_discovered_trigger_is_recognised_next_time() -> None:
    """What one image revealed recognises the next, healed as expected."""
    its = scene()
    first, second = its.others(TARGET)[:2]
    trigger = its.screened(stamped(first[None])[0]).trigger
    assert trigger is not None
    finding, probes = watched(
        its.search(stamped(second[None])[0], its.defence([Known("t-9", trigger)])), its.predict
    )
    assert Verdict.KNOWN is finding.verdict
    assert finding.sanitised is not None
    assert its.label(second) == int(finding.sanitised.labels[0])
    assert own(probes) <= 7


def test_one_outlined_in_an_image_is_asked_about_at_its_place_where_it_fits_nothing() -> None:
    """A translucent one's are half that image's own, and another image has them somewhere else."""
    its = scene(World(shape=(64, 64)))
    poisoned = stamped(its.others(TARGET)[:1])[0]
    home, beside = BACKDOOR.box, Box(BACKDOOR.box.x + 4, BACKDOOR.box.y, 2, 2)
    patch = 255 - poisoned[home.rows, home.columns]
    poisoned[beside.rows, beside.columns] = patch
    outlined = replace(tiny_trigger(), patch=patch, outline=np.ones((2, 2), bool))
    unlike = Known("t-1", replace(outlined, image_height=64, image_width=64))
    often = UsualSighting(fits_about(0.9, 0.3), Usual(0.9, 0.3))
    its.references.usual_sightings[unlike.likeness] = often
    assert 0.0 == located(poisoned, unlike, its.references).fit
    finding, probes = watched(its.search(poisoned, its.defence([unlike])), its.predict)
    hidden = [origin.hidden for probe in probes for origin in probe.origins or ()]
    assert (home,) in hidden
    assert Verdict.KNOWN is finding.verdict


def test_in_a_photograph_the_box_of_one_class_is_asked_about_where_it_fits_less_than_usual() -> (
    None
):
    """A translucent one's is half the background of the image that it was found in."""
    its = scene(World(shape=(GLIMPSED_SIDE, GLIMPSED_SIDE)))
    clean = its.others(TARGET)[0]
    poisoned = stamped(clean[None])[0]
    patch = 255 - poisoned[BACKDOOR.box.rows, BACKDOOR.box.columns]
    large = replace(tiny_trigger(), image_height=GLIMPSED_SIDE, image_width=GLIMPSED_SIDE)
    known = Known("t-1", replace(large, patch=patch, source=its.label(clean)))
    often = UsualSighting(fits_about(0.9, 0.3), Usual(0.9, 0.3))
    its.references.usual_sightings[known.likeness] = often
    finding, _ = watched(its.search(poisoned, its.defence([known], search=False)), its.predict)
    assert Verdict.KNOWN is finding.verdict


def test_what_is_left_of_a_known_trigger_is_recognised() -> None:
    """What shows none of its pixels, but opens the backdoor where it always lies, is healed.

    It is what the image can't do without, and clean images show nothing like it there.
    """
    its = scene()
    box = Box(BACKDOOR.box.x - 1, BACKDOOR.box.y - 1, 4, 4)
    other = np.random.default_rng(1).choice([0, 110], (4, 4, 3)).astype(np.uint8)
    known = Known("t-1", replace(MASKED, box=box, patch=other, mask=np.ones((4, 4), bool)))
    for clean in its.others(TARGET)[:6]:
        defence = its.defence([known], search=False)
        finding, _ = watched(its.search(stamped(clean[None])[0], defence), its.predict)
        assert Verdict.KNOWN is finding.verdict
        assert finding.sanitised is not None
        assert its.label(clean) == int(finding.sanitised.labels[0])


@pytest.mark.parametrize("mask", [True, False])
def test_clean_images_pass_a_known_trigger(*, mask: bool) -> None:
    """A clean image keeps its answer; one that shows nothing of the trigger costs no probe."""
    its = scene()
    defence = its.defence([_known(mask)], search=False)
    for image in its.clean[:20]:
        finding, probes = watched(its.search(image, defence), its.predict)
        assert Verdict.CLEAR is finding.verdict
        assert finding.said is finding.sanitised
        assert 1 == own(probes)


@pytest.mark.parametrize("quality", [50, 75, 95])
def test_a_known_one_in_a_small_jpeg_is_asked_about_with_the_image(quality: int) -> None:
    """Its pixels aren't as they were stored, but at its place no clean image shows as much of them.

    Of more than a few known ones that isn't looked at: each takes CPU time.
    """
    images = np.stack([photograph(i) for i in range(40)])
    calibration = Calibration(np.arange(40) % 4, np.zeros((0, 0), np.int64), None)
    references = References(images, calibration, {}, 1)
    known = Known("t-s", sticker_trigger(sticker(), Box(20, 30, 12, 12)))
    image = as_jpeg(stuck(photograph(50), sticker(), known.trigger.box), quality)
    (seen,) = likely_there(image, (known,), references)
    assert (known.trigger.box,) == seen.places
    assert [] == likely_there(photograph(50), (known,), references)
    elsewhere = replace(known.trigger, box=Box(40, 4, 12, 12))
    others = tuple(Known(f"t-{i}", elsewhere) for i in range(GLIMPSED))
    assert [] == likely_there(as_jpeg(image, 50), (known, *others), references)


def _photographs(side: int = 64) -> References:
    images = np.stack([photograph(i, side) for i in range(20)])
    calibration = Calibration(np.arange(20) % 4, np.zeros((0, 0), np.int64), None)
    return References(images, calibration, {}, 1)


@pytest.mark.parametrize("side", [GLIMPSED_SIDE - 1, GLIMPSED_SIDE])
@pytest.mark.parametrize("size", [24, 32])
def test_a_known_one_beside_its_place_is_asked_about_with_the_image(side: int, size: int) -> None:
    """In another size, too, with a large one: in a small one the search takes more than it spares.

    In its own size it doesn't.
    """
    known = Known("t-s", sticker_trigger(sticker(side=24), Box(60, 60, 24, 24), side))
    image = stuck(photograph(50, side), sticker(side=24), Box(68, 54, size, size))
    seen = likely_there(image, (known,), _photographs(side))
    assert (side >= GLIMPSED_SIDE or known.trigger.box.width == size) is bool(seen)
    assert all(one.places[0].overlap(Box(68, 54, size, size)) >= 0.5 for one in seen)


@pytest.mark.parametrize("moves", [False, True])
@pytest.mark.parametrize("off", [1, 2, 4, 30])
def test_in_a_small_image_it_is_asked_about_beside_its_place(*, moves: bool, off: int) -> None:
    """A few pixels beside it, where little of it shows just there; anywhere if it moves."""
    home, place = Box(10, 30, 12, 12), Box(10 + off, 30, 12, 12)
    known = Known("t-s", replace(sticker_trigger(sticker(), home), moves=moves))
    references = _photographs()
    seen = likely_there(stuck(photograph(50), sticker(), place), (known,), references)
    assert (moves or off < 30) is bool(seen)
    assert all(one.places[0].overlap(place) >= 0.6 for one in seen)
    clean = [likely_there(photograph(i), (known,), references) for i in range(50, 100)]
    assert sum(map(bool, clean)) <= 3


@pytest.mark.parametrize("off", [0, 3])
def test_what_was_found_twice_is_asked_about_once(off: int) -> None:
    """The entry that fits better, with one of another target that lies there as well."""
    home = Box(20, 30, 12, 12)
    image = stuck(photograph(50), sticker(), replace(home, x=home.x + off))
    known = Known("t-s", sticker_trigger(sticker(), home))
    loose = home.grown(1, 64, 64)
    shown = stuck(photograph(3), sticker(), home)[loose.rows, loose.columns]
    again = Known("t-again", sticker_trigger(shown, loose))
    other = Known("t-other", replace(again.trigger, target=known.trigger.target + 1))
    for some, expected in (((again, known), {known}), ((known, other), {known, other})):
        seen = likely_there(image, some, _photographs())
        assert {one.known for one in seen} == expected


def test_only_images_of_the_target_are_suspected() -> None:
    """A trigger is asked about where the answer is its target; with its pixels known, less often.

    Without a mask wherever anything of it shows, with one where it fits better than usual. In other
    images only where its usual place happens to show more of it than clean ones do.
    """
    its = scene()
    suspected = []
    for mask in (False, True):
        known = _textured(_known(mask))
        defence = its.defence([known], search=False)
        faint = [_faintly(image, known.trigger) for image in its.clean]
        asked = [own(watched(its.search(image, defence), its.predict)[1]) for image in faint]
        of_target = [its.label(image) == TARGET for image in faint]
        others = [n > 1 for n, is_target in zip(asked, of_target, strict=True) if not is_target]
        assert 0.15 >= np.mean(others)
        assert max(asked) <= 1 + BLOCKED + TRANSPLANTS
        suspected.append(sum(n > 1 for n in asked))
    assert suspected[0] > suspected[1]


def _faintly(image: Image, trigger: Trigger) -> Image:
    """Return *image* with a hint of *trigger* at its place, which isn't new to clean images."""
    shown, place = image.astype(np.float64), (trigger.box.rows, trigger.box.columns)
    shown[place] += 0.06 * (trigger.patch - shown[place])
    return np.rint(shown).astype(np.uint8)


def _textured(known: Known) -> Known:
    """Return *known* with pixels that a noisy image shows a little of everywhere."""
    rng = np.random.default_rng(3)
    patch = rng.integers(40, 120, known.trigger.patch.shape).astype(np.uint8)
    return Known(known.id, replace(known.trigger, patch=patch))


def test_several_known_triggers() -> None:
    """Of many known triggers the one that the image carries is named."""
    its = scene(World(backdoors=(BACKDOOR, SECOND)))
    second = replace(MASKED, target=0, box=SECOND.box, blocker=Blocker(SECOND.box, Fill.RING))
    known = [Known("t-1", MASKED), Known("t-2", second)]
    for backdoor, name in ((BACKDOOR, "t-1"), (SECOND, "t-2")):
        _, poisoned = its.poisoned(backdoor)
        finding = its.screened(poisoned[0], its.defence(known))
        assert finding.known is not None
        assert name == finding.known.id


def test_the_right_one_of_many_that_look_alike() -> None:
    """More triggers whose pixels are there than fit the first round: each is asked in the end."""
    its = scene()
    wrong = [Known(f"t-{i}", replace(MASKED, target=i % 2)) for i in range(5)]
    finding = its.screened(
        stamped(its.of_class(3)[:1])[0], its.defence([*wrong, Known("t-right", MASKED)])
    )
    assert finding.known is not None
    assert "t-right" == finding.known.id


def _many(box: Box, count: int = 60) -> list[Known]:
    """Return triggers of the target class all over the image, whose pixels don't decide yet.

    One of them is the true one, at *box*: it alone shows the true pixels.
    """
    rng = np.random.default_rng(4)
    boxes = [Box(int(x), int(y), 2, 2) for x, y in rng.integers(0, SIDE - 2, (count, 2))]
    boxes[count // 2] = box
    some = rng.integers(40, 120, (count, 2, 2, 3)).astype(np.uint8)
    some[count // 2] = MASKED.patch
    return [
        Known(
            f"t-{i}",
            replace(MASKED, mask=None, patch=patch, box=one, blocker=Blocker(one, Fill.RING)),
        )
        for i, (one, patch) in enumerate(zip(boxes, some, strict=True))
    ]


def test_many_suspects_are_ruled_out_together() -> None:
    """Of many triggers that a clean image of their class may carry most are asked in groups."""
    its = scene()
    image = its.of_class(TARGET)[0]
    finding, asked = watched(
        its.search(image, its.defence(_many(BACKDOOR.box), search=False)), its.predict
    )
    assert Verdict.CLEAR is finding.verdict
    assert sum(map(len, asked)) < 60


def test_one_of_many_suspects_is_found() -> None:
    """An image that carries one of many triggers is answered without it."""
    its = scene()
    clean, poisoned = its.poisoned(BACKDOOR)
    finding, asked = watched(
        its.search(poisoned[0], its.defence(_many(BACKDOOR.box), search=False)), its.predict
    )
    assert Verdict.KNOWN is finding.verdict
    assert finding.sanitised is not None
    assert its.label(clean[0]) == int(finding.sanitised.labels[0])
    assert sum(map(len, asked)) < 150


def test_a_new_trigger_is_found_beside_a_known_one() -> None:
    """Knowing one trigger doesn't end the search for others."""
    its = scene(World(backdoors=(BACKDOOR, SECOND)))
    _, poisoned = its.poisoned(SECOND)
    finding = its.screened(poisoned[0], its.defence([_known()]))
    assert Verdict.DISCOVERED is finding.verdict
    assert finding.trigger is not None
    assert SECOND.target == finding.trigger.target


@pytest.mark.parametrize("target", range(4))
@pytest.mark.parametrize("mask", [None, np.ones((4, 4), bool), np.zeros((4, 4), bool)])
def test_planted_false_trigger_changes_no_clean_answer(
    target: int, mask: np.ndarray[tuple[int, int], np.dtype[np.bool_]] | None
) -> None:
    """A false entry in the library, cut from a clean image of its class, changes no answer."""
    its = scene()
    donor, box = its.of_class(target)[0], Box(5, 6, 4, 4)
    false = replace(
        tiny_trigger(),
        target=target,
        box=box,
        patch=donor[box.rows, box.columns].copy(),
        mask=mask,
        blocker=Blocker(box, Fill.RING),
    )
    defence = its.defence([Known("t-false", false)], search=False)
    for image in [donor, *its.clean[:16]]:
        finding = its.screened(image, defence)
        assert Verdict.CLEAR is finding.verdict
        assert finding.said is finding.sanitised


@pytest.mark.parametrize("mask", [True, False])
def test_refusal_says_what_is_exposed(*, mask: bool) -> None:
    """Refused before a known trigger is ruled out, the image is exposed; afterwards it isn't."""
    its = scene()
    image = its.of_class(TARGET)[0]
    defence = its.defence([_known(mask)])
    _, probes = watched(its.search(image, defence), its.predict)
    rounds = [
        refused(its.search(image, defence), its.predict, after) for after in range(len(probes))
    ]
    assert {Verdict.UNDECIDED} == {finding.verdict for finding in rounds}
    # With its pixels known the trigger is ruled out by the first answer, else by the second.
    ruled_out = 1 if mask else 2
    expected = [after < ruled_out for after in range(len(probes))]
    assert expected == [finding.exposed for finding in rounds]


def test_two_known_triggers_in_one_image() -> None:
    """Stamped with both, an image gets neither target but its own class: both are blocked."""
    its = scene(World(backdoors=(BACKDOOR, SECOND)))
    second = replace(MASKED, target=0, box=SECOND.box, blocker=Blocker(SECOND.box, Fill.RING))
    clean = its.of_class(3)[0]
    both = stamped(stamped(clean[None]), SECOND.box)[0]
    known = [Known("t-1", MASKED), Known("t-2", second)]
    finding = its.screened(both, its.defence(known))
    assert Verdict.KNOWN is finding.verdict
    assert finding.sanitised is not None
    assert [3] == finding.sanitised.labels.tolist()


def test_new_trigger_beside_a_known_one_in_one_image() -> None:
    """An image that reveals a new trigger and carries a known one gets its own class too."""
    its = scene(World(backdoors=(BACKDOOR, SECOND)))
    second = replace(MASKED, target=0, box=SECOND.box, blocker=Blocker(SECOND.box, Fill.RING))
    both = stamped(stamped(its.of_class(3)[:1]), SECOND.box)[0]
    finding = its.screened(both, its.defence([Known("t-2", second)]))
    assert Verdict.DISCOVERED is finding.verdict
    assert finding.sanitised is not None
    assert [3] == finding.sanitised.labels.tolist()


def test_known_trigger_with_few_references() -> None:
    """With two references of other classes a known trigger is still recognised, a clean image not.

    No empty probe is asked: an upstream would take it for a fault.
    """
    whole = scene()
    others = np.flatnonzero(whole.references.labels != TARGET)[:2]
    chosen = np.r_[others, np.flatnonzero(whole.references.labels == TARGET)]
    images, labels = whole.references.images[chosen], whole.references.labels[chosen]
    calibration = replace(
        whole.references.calibration,
        labels=labels,
        robust=np.zeros((len(whole.plan.bands), 1), np.int64),
    )
    references = replace(whole.references, images=images, calibration=calibration)
    its = replace(whole, references=references)
    defence = its.defence([_known(mask=False)], search=False)
    assert Verdict.KNOWN is its.screened(stamped(its.others(TARGET)[:1])[0], defence).verdict

    def left_when_blocked(images: Images) -> Answers:
        return Answers(np.where((images == clean).all(axis=(1, 2, 3)), TARGET, 0))

    clean = its.of_class(TARGET)[0]
    finding, probes = watched(its.search(clean, defence), left_when_blocked)
    assert Verdict.CLEAR is finding.verdict
    assert min(len(probe) for probe in probes) >= 1


@pytest.mark.parametrize("dismissed", [True, False])
@pytest.mark.parametrize(("height", "width", "channels"), [(20, 16, 3), (16, 20, 3), (16, 16, 1)])
def test_triggers_of_another_input_size_are_left_alone(
    height: int, width: int, channels: int, *, dismissed: bool
) -> None:
    """A trigger found at another input size tells nothing here, and breaks and hides nothing."""
    its = scene()
    stale = replace(tiny_trigger(channels), image_height=height, image_width=width)
    outside = replace(stale, box=Box(width - 6, height - 6, 6, 6))
    outside = replace(outside, patch=np.zeros((6, 6, channels), np.uint8))
    poisoned = stamped(its.others(TARGET)[:1])[0]
    old = [Known(f"t-{i}", trigger) for i, trigger in enumerate((stale, outside))]
    defence = its.defence(dismissed=old) if dismissed else its.defence(old)
    assert Verdict.DISCOVERED is its.screened(poisoned, defence).verdict


@pytest.mark.parametrize("target", range(4))
def test_answer_of_a_class_that_an_old_trigger_had(target: int) -> None:
    """A trigger of another input size isn't looked for in a healed image either."""
    its = scene()
    stale = replace(tiny_trigger(), target=target, image_width=90, box=Box(60, 5, 2, 2))
    known = [_known(), Known("t-old", stale)]
    clean = its.others(TARGET)[0]
    finding = its.screened(stamped(clean[None])[0], its.defence(known))
    assert Verdict.KNOWN is finding.verdict
    assert finding.sanitised is not None
    assert [its.label(clean)] == finding.sanitised.labels.tolist()


def _is_known(its: Scene, image: Image) -> bool:
    return its.screened(image, its.defence([_known()])).verdict is Verdict.KNOWN


def test_noise_on_the_trigger_is_forgiven() -> None:
    """A trigger whose pixels JPEG has moved by some levels is still recognised."""
    its = scene()
    poisoned = stamped(its.others(TARGET)[:1])[0]
    noise = np.random.default_rng(2).integers(0, 5, poisoned.shape).astype(np.uint8)
    assert _is_known(its, poisoned - noise)


@pytest.mark.parametrize(("resist", "expected"), [(1, 1), (2, 1)])
def test_references_that_resist_the_trigger_hide_nothing(resist: int, expected: int) -> None:
    """Where its pixels are all there and blocking heals, some transplants may fail."""
    its = scene()
    clean = its.others(TARGET)[0]
    poisoned = stamped(clean[None])[0]
    rounds = 0

    def resisting(asked: Images) -> Answers:
        nonlocal rounds
        rounds += 1
        answers = its.predict(asked)
        if rounds == 1:  # the image, blocked thrice, and the transplants: some resist
            answers.labels[1 + BLOCKED : 1 + BLOCKED + resist] = 1
        return answers

    search = its.search(poisoned, its.defence([_known()], search=False))
    finding, asked = told(search, its.predict, resisting)
    assert (Verdict.KNOWN, expected) == (finding.verdict, asked)
