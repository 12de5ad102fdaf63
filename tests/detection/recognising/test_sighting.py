"""Where a known trigger may lie in an image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.detection.defence import Known
from app.detection.evidence.usual import Usual, UsualFit, clearness
from app.detection.evidence.weighing import GUMBEL
from app.detection.geometry import Box
from app.detection.matching import hint, match_at, matches
from app.detection.recognising.sighting import (
    REACH,
    VERY_LIKELY,
    Sighting,
    UsualSighting,
    glimpsed,
    has_strayed,
    hinted,
    is_elsewhere,
    is_familiar,
    located,
    looked_at,
    nearest_asked,
    of_pixels,
    of_pixels_at_home,
    of_pixels_at_most,
    reach,
    sighted,
    unusual_near_home,
    usual_sighting,
)
from app.detection.reference_set.references import Calibration, References
from tests.detection.scenes import scene
from tests.detection.stickers import (
    SIDE,
    as_jpeg,
    photograph,
    pointed,
    sticker,
    sticker_trigger,
    stuck,
)
from tests.detection.usuals import fits_about
from tests.tiny import TARGET, tiny_trigger

HOME = Box(20, 30, 12, 12)
NEAR = Box(23, 28, 12, 12)
FAR = Box(48, 4, 12, 12)
LARGE = 128
STILL = Known("t", sticker_trigger(sticker(), HOME))
MOVING = Known("t", replace(STILL.trigger, moves=True))


def test_copies_are_all_found_just_as_finely() -> None:
    """None is brought to the pixel, as the one place is that it is looked for at else."""
    side, box = 96, Box(21, 33, 14, 12)
    image = stuck(photograph(1, side), sticker(), box)
    known = Known("t", sticker_trigger(sticker(), HOME, side))
    everywhere = Box(0, 0, side, side)
    rough, exact = (
        matches(image, known.core, everywhere, to_the_pixel=exactly)[0].fit
        for exactly in (False, True)
    )
    assert rough == sighted(image, known, everywhere=True).fit < exact


@pytest.mark.parametrize("known", [STILL, MOVING])
def test_at_its_usual_place(known: Known) -> None:
    """Where it always is it is seen just there, and nowhere else."""
    seen = sighted(stuck(photograph(1), sticker(), HOME), known)
    assert (HOME,) == seen.places
    assert seen.fit > 0.99


def test_near_its_usual_place() -> None:
    """A few pixels beside its place it is seen there; where that isn't clear, at its own too."""
    seen = sighted(stuck(photograph(1), sticker(), NEAR), STILL)
    assert seen.places[0].overlap(NEAR) >= 0.7
    assert seen.fit > 0.8


def test_seen_to_move_it_is_looked_for_everywhere() -> None:
    """Far from its place it is seen once it has been seen to move; before that it isn't."""
    image = stuck(photograph(1), sticker(), FAR)
    assert sighted(image, MOVING).places[0].overlap(FAR) >= 0.7
    assert sighted(image, STILL).fit < 0.5
    assert sighted(image, STILL, everywhere=True).places[0].overlap(FAR) >= 0.7


def test_one_that_moves_is_not_missed_among_what_is_like_it_when_shrunken() -> None:
    """Between two pixels of the shrunken copy it fits less there than five coarse likenesses do."""
    rng = np.random.default_rng(1)
    fine = np.where(rng.random((12, 12, 3)) < 0.5, 40, 215).astype(np.uint8)
    coarse = fine.reshape(6, 2, 6, 2, 3).mean(axis=(1, 3)).repeat(2, axis=0).repeat(2, axis=1)
    place = Box(37, 41, 12, 12)
    image = stuck(photograph(1), fine, place)
    for x, y in ((2, 2), (20, 2), (44, 2), (2, 24), (2, 48)):
        image = stuck(image, coarse.astype(np.uint8), Box(x, y, 12, 12))
    moving = Known("t", replace(sticker_trigger(fine, HOME), moves=True))
    assert place == sighted(image, moving).places[0]


POINTED = Box(50, 60, 23, 17)


def _pointed_once(*, moves: bool, exact: bool = False) -> Known:
    """Return a pointed sticker as one photograph shows it, on light ground."""
    seen, opaque = pointed(np.full((LARGE, LARGE, 3), 215, np.uint8), POINTED)
    trigger = sticker_trigger(as_jpeg(seen, 85)[POINTED.rows, POINTED.columns], POINTED, LARGE)
    own = opaque > 0.15
    mask, outline = (own, None) if exact else (None, own)
    return Known("t", replace(trigger, mask=mask, outline=outline, moves=moves))


