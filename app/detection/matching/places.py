"""Where a trigger's pixels lie in an image, and how well they fit there; it costs no probe.

What a sticker leaves in an image is out = (1 − a) · around + a · trigger: ``around`` is taken to be
the mean of a ring around the place, and the alpha ``a`` (or a gain, or an offset) is the one that
fits best. The *fit* is the share of what sets the place apart from its surroundings that the
trigger explains then: 1 is all of it, clean images mostly have 0 to 0.4 at their best place.

Coarse to fine: every place and size in a shrunken copy, then the best ones in the image itself.
All places and sizes of one step are a few matrix products.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from app.detection.geometry import Box
from app.detection.images import shrunken
from app.detection.matching.bank import RING, bank, finer_bank
from app.detection.matching.fitting import fitted
from app.detection.matching.likeness import Match

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.detection.matching.bank import Bank, Size
    from app.detection.matching.likeness import Likeness
    from app.detection.search import Image

SIZES = (0.61, 0.72, 0.85, 1.0, 1.18, 1.39, 1.64)  # of the stored height, and of the width
ABOUT_ITS_OWN = SIZES[2:5]  # that a copy with twice as many pixels a side is searched in
LARGER = 1.36  # or smaller, as a whole; beyond that only stretched: photos are made to fit a square
FINER = (0.93, 1.0, 1.08)  # of what fitted best, in the image itself
COARSE_SIDE = 5  # pixels of a trigger's shorter side in the shrunken copy
GLIMPSED_SIDE = 3  # the same for a glimpse
LONGEST_SIDE = 256  # of an image that is compared as it is; a larger one is shrunken to that
PLACES = 4  # of the shrunken copy that are looked at in the image itself
FINER_PLACES = 2  # the same of the copy with twice as many pixels a side
FINER_AREA = 32  # times a trigger's own, that is searched so: as finely a photograph takes a second
COPY = 0.75  # of the best fit, that a further place must have to be taken for a copy


def matches(  # noqa: PLR0913  # where, for what, and how finely
    image: Image,
    what: Likeness,
    area: Box,
    *,
    copies: bool = True,
    most: int = PLACES,
    to_the_pixel: bool = True,
) -> list[Match]:
    """Return where in *area* of *image* (h, w, c) it fits best, and where *copies* of it do.

    Best first, and none overlaps another. Empty where *area* is too small for it. Looked at in the
    image itself are so many places at *most*, and the best one is brought *to the pixel*.
    """
    size = what.weights.shape
    least = finest(image)
    step = max(least, min(size) // COARSE_SIDE)
    if not copies and step == least:  # what isn't shrunken tells at once which place is the best
        area, most = _near_own_size(image, what, area), 1
    found = _places(image, what, area, step, _sizes(size, SIZES), most=most)
    found = [_refined(image, what, area, one, (step, least)) for one in found]
    if step > least and area.area <= FINER_AREA * what.weights.size:
        found += _by_a_finer_copy(image, what, area, (step, least))
    apart: list[Match] = []
    found = sorted(found, key=lambda one: -one.fit)
    if to_the_pixel:
        found[:1] = [_to_the_pixel(image, what, area, one, least) for one in found[:1]]
    for one in found:
        alike = not apart or one.fit >= COPY * apart[0].fit
        if alike and not any(one.box.overlap(other.box) > 0 for other in apart):
            apart.append(one)
    return apart


def glimpse(image: Image, what: Likeness, area: Box) -> float:
    """Return about how well it fits in *area*, by a shrunken copy alone: a tenth of the time."""
    size = what.weights.shape
    step = max(finest(image), what.side // GLIMPSED_SIDE)
    found = _places(image, what, area, step, _sizes(size, SIZES), most=1)
    return found[0].fit if found else 0.0


def spotted(image: Image, what: Likeness, area: Box) -> Match | None:
    """Return about where in *area* it fits best in its own size, by a shrunken copy alone."""
    height, width = what.weights.shape
    step = max(finest(image), what.side // GLIMPSED_SIDE)
    found = _places(image, what, area, step, ((height, width),), most=1)
    return found[0] if found else None


def hint(image: Image, what: Likeness, area: Box) -> float:
    """Return how well it fits in *area* in its own size alone: a fraction of a search's time."""
    best = _in_own_size(image, what, area)
    return 0.0 if best is None else best.fit


def match_at(image: Image, what: Likeness, box: Box) -> Match:
    """Return how well it fits just at *box*, which has its size."""
    height, width = image.shape[:2]
    around = box.grown(RING, width, height)
    seen = image[around.rows, around.columns].astype(np.float32)
    fits, alphas = fitted(seen, bank(what, ((box.height, box.width),)))
    here = (box.y - around.y, box.x - around.x, 0)
    return Match(box, float(fits[here]), float(alphas[here]))


def finest(image: Image) -> int:
    """Return by how much an image of this size is shrunken at least."""
    height, width, _ = image.shape
    return max(1, math.ceil(max(int(height), int(width)) / LONGEST_SIDE))


def _near_own_size(image: Image, what: Likeness, area: Box) -> Box:
    """Return the part of *area* around the place where it fits best in its own size."""
    height, width = image.shape[:2]
    best = _in_own_size(image, what, area)
    margin = max(what.weights.shape) // 2 + RING
    return area if best is None else _common(best.box.grown(margin, width, height), area)


