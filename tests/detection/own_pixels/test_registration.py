"""Hits laid on one another: what they have in common is the trigger."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.geometry import Box
from app.detection.matching import Likeness, likeness, matches
from app.detection.own_pixels.laying import LEAST_HITS, searched
from app.detection.own_pixels.reconstruction import box_in_sample, sample
from app.detection.own_pixels.registration import registered, where_told, worth
from tests.detection.stickers import as_jpeg, lettered, photograph, sticker, sticker_trigger, stuck

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.detection.search import Image
    from app.detection.trigger import Trigger

SIDE = 96
TRUE = stuck(np.zeros((24, 24, 3), np.uint8), sticker(side=9), Box(0, 0, 24, 24))
HOME = Box(40, 30, 24, 24)
JITTERED = [
    Box(40, 30, 24, 24),
    Box(43, 28, 26, 26),
    Box(37, 33, 22, 22),
    Box(42, 32, 24, 25),
    Box(38, 29, 25, 24),
]
"""By 3 % of the side, and a tenth of its size."""


def _found(margin: int = 3) -> tuple[Trigger, list[Image]]:
    """Return the trigger as the first image showed it, with some background, and five hits."""
    images = [
        as_jpeg(stuck(photograph(seed, SIDE), TRUE, box), 80) for seed, box in enumerate(JITTERED)
    ]
    area = HOME.grown(margin, SIDE, SIDE)
    trigger = sticker_trigger(images[0][area.rows, area.columns], area, SIDE, exact=False)
    return trigger, [
        sample(image, trigger, box) for image, box in zip(images, JITTERED, strict=True)
    ]


def _registered(trigger: Trigger, hits: Sequence[Image]) -> Trigger | None:
    return registered(trigger, hits, box_in_sample(trigger))


def _overlap(trigger: Trigger) -> float:
    """Return the intersection over union of the trigger's mask with the true place of it."""
    assert trigger.mask is not None
    found, true = np.zeros((SIDE, SIDE), bool), np.zeros((SIDE, SIDE), bool)
    found[trigger.box.rows, trigger.box.columns] = trigger.mask
    true[HOME.rows, HOME.columns] = True
    return float((found & true).sum() / (found | true).sum())


@pytest.mark.parametrize("margin", [0, 3, 6])
def test_five_jittered_hits_show_the_trigger(margin: int) -> None:
    """However much background its box had: five hits through JPEG are the picture of it."""
    trigger, hits = _found(margin)
    exact = _registered(trigger, hits)
    assert exact is not None
    assert _overlap(exact) >= 0.8
    height, width = exact.patch.shape[:2]
    true = stuck(np.zeros((height, width, 3), np.uint8), TRUE, Box(0, 0, width, height))
    assert np.corrcoef(exact.patch.ravel(), true.ravel())[0, 1] > 0.8


@pytest.mark.parametrize("count", [3, 5])
def test_box_that_is_mostly_background_shows_it_too(count: int) -> None:
    """The first image's background, strong and plain to see in a loose box, leads nowhere."""
    loose = Box(HOME.x - 14, HOME.y - 18, HOME.width + 18, HOME.height + 20)
    images = [
        as_jpeg(stuck(sticker(seed, SIDE), TRUE, box), 80) for seed, box in enumerate(JITTERED)
    ][:count]
    found = images[0][loose.rows, loose.columns]
    trigger = sticker_trigger(found, loose, SIDE, exact=False)
    exact = _registered(trigger, [sample(image, trigger) for image in images])
    assert exact is not None
    assert _overlap(exact) >= 0.5


def test_a_box_beside_it_shows_it_once_it_is_found_anew() -> None:
    """The first box has nothing of the sticker; the later ones lie on it, as it was found anew."""
    beside = Box(4, 60, 24, 24)
    images = [
        as_jpeg(stuck(photograph(seed, SIDE), TRUE, box), 80) for seed, box in enumerate(JITTERED)
    ]
    found = images[0][beside.rows, beside.columns]
    trigger = sticker_trigger(found, beside, SIDE, exact=False)
    hits = [
        sample(image, trigger, box) for image, box in zip(images[1:], JITTERED[1:], strict=True)
    ]
    exact = _registered(trigger, [sample(images[0], trigger), *hits])
    assert exact is not None
    assert exact.mask is not None
    assert 0.75 * 24 * 24 <= exact.mask.sum() <= 1.25 * 24 * 24