@pytest.mark.parametrize("seed", range(2, 6))
@pytest.mark.parametrize("box", [Box(20, 30, 22, 12), Box(70, 80, 17, 21), Box(30, 90, 20, 15)])
def test_on_another_ground_it_is_seen_by_its_inside(box: Box, seed: int) -> None:
    """At its edge it is mixed with what it lay on, and now with other things, half dark."""
    ground = photograph(seed, LARGE)
    ground[:, : box.x + box.width // 2] //= 6
    image = as_jpeg(pointed(ground, box)[0], 85)
    known = _pointed_once(moves=True)
    seen = sighted(image, known)
    assert seen.places[0].overlap(box) >= 0.6
    assert seen.fit >= VERY_LIKELY + 0.05
    assert match_at(image, known.likeness, seen.places[0]).fit < seen.fit - 0.08


def test_the_edge_counts_where_it_always_is_and_where_there_is_hardly_more() -> None:
    """Of what stays at its place hits tell which pixels are its own; thin lines are all edge."""
    still, moving = (_pointed_once(moves=moves, exact=True) for moves in (False, True))
    assert still.likeness is still.core
    assert 0.5 <= moving.core.weights.sum() / moving.likeness.weights.sum() < 0.8
    assert moving.core.weights.shape == moving.likeness.weights.shape
    thin = np.zeros(moving.trigger.patch.shape[:2], bool)
    thin[::4] = thin[1::4] = True
    lines = Known("t", replace(moving.trigger, mask=thin))
    assert lines.likeness is lines.core
    assert MOVING.likeness is MOVING.core  # it is small


def test_the_edge_does_not_count_of_what_one_image_alone_has_shown() -> None:
    """Nobody knows yet which of its pixels are its own, nor if it moves."""
    assert _pointed_once(moves=False).core.weights.sum() < 0.8 * (
        _pointed_once(moves=False).likeness.weights.sum()
    )


def test_the_sides_of_its_box_are_edge() -> None:
    """Of what fills all of it the pixels around are left out, a pixel wide."""
    trigger = _pointed_once(moves=True, exact=True).trigger
    inside = Known("t", replace(trigger, mask=np.ones_like(trigger.own))).core.weights
    assert (inside[1:-1, 1:-1] == 1).all()
    assert inside.sum() == inside[1:-1, 1:-1].sum()


@pytest.mark.parametrize(
    ("weight", "half", "expected"),
    [(3.1, True, True), (2.9, False, True), (2.9, True, False), (1.9, False, False)],
)
def test_in_its_own_size_less_is_unusual_enough_of_what_is_likely_there(
    weight: float, *, half: bool, expected: bool
) -> None:
    """Where clean images vary so much that nothing is very unusual; not of what fits but half."""
    image = stuck(photograph(1), sticker(), NEAR)
    if half:
        image[NEAR.rows, NEAR.columns][:, 6:] = photograph(1)[NEAR.rows, NEAR.columns][:, 6:]
    fit, spread = hint(image, STILL.core, looked_at(STILL.trigger)), 0.05
    assert half is (fit < VERY_LIKELY)
    clear = Usual(clearness(fit) - (weight + 1) * GUMBEL * spread, spread)
    photographs = np.stack([photograph(seed) for seed in range(20, 40)])
    calibration = Calibration(np.arange(20) % 4, np.zeros((0, 0), np.int64))
    references = References(photographs, calibration, {}, 1)
    references.usual_in_own_size[STILL.likeness] = UsualFit(0.0, 0.0, clear)
    references.usual_at_home[STILL.likeness] = fits_about(1.0, spread)
    assert expected is (unusual_near_home(image, STILL, references) is not None)


def test_all_copies_are_seen_everywhere() -> None:
    """Looked for everywhere, each of its copies is one place."""
    image = photograph(1)
    for box in (HOME, FAR, Box(4, 50, 12, 12)):
        image = stuck(image, sticker(), box)
    seen = sighted(image, STILL, everywhere=True)
    assert 3 == len(seen.places)
    assert HOME in seen.places


def test_where_it_is_not_clear_its_own_place_counts_too() -> None:
    """What fits elsewhere, but not clearly, may be background: its usual place is blocked as well.

    Not so for one that has been seen to move: it has no usual place.
    """
    beside = Box(25, 35, 12, 12)
    faint = as_jpeg(stuck(photograph(1), sticker(), beside, alpha=0.5), 60)
    seen = sighted(faint, STILL)
    assert 0.3 < seen.fit < 0.7
    assert seen.places[0].overlap(beside) >= 0.6
    assert (HOME,) == seen.places[1:]
    assert 1 == len(sighted(faint, MOVING).places)


def test_it_is_looked_for_around_its_place() -> None:
    """By a share of the side, not out of the image; of all of the image if that is the share."""
    margin = round(REACH * SIDE)
    assert HOME.grown(margin, SIDE, SIDE) == reach(STILL.trigger, REACH)
    corner = replace(STILL.trigger, box=Box(0, 0, 12, 12))
    assert Box(0, 0, 12 + margin, 12 + margin) == reach(corner, REACH)
    assert Box(0, 0, SIDE, SIDE) == reach(STILL.trigger, 1.0)


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (HOME, False),
        (Box(22, 28, 12, 12), False),  # two pixels: where it always is
        (Box(23, 30, 12, 12), True),
        (Box(18, 28, 16, 16), False),  # larger, around the same middle
        (FAR, True),
    ],
)
def test_elsewhere_is_by_more_than_is_close(place: Box, expected: bool) -> None:  # noqa: FBT001
    """A place is another one if its middle is more than two pixels off, or a fiftieth."""
    assert expected == is_elsewhere(STILL.trigger, place)