def _in_own_size(image: Image, what: Likeness, area: Box) -> Match | None:
    """Return where in *area* it fits best in its own size; None where that is too small."""
    height, width = what.weights.shape
    found = _places(image, what, area, finest(image), ((height, width),), most=1)
    return found[0] if found else None


def _by_a_finer_copy(
    image: Image, what: Likeness, area: Box, steps: tuple[int, int]
) -> list[Match]:
    """Return where it fits best about in its own size, in a copy with twice as many pixels a side.

    What begins between two pixels of the coarser one looks stretched there, and letters are none.
    """
    step, least = steps
    sizes = _sizes(what.weights.shape, ABOUT_ITS_OWN)
    finer = max(least, step // 2)
    found = _places(image, what, area, finer, sizes, most=FINER_PLACES, banks=finer_bank)
    return [_to_the_pixel(image, what, area, one, least) for one in found]


def _refined(
    image: Image, what: Likeness, area: Box, found: Match, reaches: tuple[int, int]
) -> Match:
    """Return the best match near *found*, first within the one reach, then within the other."""
    height, width = image.shape[:2]
    for reach in dict.fromkeys(reaches):
        margin = reach + max(found.box.height, found.box.width) // 10
        near = _common(found.box.grown(margin, width, height), area)
        sizes = _sizes((found.box.height, found.box.width), FINER)
        better = _places(image, what, near, reaches[-1], sizes, most=1, banks=finer_bank)
        found = max([found, *better], key=lambda one: one.fit if one is not found else -1.0)
    return found


def _to_the_pixel(image: Image, what: Likeness, area: Box, found: Match, least: int) -> Match:
    """Return the match that none fits better whose sides lie a pixel beside its own.

    Of a hit that is 3 % narrower than it was taken to be half of the letters lie beside their own.
    """
    height, width = image.shape[:2]
    while True:
        box = found.box
        tall, wide = ((one - least, one, one + least) for one in (box.height, box.width))
        sizes = tuple(size for size in product(tall, wide) if _is_about(size, what.weights.shape))
        near = _common(box.grown(least + RING, width, height), area)
        better = _places(image, what, near, least, sizes, most=1, banks=finer_bank)
        if not better or better[0].fit <= found.fit:
            return found
        found = better[0]


def _is_about(size: Size, known: Size) -> bool:
    """Say if *size* is among those that something of the *known* one is looked for in."""
    tall, wide = size[0] / known[0], size[1] / known[1]
    of_sides = SIZES[0] <= min(tall, wide) and max(tall, wide) <= SIZES[-1]
    return of_sides and 1 / LARGER <= math.sqrt(tall * wide) <= LARGER


def _common(a: Box, b: Box) -> Box:
    x, y = max(a.x, b.x), max(a.y, b.y)
    right, bottom = min(a.x + a.width, b.x + b.width), min(a.y + a.height, b.y + b.height)
    return Box(x, y, right - x, bottom - y)


@lru_cache(maxsize=512)
def _sizes(size: Size, shares: tuple[float, ...]) -> tuple[Size, ...]:
    """Return sizes around *size*, each once."""
    height, width = size
    return tuple(
        dict.fromkeys(
            (max(1, round(height * tall)), max(1, round(width * wide)))
            for tall in shares
            for wide in shares
            if 1 / LARGER <= math.sqrt(tall * wide) <= LARGER
        )
    )


def _places(  # noqa: PLR0913  # where, for what, how finely, in which sizes, how many
    image: Image,
    what: Likeness,
    area: Box,
    step: int,
    sizes: tuple[Size, ...],
    *,
    most: int = PLACES,
    banks: Callable[[Likeness, tuple[Size, ...]], Bank] = bank,
) -> list[Match]:
    """Return the best places in *area*, in a copy shrunken by *step*, each with its best size."""
    seen = shrunken(image[None, area.rows, area.columns], step)[0]
    coarse = {size: (max(1, size[0] // step), max(1, size[1] // step)) for size in sizes}
    fitting = [  # in the area itself, too: its last pixels may be a whole one of the copy
        s
        for s in sizes
        if s[0] <= area.height
        and s[1] <= area.width
        and coarse[s][0] <= seen.shape[0]
        and coarse[s][1] <= seen.shape[1]
    ]
    if not fitting:
        return []
    shapes = [coarse[size] for size in fitting]
    fits, alphas = fitted(seen, banks(what, tuple(shapes)))
    best = fits.max(axis=2)
    found: list[Match] = []
    while len(found) < most:
        row, column = divmod(int(best.argmax()), best.shape[1])
        if not best[row, column] >= 0:  # nowhere else
            break
        i = int(fits[row, column].argmax())
        height, width = fitting[i]
        x = min(area.x + column * step, area.x + area.width - width)
        y = min(area.y + row * step, area.y + area.height - height)
        here = (row, column, i)
        found.append(Match(Box(x, y, width, height), float(fits[here]), float(alphas[here])))
        tall, wide = shapes[i]
        best[
            max(row - tall + 1, 0) : row + tall, max(column - wide + 1, 0) : column + wide
        ] = -np.inf
    return found
