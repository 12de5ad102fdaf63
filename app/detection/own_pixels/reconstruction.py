"""The trigger's own pixels, from several images that carried it (`docs/detection.md` 3.8)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from app.detection.matching import likeness, match_at
from app.detection.own_pixels.registration import MORE, fit, registered, where_told, worth
from app.detection.recognising.sighting import is_elsewhere
from app.detection.regions import bounds, hanging_together
from app.detection.trigger import Blocker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.detection.geometry import Box
    from app.detection.reference_set.references import References
    from app.detection.search import Image
    from app.detection.trigger import Trigger

MARGIN = 0.16  # of the image's side: so far around the box may the trigger reach
COVERED = 1  # pixels around the mask that are blocked with it
HITS = 3  # images that must have carried it
AGAIN = 24  # levels by which no pixel of an image that is sent again differs, re-encoded or not
NEAR = 6  # levels from the middle of all hits, within which a pixel is the same
NEARLY_ALL = 0.75  # of the hits that must be: one may lie a pixel off, or come through JPEG
SAME = 10  # levels from the references, within which they show the same
COMMON = 0.3  # share of the references that show the same there: then it is background
HALF = 0.5  # of its pixels: then what was laid on one another is background
EMPTY = 0.85  # of what is around the box, that is background where hits can't be told apart
LEAST_OWN = 0.1  # of the box, that must be the trigger's own: less is chance
BETTER = 0.02  # by which new pixels must fit the hits better than those known before
EXACT = 0.99  # fit of known pixels, from which on what explains more shares a piece of background
AS_LARGE = (
    0.5  # of what the registered hits have in common, or of what was known, that is the same there
)


def sample_box(trigger: Trigger, place: Box | None = None) -> Box:
    """Return the part of an image that is kept of a hit at *place*: the box and its surroundings.

    Of one size for all hits; elsewhere than at the trigger's own box it is moved, and not out of
    the image.
    """
    width, height = trigger.image_width, trigger.image_height
    margin = max(2, round(MARGIN * min(width, height)))
    home = trigger.box.grown(margin, width, height)
    if place is None or not is_elsewhere(trigger, place):
        return home
    (x, y), (home_x, home_y) = place.centre, trigger.box.centre
    left = min(max(home.x + x - home_x, 0), width - home.width)
    top = min(max(home.y + y - home_y, 0), height - home.height)
    return replace(home, x=left, y=top)


def sample(image: Image, trigger: Trigger, place: Box | None = None) -> NDArray[np.uint8]:
    """Cut out of *image* what is kept of a hit at *place*, or where the trigger always is."""
    area = sample_box(trigger, place)
    return image[area.rows, area.columns].copy()


def box_in_sample(trigger: Trigger) -> Box:
    """Return where the box lies in a sample."""
    area = sample_box(trigger)
    return replace(trigger.box, x=trigger.box.x - area.x, y=trigger.box.y - area.y)


def _cut_as_now(trigger: Trigger, samples: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    """Leave out the samples that were cut out around another box, before it was known better."""
    area = sample_box(trigger)
    shape = (area.height, area.width, trigger.patch.shape[2])
    return [hit for hit in samples if hit.shape == shape]


def reconstruct(
    trigger: Trigger, samples: Sequence[NDArray[np.uint8]], references: References
) -> Trigger | None:
    """Return *trigger* with its mask and exact pixels; None if they aren't known better by now.

    Its own are the pixels that are the same in all hits where it stands, that few references show
    there anyway, and that hang together with the box. A trigger that moves, or comes through JPEG
    and a resize, has few such: then the hits are laid on one another first (`registration`).
    """
    here = _cut_as_now(trigger, samples)
    if not here or _is_exact(trigger, here, sample_box(trigger)):
        return None
    if trigger.mask is None and trigger.outline is None:
        samples = here  # where the box lies in the others isn't known
    shared = exact = _where_it_stands(trigger, here, references)
    if exact is not None and trigger.mask is not None and not _fits_better(exact, trigger, samples):
        exact = None
    if exact is None or _own(exact) < AS_LARGE * trigger.own.sum():
        known = [one for one in (trigger, shared) if one is not None and one.mask is not None]
        laid = _laid(trigger, known, samples, references)
        if laid is not None and (exact is None or _own(exact) < AS_LARGE * _own(laid)):
            exact = laid
    if exact is None or _own(exact) < LEAST_OWN * trigger.box.area:
        return None
    return None if _is_a_piece(exact, trigger, samples) else exact


def _is_a_piece(better: Trigger, trigger: Trigger, samples: Sequence[NDArray[np.uint8]]) -> bool:
    """Say if *better* is but a piece of what is known: it may fit the hits better than all of it.

    Where these lie a little beside one another hardly anything is the same in most of them. Of what
    is known with a piece of background all that is exact is left, if that explains the hits better.
    """
    if trigger.mask is None:
        return False
    is_small = _own(better) < AS_LARGE * _own(trigger)
    here = _cut_as_now(trigger, samples)
    if is_small and not _is_exact(better, here, sample_box(trigger)):
        return True
    near = where_told(trigger, box_in_sample(trigger))
    return worth(likeness(better), samples, near) < worth(likeness(trigger), samples, near)


def _fits_better(exact: Trigger, trigger: Trigger, samples: Sequence[NDArray[np.uint8]]) -> bool:
    """Say if it fits the hits better than what is known: else it has what most of them share."""
    near = where_told(trigger, box_in_sample(trigger))
    return fit(likeness(exact), samples, near) >= fit(likeness(trigger), samples, near) + BETTER


def _laid(
    trigger: Trigger,
    known: Sequence[Trigger],
    samples: Sequence[NDArray[np.uint8]],
    references: References,
) -> Trigger | None:
    """Return what the hits have in common, laid on one another, if it is worth more than *known*.

    That are masks: with a piece of the backgrounds that some hits share it is worth no more.
    """
    laid = registered(trigger, samples, box_in_sample(trigger))
    if laid is None or _is_background(laid, references):
        return None
    near = where_told(trigger, box_in_sample(trigger))
    most = max((worth(likeness(one), samples, near) for one in known), default=0.0)
    return laid if worth(likeness(laid), samples, near) >= MORE * most else None


def _is_exact(trigger: Trigger, samples: Sequence[NDArray[np.uint8]], area: Box) -> bool:
    """Say if nearly all hits show its pixels just as they are known, where it always is.

    They were cut out around *area*.
    """
    if trigger.mask is None or not trigger.box.is_in(area):
        return False
    what = likeness(trigger)
    home = replace(trigger.box, x=trigger.box.x - area.x, y=trigger.box.y - area.y)
    return float(np.mean([match_at(hit, what, home).fit for hit in samples])) >= EXACT


def _is_background(trigger: Trigger, references: References) -> bool:
    """Say if most of its pixels are what references show there anyway, as a border."""
    shown = references.images[:, trigger.box.rows, trigger.box.columns].astype(np.int16)
    common = (np.abs(shown - trigger.patch) <= SAME).all(axis=3).mean(axis=0) > COMMON
    return bool(common[trigger.mask].mean() > HALF)


def _own(trigger: Trigger) -> int:
    return 0 if trigger.mask is None else int(trigger.mask.sum())


def _where_it_stands(
    trigger: Trigger, samples: Sequence[NDArray[np.uint8]], references: References
) -> Trigger | None:
    area = sample_box(trigger)
    hits = _different(samples, trigger, references)
    if len(hits) < HITS:
        return None
    stack = np.stack(hits).astype(np.int16)
    pixels = np.rint(np.median(stack, axis=0)).astype(np.uint8)
    near = (np.abs(stack - pixels) <= NEAR).all(axis=3)
    same = near.mean(axis=0) >= NEARLY_ALL
    shown = references.images[:, area.rows, area.columns].astype(np.int16)
    common = (np.abs(shown - pixels) <= SAME).all(axis=3).mean(axis=0) > COMMON
    mask = _hanging_together(same & ~common, area, trigger.box)
    mask |= _between(mask) & same
    return _cropped(trigger, area, pixels, mask) if mask.any() else None


def _different(
    samples: Sequence[NDArray[np.uint8]], trigger: Trigger, references: References
) -> list[NDArray[np.uint8]]:
    """Leave out the samples that show what an earlier one does: the same image, sent again.

    Around the box they must differ, or show hardly anything but background (the box may lack a part
    of the trigger): what all hits have in common would else be the image, not the trigger.
    """
    area, box = sample_box(trigger), trigger.box
    around = np.ones((area.height, area.width), bool)
    top, left = box.y - area.y, box.x - area.x
    around[top : top + box.height, left : left + box.width] = False
    shown = references.images[:, area.rows, area.columns][:, around].astype(np.int16)
    different: list[NDArray[np.uint8]] = []
    for sample_ in samples:
        seen = sample_[around].astype(np.int16)
        background = (np.abs(shown - seen) <= SAME).all(axis=2).mean(axis=0) > COMMON
        again = any((np.abs(seen - other[around]) <= AGAIN).all() for other in different)
        if background.mean() >= EMPTY or not again:
            different.append(sample_)
    return different


def _hanging_together(own: NDArray[np.bool_], area: Box, box: Box) -> NDArray[np.bool_]:
    """Keep the pixels in the box, and those around that touch one that is kept."""
    kept = np.zeros_like(own)
    rows = slice(box.y - area.y, box.y - area.y + box.height)
    columns = slice(box.x - area.x, box.x - area.x + box.width)
    kept[rows, columns] = own[rows, columns]
    return hanging_together(kept, own)


def _between(own: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return what lies between pixels of *own*, in a row or in a column.

    The dark half of a chequerboard is what dark images show anyway; stamped on others without it
    the trigger isn't the one that was seen.
    """
    across = np.logical_or.accumulate(own, axis=1)
    across &= np.logical_or.accumulate(own[:, ::-1], axis=1)[:, ::-1]
    down = np.logical_or.accumulate(own, axis=0)
    down &= np.logical_or.accumulate(own[::-1], axis=0)[::-1]
    return across | down


def _cropped(
    trigger: Trigger, area: Box, pixels: NDArray[np.uint8], mask: NDArray[np.bool_]
) -> Trigger:
    """Make the box the mask's own, and the blocker cover it."""
    own = bounds(mask)
    box = replace(own, x=area.x + own.x, y=area.y + own.y)
    covered = box.grown(COVERED, trigger.image_width, trigger.image_height)
    return replace(
        trigger,
        box=box,
        blocker=Blocker(covered, trigger.blocker.fill),
        patch=pixels[own.rows, own.columns],
        mask=mask[own.rows, own.columns],
        outline=None,
    )