def test_what_is_usual_is_measured_once_and_without_a_probe() -> None:
    """The fits of the references are kept for as long as the trigger is known."""
    references, known = scene().references, Known("t", tiny_trigger())
    usually = usual_sighting(known, references)
    assert 0 <= usually.fit.mean < 0.5
    assert 0 == usually.near.mean
    other = UsualSighting(fits_about(0.123, 0.2), usually.near)
    references.usual_sightings[known.likeness] = other
    assert other is usual_sighting(known, references)
    assert usually == usual_sighting(Known("t", tiny_trigger()), references)


def test_pixels_weigh_by_how_they_fit_or_by_how_near_they_are() -> None:
    """The better of the two counts: one of them may be as usual in clean images."""
    references, known = scene().references, Known("t", tiny_trigger())
    usually = usual_sighting(known, references)
    weights = [
        of_pixels(Sighting(known, (known.trigger.box,), fit, near), references)
        for fit, near in ((usually.fit.mean, 0.0), (1.0, 0.0), (usually.fit.mean, 1.0), (1.0, 1.0))
    ]
    assert weights[0] < 0 < min(weights[1:])
    assert max(weights) == weights[3]


def test_a_glimpse_tells_what_is_unusual() -> None:
    """A fit that is far beyond what clean images show counts, though it is no very good one."""
    references = photographs()
    image = as_jpeg(stuck(photograph(1), sticker(), NEAR, alpha=0.7), 60)
    assert 0.5 < sighted(image, STILL).fit < VERY_LIKELY
    seen = []
    for spread in (0.06, 0.3):
        usually = UsualSighting(fits_about(0.3, spread), Usual(0.9, 0.3))
        references.usual_sightings[STILL.likeness] = usually
        seen.append(glimpsed(image, STILL, references) is not None)
    assert [True, False] == seen


def test_a_glimpse_tells_if_it_likely_is_there() -> None:
    """Around its place, or anywhere if it moves, and in a clean photograph nowhere."""
    references = photographs()
    for known in (STILL, MOVING):
        usually = UsualSighting(fits_about(0.3, 0.1), Usual(0.1, 0.1))
        references.usual_sightings[known.likeness] = usually
    near, far = (stuck(photograph(1), sticker(), box) for box in (NEAR, FAR))
    sightings = [
        glimpsed(image, known, references) for image in (near, far) for known in (STILL, MOVING)
    ]
    seen = [one is not None for one in sightings]
    assert [True, True, False, True] == seen
    assert not any(glimpsed(photograph(seed), STILL, references) for seed in range(10, 20))


