"""Where a known trigger may lie in an image, and how its pixels fit there; no probe.

It is looked for around the place where it has been seen, and everywhere once it has been seen to
move. Its pixels may fit another place better than its own where they lie on something else: then
the place where it usually lies counts as well.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from app.detection.evidence.usual import Usual, UsualFit, usual, usual_fit
from app.detection.evidence.weighing import extreme, of_extreme, of_fit
from app.detection.geometry import Box
from app.detection.matching import (
    PLACES,
    Match,
    glimpse,
    hint,
    match_at,
    matches,
    nearness,
)
from app.detection.recognising.presence import fits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.detection.defence import Known
    from app.detection.reference_set.references import References
    from app.detection.search import Image
    from app.detection.trigger import Trigger

REACH = 0.08  # of the image's side, around its place: a sticker put by hand varies by 3 %
CLOSE = 0.02  # of the side, or 2 pixels: within it a trigger is where it always is
AT_HOME = 0.95  # of the best fit, that its usual place must have to be the place
STRAYED = 0.08  # of the side, as far as it is looked for anyhow: farther away it moves
NATURAL = 0.3  # placebo rate of a trigger's place, from which on what carries says little
DISTINCT = 1.5  # weight of the pixels from which on another place than the usual one counts
OVERLAPPING = 0.3  # intersection over union with its usual place, from which on it is that
HINTED = 0.3  # a fit in its own size, below which a small image isn't searched for it
GLIMPSED_FIT = 0.5  # in the shrunken copy, from which on it is looked for in the image itself
COMMONLY = 0.6  # mean fit of clean images from which on a glimpse tells nothing
VERY_LIKELY = 0.75  # a fit from which on it surely is there: clean photos have 0.6
UNUSUAL = 3.0  # weight of the pixels from which on it is so as well
UNUSUAL_AND_LIKELY = 2.0  # the same of one that very likely is there in its own size
UNUSUAL_LEVELS = 2.5  # the same by its levels, where clean images commonly fit as well
UNUSUAL_AT_HOME = 1.5  # the same just at its usual place, where clean images show little of it
FAINT = 0.75  # alpha below which a trigger may turn but the image that it was made for
UNALTERED = 0.97  # a fit below which it may as well
LIKELY = 0.6  # a fit from which on a second trigger is taken to be there, too
NEAR = 2  # places of a small area that are looked at in the image itself
ANYWHERE = 12  # the same of a whole image, in which one that moves lies
ASKED = 16  # references that tell what is usual
ASKED_OF_TARGET, LEAST_OF_TARGET = 8, 5  # of the trigger's target that do, if there are as many
ASKED_AT_HOME = 64  # that tell what is usual just at its place, and so many of its target


@dataclass(frozen=True, eq=False)
class Sighting:
    """Where ``known`` may lie: ``places``, the likeliest first, and how well its pixels ``fit``.

    ``near`` is the share of them that the likeliest place shows just as they are: where they are of
    one colour, nature fits them well at many places, but seldom has that colour. ``altered``: they
    aren't quite as they are known, so that they may turn few other images. ``new`` weighs what lies
    there by how unlike clean images it is, where its pixels tell nothing (`strange`); None where
    they are what counts.
    ``sharp`` weighs its edges, where its pixels are shown everywhere (`sharp`). ``is_wide``: the
    place is all about its usual one, where it lies if anywhere.
    """

    known: Known
    places: tuple[Box, ...]
    fit: float
    near: float
    altered: bool = False
    usually: UsualSighting | None = None
    new: float | None = None
    sharp: float | None = None
    is_wide: bool = False

    @property
    def carrying(self) -> tuple[Box, ...]:
        """The places that are to turn other images: what is new must do so without the others."""
        return self.places if self.new is None else self.places[:1]

    @property
    def otherwise(self) -> float | None:
        """What it weighs where its pixels tell nothing; None where they do."""
        return self.sharp if self.new is None else self.new


def sighted(
    image: Image, known: Known, *, everywhere: bool = False, area: Box | None = None
) -> Sighting:
    """Return where *known* may lie in *image*, which it fits in size.

    Copies of it, too, if they are to be looked for *everywhere*. Elsewhere than at its usual place
    only in *area*, if that is given: that is around the one place where it may be.
    """
    trigger = known.trigger
    moves = trigger.moves and not everywhere
    most = NEAR if area is not None else ANYWHERE if moves else PLACES
    area = area or (reach(trigger, 1.0) if everywhere else looked_at(trigger))
    # Copies all just as finely: with one of them to the pixel 2 of 11 pairs of the bomb got past.
    exactly = not everywhere
    found = matches(image, known.core, area, copies=everywhere, most=most, to_the_pixel=exactly)
    at_place = match_at(image, known.core, trigger.box)
    best = max([at_place, *found[:1]], key=lambda one: one.fit)
    places = [one.box for one in found] or [trigger.box]
    if at_place.fit >= AT_HOME * best.fit:
        places = [trigger.box, *(one for one in places if one.overlap(trigger.box) == 0)]
    seen = places if everywhere else places[:1]
    if seen[0].overlap(trigger.box) < OVERLAPPING and not trigger.moves:
        seen = [seen[0], trigger.box, *seen[1:]]
    near = nearness(image, known.core, seen[0])
    return Sighting(known, tuple(seen), best.fit, near, is_altered(best))


def reach(trigger: Trigger, share: float) -> Box:
    """Return the part of an image in which *trigger* is looked for: so far around its place."""
    width, height = trigger.image_width, trigger.image_height
    if share >= 1:
        return Box(0, 0, width, height)
    return trigger.box.grown(max(1, round(share * min(width, height))), width, height)


def looked_at(trigger: Trigger) -> Box:
    """Return the part of an image in which *trigger* is looked for: all of it if it moves."""
    return reach(trigger, 1.0 if trigger.moves else REACH)


def hinted(image: Image, known: Known) -> Sighting:
    """Return *known* at its usual place, with the fit of its own size in *image*, wherever that is.

    Where that is less than HINTED one with a mask isn't looked for, and nobody asks how near it is.
    """
    trigger, what = known.trigger, known.core
    fit = hint(image, what, looked_at(trigger))
    asked = fit >= HINTED or trigger.mask is None
    near = nearness(image, what, trigger.box) if asked else 0.0
    return Sighting(known, (trigger.box,), fit, near)


def glimpsed(image: Image, known: Known, references: References) -> Sighting | None:
    """Return where *known* very likely is; None if it isn't, which mostly a glimpse tells.

    At its usual place less of it is enough, unless more of it is near or, if it moves, anywhere.
    """
    about = _glimpsed_about(image, known, references)
    return about or unusual_at_home(image, known, references)


def _glimpsed_about(image: Image, known: Known, references: References) -> Sighting | None:
    """Return where it very likely is about its usual place, or anywhere if it moves.

    Where clean images commonly fit as well neither a glimpse nor the fit tells anything: then its
    levels must, in the image itself, if clean images don't commonly show these, too.
    """
    usually = usual_sighting(known, references)
    is_common = usually.fit.mean >= COMMONLY
    if is_common and extreme(UNUSUAL_LEVELS, usually.near) > 1:
        return None
    if not is_common and glimpse(image, known.core, looked_at(known.trigger)) < GLIMPSED_FIT:
        return None
    sighting = located(image, known, references)
    if is_common:
        return sighting if of_extreme(sighting.near, usually.near) >= UNUSUAL_LEVELS else None
    likely = sighting.fit >= VERY_LIKELY or of_pixels(sighting, references) >= UNUSUAL
    return sighting if likely else None


def unusual_at_home(image: Image, known: Known, references: References) -> Sighting | None:
    """Return *known* at its usual place if *image* shows more of it just there than clean ones do.

    That is little, also of one that is so translucent that somewhere near it they show as much.
    """
    usually = UsualSighting(
        usual_at_home(known, references), usual_sighting(known, references).near
    )
    home = replace(_just_at_home(image, known), usually=usually)
    return home if of_pixels(home, references) >= UNUSUAL_AT_HOME else None


def unusual_near_home(image: Image, known: Known, references: References) -> Sighting | None:
    """Return where *image* shows more of *known* about its usual place than clean images do.

    Or just there; or, if it moves, anywhere. In its own size alone: in a small image that takes
    little more than to look at one place, and a search more than an inference.
    """
    what, usually = known.core, usual_in_own_size(known, references)
    fit = hint(image, what, looked_at(known.trigger))
    weight = of_fit(fit, usually)
    if weight >= UNUSUAL or (weight >= UNUSUAL_AND_LIKELY and fit >= VERY_LIKELY):
        return located(image, known, references)
    return unusual_at_home(image, known, references)


def _just_at_home(image: Image, known: Known) -> Sighting:
    home, what = known.trigger.box, known.core
    here = match_at(image, what, home)
    return Sighting(known, (home,), here.fit, nearness(image, what, home), is_altered(here))


def is_altered(shown: Match) -> bool:
    """Say if a trigger is fainter, or otherwise not quite as it is known."""
    return shown.alpha < FAINT or shown.fit < UNALTERED


def is_elsewhere(trigger: Trigger, place: Box) -> bool:
    """Say if *place* is another one than the trigger's usual, by more than what is close."""
    close = max(2, round(CLOSE * min(trigger.image_width, trigger.image_height)))
    return _distance(trigger, place) > close