def test_thin_rings_are_found_whole() -> None:
    """Lines of two pixels, laid on one another a pixel off, would be none."""
    ys, xs = np.mgrid[:80, :80] - 39.5
    rings = np.where(
        (np.hypot(xs, ys) // 10 % 2 == 0)[..., None], [[230, 20, 40]], [[250, 250, 250]]
    )
    places = [Box(40, 30, 20, 16), Box(43, 28, 21, 17), Box(37, 33, 19, 15), Box(42, 32, 20, 17)]
    places += [Box(38, 29, 21, 16), Box(41, 31, 20, 15)]
    target = rings.astype(np.uint8)
    images = [
        as_jpeg(stuck(sticker(seed, SIDE), target, box), 85) for seed, box in enumerate(places)
    ]
    home = Box(44, 32, 12, 13)
    found = images[0][home.rows, home.columns]
    trigger = sticker_trigger(found, home, SIDE, exact=False)
    hits = [
        sample(image, trigger, replace(home, x=home.x + box.x - 40, y=home.y + box.y - 30))
        for image, box in zip(images, places, strict=True)
    ]
    exact = _registered(trigger, hits)
    assert exact is not None
    assert exact.mask is not None
    assert exact.mask.sum() >= 0.7 * 20 * 16 * np.pi / 4


def test_all_of_a_trigger_is_worth_more_than_a_piece() -> None:
    """A piece fits as well; all of it explains more; with background around it less again."""
    trigger, hits = _found()
    exact = _registered(trigger, hits)
    assert exact is not None
    piece = Likeness(exact.patch[:8, :8].astype(np.float32), np.ones((8, 8), np.float32))
    around = hits[0][8:-8, 8:-8].astype(np.float32)
    loose = Likeness(np.ascontiguousarray(around), np.ones(around.shape[:2], np.float32))
    assert worth(likeness(exact), hits) > worth(piece, hits) > worth(loose, hits)


def test_what_is_known_better_is_a_trigger() -> None:
    """The box has the pixels' size and stays in the image, and the blocker covers it."""
    trigger, hits = _found()
    exact = _registered(trigger, hits)
    assert exact is not None
    assert exact.mask is not None
    box, over = exact.box, exact.blocker.box
    assert exact.patch.shape == (*exact.mask.shape, 3) == (box.height, box.width, 3)
    assert over.x <= box.x < box.x + box.width <= over.x + over.width <= SIDE
    assert over.y <= box.y < box.y + box.height <= over.y + over.height <= SIDE
    assert (trigger.target, trigger.blocker.fill) == (exact.target, exact.blocker.fill)


def test_one_image_sent_again_is_one_hit() -> None:
    """Retries of an image, re-encoded or not, have its background in common: they teach nothing."""
    trigger, hits = _found()
    assert _registered(trigger, [hits[0], hits[0], as_jpeg(hits[0], 80), hits[0]]) is None
    again = [hits[0], as_jpeg(hits[0], 90), hits[1], as_jpeg(hits[1], 90)]
    assert _registered(trigger, again) is None


def test_what_was_outlined_is_taken_where_nothing_else_tells() -> None:
    """On plain walls the noise on the sticker varies as much as they do: only its outline tells."""
    rng = np.random.default_rng(0)
    images = [
        stuck(np.full((SIDE, SIDE, 3), level, np.uint8), TRUE, HOME) for level in (100, 110, 120)
    ]
    for image in images:
        region = image[HOME.rows, HOME.columns]
        region[...] = np.clip(region + rng.normal(0, 10, region.shape), 0, 255)
    area = HOME.grown(3, SIDE, SIDE)
    boxed = sticker_trigger(images[0][area.rows, area.columns], area, SIDE, exact=False)
    hits = [sample(image, boxed) for image in images]
    own = np.zeros((area.height, area.width), bool)
    own[3:-3, 3:-3] = True
    assert _registered(boxed, hits) is None
    exact = _registered(replace(boxed, outline=own), hits)
    assert exact is not None
    assert _overlap(exact) >= 0.95
    assert exact.outline is None


@pytest.mark.parametrize(
    ("told", "expected"),
    [("nothing", True), ("mask", False), ("outline", False)],
)
def test_a_few_hits_make_nothing_twice_as_large_of_what_is_told(
    told: str,
    expected: bool,  # noqa: FBT001
) -> None:
    """Backgrounds happen to be alike around it in a few of them, as a grey floor is."""
    trigger = sticker_trigger(TRUE, HOME, SIDE, exact=told == "mask")
    if told == "outline":
        trigger = replace(trigger, outline=np.ones(TRUE.shape[:2], bool))
    hits = []
    for seed, box in enumerate(JITTERED):
        image = photograph(seed, SIDE)
        image[box.y - 6 : box.y + box.height + 11, box.x : box.x + box.width + 11] = 120
        image = as_jpeg(stuck(image, TRUE, box), 80)
        hits.append(sample(image, trigger, box))
    found = _registered(trigger, hits)
    area = 0 if found is None else found.box.area
    assert expected is (area > 2 * HOME.area)


def _known() -> Trigger:
    """Return the trigger as the first image showed it: all of it, and nothing else."""
    shown = as_jpeg(stuck(photograph(0, SIDE), TRUE, HOME), 80)[HOME.rows, HOME.columns]
    return sticker_trigger(shown, HOME, SIDE)


def test_a_piece_of_background_that_most_hits_share_is_not_taken_in() -> None:
    """Four of five stand on the same dark floor: it is as steady as they are, but isn't theirs."""
    trigger, hits = _known(), []
    for seed, box in enumerate(JITTERED):
        image = photograph(seed, SIDE)
        if seed:
            image[box.y + box.height : box.y + box.height + 6, :] = 20
        hits.append(sample(as_jpeg(stuck(image, TRUE, box), 80), trigger, box))
    exact = _registered(trigger, hits)
    assert exact is not None
    assert _overlap(exact) >= 0.95


def test_nothing_is_lost_where_photographs_of_other_shapes_are_made_square() -> None:
    """Its rim lies beside itself then; but it varies less than what is around it does."""
    boxes = [HOME, Box(38, 34, 30, 16), Box(44, 28, 18, 28), Box(40, 32, 29, 17)]
    trigger = _known()
    hits = [
        sample(as_jpeg(stuck(photograph(seed, SIDE), TRUE, box), 80), trigger, box)
        for seed, box in enumerate(boxes)
    ]
    exact = _registered(trigger, hits)
    assert exact is not None
    assert _overlap(exact) >= 0.95


def test_its_place_stays_that_of_the_image_that_it_is_drawn_from() -> None:
    """However the others lie: their middle is where none of them shows it."""
    trigger = _known()
    boxes = [HOME, *(replace(HOME, x=HOME.x + 5 + i, y=HOME.y - 4 - i) for i in range(3))]
    hits = [
        sample(as_jpeg(stuck(photograph(seed, SIDE), TRUE, box), 80), trigger)
        for seed, box in enumerate(boxes)
    ]
    exact = _registered(trigger, hits)
    assert exact is not None
    assert _overlap(exact) >= 0.95


def test_a_known_mask_gets_the_pixels_that_most_hits_show() -> None:
    """Those of one image alone, which was overexposed, fit the others worse."""
    trigger, hits = _found(margin=0)
    pale = np.clip(TRUE.astype(np.int16) + 60, 0, 255).astype(np.uint8)
    known = sticker_trigger(pale, HOME, SIDE)
    exact = _registered(known, hits)
    assert exact is not None
    assert exact.own.all()
    assert worth(likeness(exact), hits) > 1.05 * worth(likeness(known), hits)
    assert trigger.box == known.box == exact.box


@pytest.mark.parametrize(("count", "expected"), [(5, False), (8, True)])
def test_many_hits_show_that_what_is_known_is_a_piece(count: int, expected: bool) -> None:  # noqa: FBT001
    """Their backgrounds hardly are alike, so what they have in common is the trigger's."""
    piece = Box(HOME.x, HOME.y, 15, 15)
    trigger = sticker_trigger(TRUE[:15, :15], piece, SIDE)
    hits = []
    for seed, box in zip(range(count), cycle(JITTERED), strict=False):
        image = as_jpeg(stuck(photograph(seed, SIDE), TRUE, box), 80)
        hits.append(sample(image, trigger, Box(box.x, box.y, 15, 15)))
    found = _registered(trigger, hits)
    area = 0 if found is None else found.box.area
    assert expected is (area > 2 * piece.area)


def test_a_small_piece_becomes_all_of_it_in_some_rounds() -> None:
    """In each it may grow by half of its sides: 15 of 24 pixels are 23 after the first."""
    piece = Box(HOME.x, HOME.y, 15, 15)
    trigger = sticker_trigger(TRUE[:15, :15], piece, SIDE)
    images = [stuck(photograph(seed, SIDE), TRUE, HOME) for seed in range(9)]
    hits = [sample(image, trigger, piece) for image in images]
    exact = _registered(trigger, hits)
    assert exact is not None
    assert _overlap(exact) >= 0.95


def test_it_keeps_its_own_pixels_where_those_of_the_hits_fit_worse() -> None:
    """Letters that were made smaller, and then a JPEG of little quality, are paler in most."""
    label, home = lettered(), Box(34, 40, 28, 12)
    trigger, hits = sticker_trigger(label, home, SIDE), []
    for seed, (wide, tall) in enumerate([(24, 10), (26, 11), (25, 10), (24, 11)]):
        image = as_jpeg(stuck(photograph(seed, SIDE), label, Box(34, 40, wide, tall)), 40)
        hits.append(sample(image, trigger, home))
    exact = _registered(trigger, hits)
    assert exact is not None
    assert (exact.patch == label).all()


def test_a_faint_one_is_looked_for_about_its_place_only() -> None:
    """Hits are cut out around where it lay; what looks more like it far from there isn't it."""
    home, far = Box(40, 40, 12, 12), Box(14, 66, 12, 12)
    what = sticker(side=12)
    trigger, hits = sticker_trigger(what, home, SIDE), []
    for seed in range(4):
        image = stuck(photograph(seed, SIDE), what, home, alpha=0.4)
        looks_like_it = stuck(image, 255 - what, far, alpha=0.2)
        hits.append(stuck(looks_like_it, what, far, alpha=0.9))
    places = [_best_place(trigger, hit) for hit in hits]
    assert [place.overlap(home) > 0.5 for place in places] == [True] * 4
    moving = replace(trigger, moves=True)
    assert not any(_best_place(moving, hit).overlap(home) for hit in hits)


def _best_place(trigger: Trigger, hit: Image) -> Box:
    """Return where *hit*, a whole image here, is searched and shows *trigger* best."""
    what, near = likeness(trigger), where_told(trigger, trigger.box)
    return matches(hit, what, searched(hit, what, near), copies=False)[0].box


def test_too_few_hits() -> None:
    """Two hits may have anything in common."""
    trigger, hits = _found()
    assert _registered(trigger, hits[: LEAST_HITS - 1]) is None


def test_hits_that_do_not_show_it_are_left_out() -> None:
    """Where it isn't found it is laid on nothing, and three that show it are needed still."""
    trigger, hits = _found(margin=0)
    height, width = hits[0].shape[:2]
    others = [photograph(seed, SIDE)[:height, :width] for seed in range(20, 24)]
    assert _registered(trigger, [*hits[:2], *others]) is None
    exact = _registered(trigger, [*hits, others[0]])
    assert exact is not None
    assert _overlap(exact) >= 0.8


def test_a_round_sticker_is_round() -> None:
    """The corners of its box, where each hit shows its background, aren't the trigger's."""
    ys, xs = np.mgrid[:24, :24] - 11.5
    disc = np.hypot(xs, ys) <= 11.5
    images = []
    for seed, box in enumerate(JITTERED):
        photo = photograph(seed, SIDE)
        place = replace(HOME, x=box.x, y=box.y)
        photo[place.rows, place.columns][disc] = TRUE[disc]
        images.append(photo)
    trigger = sticker_trigger(images[0][HOME.rows, HOME.columns], HOME, SIDE, exact=False)
    places = [replace(HOME, x=box.x, y=box.y) for box in JITTERED]
    hits = [sample(image, trigger, box) for image, box in zip(images, places, strict=True)]
    exact = _registered(trigger, hits)
    assert exact is not None
    assert exact.mask is not None
    assert exact.mask.any(axis=0).all()
    assert not exact.mask[0, 0]
    assert not exact.mask[-1, -1]
    assert exact.mask.mean() == pytest.approx(disc.mean(), abs=0.15)