def test_a_glimpse_tells_a_translucent_one_at_its_place() -> None:
    """Where clean images show as much of it somewhere near, they hardly show it just there."""
    references = photographs()
    usually = UsualSighting(fits_about(0.7, 0.2), Usual(0.9, 0.3))
    references.usual_sightings[STILL.likeness] = usually
    home, near = (stuck(photograph(1), sticker(), box, alpha=0.4) for box in (HOME, NEAR))
    seen = glimpsed(home, STILL, references)
    assert seen is not None
    assert (HOME,) == seen.places
    assert of_pixels(seen, references) >= 3.0
    assert glimpsed(near, STILL, references) is None
    assert not any(glimpsed(photograph(seed), STILL, references) for seed in range(10, 40))


def test_its_levels_tell_it_where_clean_images_commonly_fit_as_well() -> None:
    """A white label fits clean photographs anywhere, but seldom have these its colours."""
    references = photographs()
    image, faint = (stuck(photograph(1), sticker(), NEAR, alpha=alpha) for alpha in (1.0, 0.5))
    seen = []
    for near in (Usual(0.1, 0.06), Usual(0.1, 0.5)):
        references.usual_sightings[STILL.likeness] = UsualSighting(fits_about(0.62, 0.06), near)
        seen += [glimpsed(one, STILL, references) is not None for one in (image, faint)]
    assert [True, False, False, False] == seen


def test_less_of_it_is_enough_just_at_its_place() -> None:
    """Most of what sets that place apart may be what lies behind it."""
    references = photographs()
    usually = UsualSighting(fits_about(0.7, 0.2), Usual(0.9, 0.3))
    references.usual_sightings[STILL.likeness] = usually
    weights = []
    for alpha in np.arange(0.06, 0.4, 0.01):
        seen = glimpsed(stuck(photograph(1), sticker(), HOME, alpha=alpha), STILL, references)
        weights += [] if seen is None else [of_pixels(seen, references)]
    assert 1.5 <= weights[0] < 3.0


@pytest.mark.parametrize(
    ("right", "expected"), [(0, False), (3, False), (5, False), (6, True), (30, True)]
)
def test_it_moves_when_it_has_strayed(right: int, expected: bool) -> None:  # noqa: FBT001
    """A sticker that is put by hand lies a little elsewhere each time; farther off it moves."""
    place = replace(HOME, x=HOME.x + right)
    image = stuck(photograph(1), sticker(), place)
    assert expected == has_strayed(STILL, image, place, photographs())


def test_it_has_strayed_where_a_search_has_found_it_about_there() -> None:
    """What is found anew is found to a few pixels: where it lies just so its own pixels tell."""
    place = replace(HOME, x=HOME.x + 14)
    image = stuck(photograph(1), sticker(), place)
    found = replace(place, x=place.x + 3, y=place.y - 3)
    assert has_strayed(STILL, image, found, photographs())


@pytest.mark.parametrize(
    ("levels", "expected"), [(Usual(0.1, 0.06), True), (Usual(0.5, 0.3), False)]
)
def test_its_levels_must_tell_that_it_strayed_where_clean_images_fit(
    levels: Usual,
    expected: bool,  # noqa: FBT001
) -> None:
    """A white label fits many places by its shape: looked for everywhere it would be lost."""
    references, place = photographs(), replace(HOME, x=HOME.x + 30)
    references.usual_sightings[STILL.likeness] = UsualSighting(fits_about(0.7, 0.2), levels)
    image = stuck(photograph(1), sticker(), place)
    assert expected == has_strayed(STILL, image, place, references)


def test_nature_is_asked_at_few_places() -> None:
    """A sticker that is put by hand a few pixels beside its place has the nature of that place."""
    home, half = STILL.trigger.box, STILL.trigger.box.width // 2
    near = [nearest_asked(STILL.trigger, replace(home, x=home.x + by)) for by in range(-2, 3)]
    assert [home] * 5 == near
    far = {nearest_asked(STILL.trigger, replace(home, x=home.x + by)) for by in range(4 * half)}
    assert 5 == len(far)
    assert all(0 <= box.x <= SIDE - box.width for box in far)


def test_it_doesnt_move_where_it_hardly_fits() -> None:
    """A box that is mostly background of another image fits many places somewhat."""
    place = replace(HOME, x=HOME.x + 30)
    assert not has_strayed(STILL, photograph(1), place, photographs())