def nearest_asked(trigger: Trigger, place: Box) -> Box:
    """Return the box nearest to *place* at which nature is asked about *trigger*: there are few.

    Its own, and those that are half its sides farther: what nature does at the one it does a few
    pixels beside it, too, and what was asked at one is known for the next image.
    """
    (x, y), (home_x, home_y) = place.centre, trigger.box.centre
    wide, tall = max(2, trigger.box.width // 2), max(2, trigger.box.height // 2)
    left = trigger.box.x + round((x - home_x) / wide) * wide
    top = trigger.box.y + round((y - home_y) / tall) * tall
    return replace(
        trigger.box,
        x=min(max(left, 0), trigger.image_width - trigger.box.width),
        y=min(max(top, 0), trigger.image_height - trigger.box.height),
    )


def has_strayed(known: Known, image: Image, place: Box, references: References) -> bool:
    """Say if *image* surely shows it at *place*, so far from its usual one that it moves.

    A box that is half background of another image fits many places, and a faint trigger as well;
    what clean images commonly fit must be there with its own levels, too.
    """
    trigger, what = known.trigger, known.core
    far = STRAYED * min(trigger.image_width, trigger.image_height)
    if _distance(trigger, place) <= far:
        return False
    about = place.grown(round(far), image.shape[1], image.shape[0])
    seen = [match_at(image, what, place), *matches(image, what, about, copies=False)]
    likely = [one.box for one in seen if one.fit >= VERY_LIKELY]
    if not likely:
        return False
    usually = usual_sighting(known, references)
    near = max(nearness(image, what, box) for box in likely)
    return usually.fit.mean < COMMONLY or of_extreme(near, usually.near) >= UNUSUAL


def _distance(trigger: Trigger, place: Box) -> int:
    (x, y), (home_x, home_y) = place.centre, trigger.box.centre
    return max(abs(x - home_x), abs(y - home_y))


@dataclass(frozen=True)
class UsualSighting:
    """What clean images show of a trigger at their best place."""

    fit: UsualFit
    near: Usual


def is_familiar(known: Known, references: References) -> bool:
    """Say if what clean images show of *known* is measured; one of another size never needs to."""
    another_size = not fits(references.images[0], known.trigger)
    return another_size or known.likeness in references.usual_sightings


def usual_sighting(known: Known, references: References) -> UsualSighting:
    """Return what clean images show of *known*; measured once, without a probe.

    Those of its target, if they show more of it than others: a mark that a class has by nature is
    nothing unusual there.
    """
    kept = references.usual_sightings
    if known.likeness not in kept:
        kept[known.likeness] = shown_usually(known, references, lambda image: sighted(image, known))
    found: UsualSighting = kept[known.likeness]
    return found


def shown_usually(
    known: Known, references: References, look: Callable[[Image], Sighting | None]
) -> UsualSighting:
    """Measure what clean images show of *known* by this *look*; where it sees nothing, nothing."""
    rng = np.random.default_rng(references.seed)
    target = np.flatnonzero(references.labels == known.trigger.target)
    own = rng.permutation(target)[:ASKED_OF_TARGET]
    all_classes = rng.permutation(len(references.images))[:ASKED]
    groups = [own, all_classes] if len(own) >= LEAST_OF_TARGET else [all_classes]
    shown = [_shown([look(image) for image in references.images[some]]) for some in groups]
    return UsualSighting(
        max((one.fit for one in shown), key=lambda usually: usually.clear.mean),
        max((one.near for one in shown), key=lambda usually: usually.mean),
    )


def _shown(sightings: Sequence[Sighting | None]) -> UsualSighting:
    return UsualSighting(
        usual_fit([one.fit if one else 0.0 for one in sightings]),
        usual([one.near if one else 0.0 for one in sightings]),
    )


def of_pixels(sighting: Sighting, references: References) -> float:
    """Weigh what the pixels say: by how well they fit, or by how many are just as they were."""
    if sighting.otherwise is not None:
        return sighting.otherwise
    return _weighed(sighting, sighting.usually or usual_sighting(sighting.known, references))


def of_pixels_at_most(sighting: Sighting) -> float:
    """Return what the pixels can say at most, whatever is usual of them: that takes a while."""
    if sighting.otherwise is not None:
        return sighting.otherwise
    least = usual_fit([0.0])
    return _weighed(sighting, UsualSighting(least, least))


def of_pixels_at_home(image: Image, known: Known, references: References) -> float:
    """Weigh what *image* shows just at the usual place of *known*: clean ones show little there.

    At their best place, with which others are compared, they show more.
    """
    fit = match_at(image, known.core, known.trigger.box).fit
    return of_fit(fit, usual_at_home(known, references))


def usual_at_home(known: Known, references: References) -> UsualFit:
    """Return what clean images show of *known* at its usual place; measured once, without a probe.

    Those of its target, if they show more of it than others.
    """
    kept, home = references.usual_at_home, known.trigger.box
    if known.likeness not in kept:
        kept[known.likeness] = _usual_fit(
            known, references, lambda image: match_at(image, known.core, home).fit
        )
    found: UsualFit = kept[known.likeness]
    return found


def usual_in_own_size(known: Known, references: References) -> UsualFit:
    """Return the same of the best place about there, in its own size; anywhere if it moves."""
    kept, area = references.usual_in_own_size, looked_at(known.trigger)
    if known.likeness not in kept:
        kept[known.likeness] = _usual_fit(
            known, references, lambda image: hint(image, known.core, area)
        )
    found: UsualFit = kept[known.likeness]
    return found


def _usual_fit(known: Known, references: References, look: Callable[[Image], float]) -> UsualFit:
    rng = np.random.default_rng(references.seed)
    own = np.flatnonzero(references.labels == known.trigger.target)[:ASKED_AT_HOME]
    groups = [rng.permutation(len(references.images))[:ASKED_AT_HOME]]
    groups += [own] if len(own) >= LEAST_OF_TARGET else []
    shown = [usual_fit([look(image) for image in references.images[some]]) for some in groups]
    return max(shown, key=lambda one: one.clear.mean)


def _weighed(sighting: Sighting, usually: UsualSighting) -> float:
    return max(of_fit(sighting.fit, usually.fit), of_extreme(sighting.near, usually.near))


def _is_distinct(sighting: Sighting, references: References) -> bool:
    """Say if the pixels show it elsewhere than at its usual place.

    Where nature carries at that place, a digit that tells two classes apart, so it does beside it:
    hiding and transplants say little there, so that the pixels must.
    """
    weight = of_pixels(sighting, references)
    if sighting.known.trigger.natural < NATURAL:
        return weight >= DISTINCT
    return weight >= UNUSUAL and sighting.fit >= VERY_LIKELY


def located(
    image: Image, known: Known, references: References, area: Box | None = None
) -> Sighting:
    """Return where *known* may lie: elsewhere than at its usual place only if its pixels say so.

    Only in *area*, if that is given.

    A patch of one colour fits many places about as well, and what nature does at each of them
    nobody has measured.
    """
    sighting = sighted(image, known, area=area)
    elsewhere = is_elsewhere(known.trigger, sighting.places[0])
    if not elsewhere or _is_distinct(sighting, references):
        return sighting
    return _just_at_home(image, known)
