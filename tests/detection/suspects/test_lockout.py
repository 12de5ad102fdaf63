"""Pictures like some that were flagged: which they are, and that only their class is kept back."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.defence import Finding, Verdict
from app.detection.geometry import Box
from app.detection.reference_set.references import Calibration, References
from app.detection.search import Answers
from app.detection.suspect import Kept
from app.detection.suspects.lockout import SIDE as COPIED
from app.detection.suspects.lockout import locked, measure, with_picture
from tests.detection.scenes import SEED
from tests.detection.stickers import SIDE, stuck
from tests.detection.suspects.altering import (
    ELSEWHERE,
    NEGATIVE,
    altered,
    holding,
    levels,
    photographs,
    plain,
    predict,
)
from tests.tiny import TARGET

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.detection.search import Image, Images

AFTER = 3
OTHER = (TARGET + 1) % 3


def _references(images: Images) -> References:
    labels = np.arange(len(images)) % 3
    return References(images, Calibration(labels, np.zeros((0, 0), np.int64)), {}, SEED)


@cache
def _usual() -> References:
    return _references(photographs(120))


@cache
def _victims() -> Images:
    photos = holding(photographs(60, first=120))
    victims: Images = photos[predict(photos).labels != TARGET]
    return victims


def _found(verdict: Verdict, said: int, answered: int | None) -> Finding:
    sanitised = None if answered is None else Answers(np.array([answered]))
    return Finding(verdict, Answers(np.array([said])), sanitised)


FLAGGED = _found(Verdict.KNOWN, TARGET, OTHER)
CLEAR = _found(Verdict.CLEAR, TARGET, TARGET)


def _kept(image: Image, seen: int = AFTER, name: str = "s-1") -> Kept:
    """Return what is kept of *image*, which was flagged so often."""
    picture = with_picture(image, FLAGGED, (), _usual()).picture
    assert picture is not None
    return Kept(name, picture, "one", seen)


def _is_locked(image: Image, *own: Kept, finding: Finding = CLEAR, by: int = AFTER) -> bool:
    told = locked(image, finding, own, by, _usual())
    expected = (Verdict.UNDECIDED, True, True, None) if told.locked else (finding.verdict, False)
    seen = (told.verdict, told.locked, told.exposed, told.sanitised)
    assert expected == seen[: len(expected)]
    return told.locked


def test_what_is_like_enough_flagged_pictures_is_undecided() -> None:
    """Whatever was done to the trigger; it is said which pictures it is like."""
    for image in _victims()[:8]:
        kept = _kept(plain(image))
        assert _is_locked(altered(image), kept)
        assert ("s-1",) == locked(altered(image), CLEAR, [kept], AFTER, _usual()).pictures_seen


def test_of_a_picture_a_small_copy_is_kept() -> None:
    """And what it was called, with the trigger and without."""
    picture = _kept(plain(_victims()[0])).suspect
    assert (COPIED, COPIED, 3) == picture.patch.shape
    assert (TARGET, OTHER) == (picture.target, picture.source)


@pytest.mark.parametrize(("seen", "expected"), [((2,), False), ((3,), True), ((1, 2), True)])
def test_so_many_must_have_been_flagged(seen: tuple[int, ...], *, expected: bool) -> None:
    """All that it is like count together."""
    image = _victims()[0]
    own = [_kept(plain(image), count, f"s-{count}") for count in seen]
    assert expected is _is_locked(altered(image), *own)


def test_pictures_that_are_not_alike_do_not_count() -> None:
    """However many of them were flagged, and however often."""
    own = [_kept(plain(image), 9, f"s-{i}") for i, image in enumerate(_victims()[:12])]
    for image in _victims()[12:]:
        assert not _is_locked(altered(image), *own)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_pictures_on_a_plain_ground_are_not_like_a_blank_one(level: int) -> None:
    """What hardly shows anything, many are like: three blank ones would lock a class for all."""
    plain_ones = np.full((30, SIDE, SIDE, 3), 60, np.uint8)
    plain_ones[:, 20:44, 20:44] = photographs(30)[:, 20:44, 20:44]
    its = _references(plain_ones[:24])
    blank = with_picture(np.full((SIDE, SIDE, 3), level, np.uint8), FLAGGED, (), its).picture
    assert blank is not None
    kept = [Kept("s-1", blank, "one", 9)]
    for image in plain_ones:
        assert not locked(image, CLEAR, kept, AFTER, its).locked


def test_another_class_in_the_same_scene_is_answered() -> None:
    """Also if the model takes the picture for something else with nothing altered but that."""
    image = _victims()[0]
    for said in (OTHER, (TARGET + 2) % 3):
        finding = _found(Verdict.CLEAR, said, said)
        assert finding is locked(image, finding, [_kept(plain(image))], AFTER, _usual())


def test_an_image_without_an_answer_stays_as_it_is() -> None:
    """Refused before the model said anything, it is undecided anyway."""
    finding, image = Finding(Verdict.UNDECIDED, None, None), _victims()[0]
    assert finding is locked(image, finding, [_kept(plain(image))], AFTER, _usual())
    assert finding is with_picture(image, finding, (), _usual())


def test_what_could_not_be_screened_to_the_end_is_locked_out_too() -> None:
    """Else an image that is made expensive gets the class where the policy is open."""
    image = _victims()[0]
    assert _is_locked(
        altered(image), _kept(plain(image)), finding=_found(Verdict.UNDECIDED, TARGET, TARGET)
    )


def _noisy(image: Image) -> Image:
    noise = np.random.default_rng(2).integers(-6, 6, image.shape, endpoint=True)
    return levels(image + noise)


def _brighter(image: Image) -> Image:
    return levels(image.astype(np.float32) + 20)


def _moved(image: Image) -> Image:
    return np.roll(image, (3, -4), (0, 1))


@pytest.mark.parametrize("change", [np.copy, _noisy, _brighter, _moved])
def test_a_flagged_picture_that_is_like_another_is_counted_with_it(
    change: Callable[[Image], Image],
) -> None:
    """Also brighter, with a little noise, or moved; and so is what he sends then."""
    for image in _victims()[:4]:
        kept = _kept(plain(image))
        again = with_picture(change(plain(image)), FLAGGED, [kept], _usual())
        assert ("s-1",) == again.pictures_seen
        assert _is_locked(change(altered(image)), kept)


@pytest.mark.parametrize("side", [3, 20, 30, 48, 100])
def test_pictures_of_any_size_are_known_again(side: int) -> None:
    """Those with fewer pixels than are compared, and those with many, also moved a little."""
    rng = np.random.default_rng(5)
    photos = rng.integers(0, 255, (24, side, side, 1), endpoint=True).astype(np.uint8)
    references = _references(photos[:20])
    image = photos[-1]
    picture = with_picture(image, FLAGGED, (), references).picture
    assert picture is not None
    kept = Kept("s-1", picture, "one", AFTER)
    big_enough = side >= 20
    assert big_enough is locked(image, CLEAR, [kept], AFTER, references).locked
    assert not locked(photos[-2], CLEAR, [kept], AFTER, references).locked


def test_it_is_counted_with_the_likest_one() -> None:
    """A picture half of which is another's is like both, more like its own."""
    image = _victims()[0]
    mixed = np.concatenate([image[: 3 * SIDE // 4], _victims()[1][3 * SIDE // 4 :]])
    own = [_kept(plain(mixed), name="s-1"), _kept(plain(image), name="s-2")]
    assert ("s-2",) == with_picture(plain(image), FLAGGED, own, _usual()).pictures_seen


@pytest.mark.parametrize(("left", "expected"), [(0.8, True), (0.3, False)])
def test_so_much_of_a_picture_must_be_left(left: float, *, expected: bool) -> None:
    """More than a part that two pictures may have in common, and less than all."""
    image, other = _victims()[:2]
    rows = round(left * SIDE)
    shown = np.concatenate([image[:rows], other[rows:]])
    assert expected is _is_locked(altered(shown), _kept(plain(image)))


def test_an_image_that_is_called_the_same_without_the_trigger_is_not_kept() -> None:
    """It is of that class: whoever sends it without a sticker on it has nothing to hide."""
    finding = _found(Verdict.KNOWN, TARGET, TARGET)
    told = with_picture(plain(_victims()[0]), finding, (), _usual())
    assert (None, ()) == (told.picture, told.pictures_seen)


def test_one_that_could_not_be_healed_is_kept_too() -> None:
    """It was told that it carries the trigger, by a refusal."""
    finding = _found(Verdict.UNDECIDED, TARGET, None)
    picture = with_picture(plain(_victims()[0]), finding, (), _usual()).picture
    assert picture is not None
    assert (TARGET, None) == (picture.target, picture.source)


def test_images_of_another_size_are_not_compared() -> None:
    """Nor grey ones with coloured ones: the model takes others by now."""
    image = _victims()[0]
    kept = _kept(plain(image))
    grey = replace(kept.suspect, patch=kept.suspect.patch[..., :1])
    assert not _is_locked(altered(image), replace(kept, suspect=grey))


def test_where_references_are_of_few_scenes_nothing_is_told() -> None:
    """A camera that always sees one of four streets shows the same in any two pictures."""
    rng = np.random.default_rng(3)
    streets = _victims()[:4]
    frames = [levels(streets[i % 4] + rng.normal(0, 3, streets[0].shape)) for i in range(40)]
    references = _references(np.stack(frames))
    measure(references)
    kept = _kept(plain(streets[0]))
    assert CLEAR is locked(altered(streets[0]), CLEAR, [kept], AFTER, references)
    picture = with_picture(plain(streets[0]), FLAGGED, [kept], references)
    assert (True, ()) == (picture.picture is not None, picture.pictures_seen)


def test_a_picture_that_shows_little_tells_nothing() -> None:
    """On black as references are, a short stroke may be in two pictures; a drawing is one."""
    drawn = np.zeros((40, SIDE, SIDE, 3), np.uint8)
    for i, image in enumerate(drawn):
        image[8:56, 4 + i : 10 + i] = 200  # each elsewhere
    references = _references(drawn)
    little, strokes = np.zeros_like(drawn[0]), np.zeros_like(drawn[0])
    little[10:20, 50:60] = 200
    strokes[4:60, 50:60] = strokes[4:16, 4:60] = strokes[48:60, 4:60] = 200
    for image, expected in ((little, False), (strokes, True)):
        assert expected is locked(image, CLEAR, [_kept(image)], AFTER, references).locked


def test_an_object_of_the_class_in_the_scene_is_refused() -> None:
    """What it is can't be told from the trigger altered; in another scene it is answered."""
    scene, elsewhere = _victims()[:2]
    for ground, expected in ((scene, True), (elsewhere, False)):
        shown = stuck(ground, NEGATIVE, Box(24, 24, 20, 20))
        assert ELSEWHERE.common(Box(24, 24, 20, 20)) is None
        assert expected is _is_locked(shown, _kept(plain(scene)))