@pytest.mark.parametrize(("usual_fit", "expected"), [(0.2, NEAR), (0.98, HOME)])
def test_another_place_counts_where_the_pixels_say_so(usual_fit: float, expected: Box) -> None:
    """Where clean images fit as well somewhere it may only lie where it always does."""
    image, references = stuck(photograph(1), sticker(), NEAR), scene().references
    usually = UsualSighting(fits_about(usual_fit, 0.06), Usual(usual_fit, 0.06))
    known = Known("t", sticker_trigger(sticker(), HOME))
    references.usual_sightings[known.likeness] = usually
    assert located(image, known, references).places[0].overlap(expected) >= 0.7


@pytest.mark.parametrize(
    ("natural", "noise", "expected"),
    [(0.25, 80, NEAR), (0.35, 80, HOME), (0.35, 20, NEAR)],
)
def test_where_nature_carries_another_place_has_to_be_very_likely(
    natural: float, noise: float, expected: Box
) -> None:
    """Beside a digit that tells two classes apart it carries too, at places nobody has measured."""
    stickered = stuck(photograph(1), sticker(), NEAR)
    blurred = stickered + np.random.default_rng(1).normal(0, noise, stickered.shape)
    image, references = np.clip(blurred, 0, 255).astype(np.uint8), scene().references
    known = Known("t", replace(sticker_trigger(sticker(), HOME), natural=natural))
    usually = UsualSighting(fits_about(0.2, 0.06), Usual(0.2, 0.06))
    references.usual_sightings[known.likeness] = usually
    assert located(image, known, references).places[0].overlap(expected) >= 0.7


def test_a_hint_is_the_fit_of_its_own_size_around_its_usual_place() -> None:
    """A sticker that lies nearby hints at itself, a clean photograph doesn't."""
    assert hinted(stuck(photograph(1), sticker(), NEAR), STILL).fit > 0.99
    clean = hinted(photograph(1), STILL)
    assert (HOME,) == clean.places
    assert clean.fit < 0.5


def test_it_is_familiar_once_it_is_measured() -> None:
    """What clean images show is measured of each trigger, but of none of another size."""
    references, known = scene().references, Known("t", tiny_trigger())
    assert not is_familiar(known, references)
    usual_sighting(known, references)
    assert is_familiar(known, references)
    assert is_familiar(STILL, references)


@pytest.mark.parametrize(("mean", "spread"), [(0.0, 0.06), (0.2, 0.06), (0.4, 0.15)])
@pytest.mark.parametrize(("fit", "near"), [(0.0, 0.0), (0.05, 0.9), (0.3, 0.1), (0.9, 0.2)])
def test_pixels_never_weigh_more_than_at_most(
    mean: float, spread: float, fit: float, near: float
) -> None:
    """Whatever is usual of them: so it needn't be measured where that isn't enough."""
    references, known = scene().references, Known("t", tiny_trigger())
    usually = UsualSighting(fits_about(mean, spread), Usual(mean, spread))
    references.usual_sightings[known.likeness] = usually
    seen = Sighting(known, (HOME,), fit, near)
    assert of_pixels(seen, references) <= of_pixels_at_most(seen)


def test_hardly_visible_at_its_place_it_says_more_than_at_any_place() -> None:
    """Clean images show something like it somewhere in reach, but hardly ever just there."""
    references = photographs()
    faint = stuck(photograph(1), sticker(), HOME, alpha=0.25)
    anywhere = of_pixels(sighted(faint, STILL), references)
    assert of_pixels_at_home(faint, STILL, references) > anywhere + 1.0
    for seed in range(10, 30):
        assert of_pixels_at_home(photograph(seed), STILL, references) < 1.5


def test_what_a_class_shows_at_that_place_by_nature_says_nothing_there() -> None:
    """Where images of the target have the mark at its place anyway, another one tells nothing."""
    references = photographs()
    marked = [
        stuck(image, sticker(), HOME) if label == TARGET else image
        for image, label in zip(references.images, references.labels, strict=True)
    ]
    by_nature = replace(references, images=np.stack(marked), usual_at_home={})
    assert of_pixels_at_home(stuck(photograph(1), sticker(), HOME), STILL, by_nature) < 0.0


def photographs() -> References:
    """Return photographs of two classes."""
    images = np.stack([photograph(seed) for seed in range(100, 124)])
    labels = np.arange(len(images)) % 2 + TARGET
    return References(images, Calibration(labels, np.zeros((0, 0), np.int64)), {}, 0)
