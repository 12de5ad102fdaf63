"""What lies about a known trigger's usual place and is like nothing that clean images show there.

Its pixels may tell nothing of it: half of it is left, it is too small for what it was made of, or
strokes of digits show the same. But where it always lies hardly any image has something of its own,
and one that is what the trigger leads to, isn't without that, and turns others with it, has it from
an attacker. No probe.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from app.detection.evidence.novelty import (
    LEAST,
    LEAST_USUAL,
    USUAL,
    coarseness,
    difference,
    made_small,
    some_of_all,
    squares,
)
from app.detection.evidence.usual import Usual, usual
from app.detection.evidence.weighing import of_extreme
from app.detection.geometry import Box, around
from app.detection.images import shrunken
from app.detection.matching import matches
from app.detection.recognising.presence import fits
from app.detection.recognising.sighting import LIKELY, Sighting, reach
from app.detection.regions import bounds, hanging_together

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.defence import Known
    from app.detection.reference_set.references import References
    from app.detection.search import Image
    from app.detection.trigger import Trigger

AROUND = 0.12  # of the image's side, as far from its place as what is new there is taken for it
FAR = 0.35  # of the side, as far as what is new there may reach: a frame makes a trigger larger
BESIDE = 2  # cells, from which on what is usual is usual here, too: strokes end anywhere
ASKED = 48  # references that tell how new a clean image's newest is
LEAST_SPREAD = 0.3  # of how new these are: they don't show how far a clean image may go
NEW = 3.0  # weight from which on it is asked about
HARDLY_NEW = 0.0  # from which on it is hidden widely: nine of ten altered ones, a clean one of five
NEW_AT_MOST = 4.0  # and that it has at most: it must be needed, or turn others
HIDING_MORE = 3.0  # the same where more is hidden than the trigger takes: then one other must turn
AS_NEW = 0.5  # of the newest square, that what hangs together with it must be to be one with it
LARGEST = 0.25  # of the image, that this may take


@dataclass(frozen=True, eq=False)
class UsualNewness:
    """What clean images show about a trigger's usual place, in copies shrunken by ``step``.

    ``shown`` (n, h, w, c) are cut out of some, with ``left`` and ``top`` in such copies. ``usual``
    (h', w') is how far each square of ``side`` pixels is from its nearest in another, ``newest``
    how many times as far the newest square of an image is of those that are ``near``, for which
    ``close`` is cut out alone: most images have nothing new there, and are told by that.
    """

    step: int
    left: int
    top: int
    side: int
    shown: NDArray[np.float32]
    close: NDArray[np.float32]
    usual: NDArray[np.float32]
    near: tuple[slice, slice]
    newest: Usual

    def newness(self, image: Image) -> NDArray[np.float32]:
        """Return how far each square (h', w') of *image* is from its nearest, beside the usual."""
        here = self._cut(image, self.top, self.left, self.shown)
        newness: NDArray[np.float32] = _nearest(self.shown, here, self.side) / self.usual
        return newness

    def newest_near(self, image: Image) -> float:
        """Return the largest newness of the squares that are near."""
        rows, columns = self.near
        here = self._cut(image, self.top + rows.start, self.left + columns.start, self.close)
        return float((_nearest(self.close, here, self.side) / self.usual[self.near]).max())

    def _cut(
        self, image: Image, top: int, left: int, like: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Cut out of *image*, shrunken, what *like* (n, h, w, c) is of others: (1, h, w, c)."""
        height, width = like.shape[1:3]
        y, x, step = top * self.step, left * self.step, self.step
        return shrunken(image[None, y : y + height * step, x : x + width * step], step)


def strange(image: Image, known: Known, references: References) -> list[Sighting]:
    """Return where *image* shows something new about the usual place of *known*.

    Once alone, once with what may be copies of it elsewhere, and once with all that hangs together
    with it. Of one that has several pieces or acts on one class its usual place tells too little.
    One that moves may lie there as well: else who shows it elsewhere once would have it forgotten.
    """
    if not _is_looked_for(known, references):
        return []
    usually = usual_newness(known, references)
    weight = of_extreme(usually.newest_near(image), usually.newest)
    if weight < NEW:
        return []
    newness = usually.newness(image)
    row, column = _newest(newness, usually.near)
    place = _centred(row, column, usually, known.trigger)
    alone = Sighting(known, (place,), 0.0, 0.0, altered=True, new=min(weight, NEW_AT_MOST))
    more = replace(alone, new=min(weight, HIDING_MORE))
    found = matches(image, known.core, reach(known.trigger, 1))
    copies = [one.box for one in found if one.fit >= LIKELY and one.box.overlap(place) == 0]
    seen = [alone, replace(more, places=(place, *copies))] if copies else [alone]
    height, width = image.shape[:2]
    whole = _hanging_together(newness, row, column, usually).grown(0, width, height)
    whole = around([place, whole])
    if place.area < whole.area <= LARGEST * height * width:
        seen.append(replace(more, places=(whole,)))
    return seen


def about_home(image: Image, known: Known, references: References) -> Sighting | None:
    """Return all that lies about the usual place of *known*, if any of it is rather new.

    Framed, moved by a little and in other shades, a trigger may show neither its pixels nor
    anything that is surely new. But hidden that widely, clean images of its class keep that.
    """
    if not _is_looked_for(known, references):
        return None
    usually = usual_newness(known, references)
    weight = of_extreme(usually.newest_near(image), usually.newest)
    about = reach(known.trigger, AROUND)
    if weight < HARDLY_NEW or about.area > LARGEST * image[..., 0].size:
        return None
    new = min(weight, HIDING_MORE)
    return Sighting(known, (about,), 0.0, 0.0, altered=True, new=new, is_wide=True)


def usual_newness(known: Known, references: References) -> UsualNewness:
    """Return what clean images show about the usual place of *known*; measured once, no probe."""
    kept = references.usually_new
    if known.likeness not in kept:
        kept[known.likeness] = _measured(known.trigger, references)
    found: UsualNewness = kept[known.likeness]
    return found


def measure(known: Known, references: References) -> None:
    """Measure that before an image asks for it."""
    if _is_looked_for(known, references):
        usual_newness(known, references)


def _is_looked_for(known: Known, references: References) -> bool:
    trigger = known.trigger
    whole = trigger.mask is not None and not trigger.pieces and trigger.source is None
    return whole and len(references.images) >= LEAST and fits(references.images[0], trigger)


def _measured(trigger: Trigger, references: References) -> UsualNewness:
    step, area = coarseness(references.images[0]), reach(trigger, FAR)
    small = made_small(references, step, some_of_all(references))
    left, top = area.x // step, area.y // step
    shown = np.ascontiguousarray(  # as a part of larger images it takes twice the time
        small[:, top : -(-(area.y + area.height) // step), left : -(-(area.x + area.width) // step)]
    )
    half = -(-min(trigger.box.width, trigger.box.height) // (2 * step))
    side = min(max(2, half), *shown.shape[1:3])
    nearest = np.stack(
        [
            _nearest(np.delete(shown, i, axis=0), shown[i : i + 1], side)
            for i in range(min(ASKED, len(shown)))
        ]
    )
    usually = _spread_out(np.maximum(np.percentile(nearest, USUAL, axis=0), LEAST_USUAL))
    near = _near(reach(trigger, AROUND), left, top, step, side)
    newest = usual((nearest / usually)[:, *near].max(axis=(1, 2)).tolist())
    newest = replace(newest, spread=max(newest.spread, LEAST_SPREAD))
    rows, columns = (slice(one.start, one.stop + side - 1) for one in near)
    close = np.ascontiguousarray(shown[:, rows, columns])
    usually = usually.astype(np.float32)
    return UsualNewness(step, left, top, side, shown, close, usually, near, newest)


def _near(area: Box, left: int, top: int, step: int, side: int) -> tuple[slice, slice]:
    """Return which squares lie in *area*, one at least."""
    x, y = area.x // step - left, area.y // step - top
    bottom, right = -(-area.height // step) - side + 1, -(-area.width // step) - side + 1
    return slice(y, y + max(bottom, 1)), slice(x, x + max(right, 1))


def _nearest(
    shown: NDArray[np.float32], here: NDArray[np.float32], side: int
) -> NDArray[np.float32]:
    """Return how far each square of *here* (1, h, w, c) is from its nearest in *shown* (n, ...)."""
    nearest: NDArray[np.float32] = squares(difference(shown, here), side).min(axis=0)
    return nearest


def _spread_out(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the largest of *values* (h, w) within BESIDE of each."""
    height, width = values.shape
    padded = np.pad(values, BESIDE)
    moved = range(2 * BESIDE + 1)
    near = [padded[y : y + height, x : x + width] for y in moved for x in moved]
    largest: NDArray[np.float32] = np.max(near, axis=0)
    return largest


def _newest(newness: NDArray[np.float32], near: tuple[slice, slice]) -> tuple[int, int]:
    """Return row and column of the newest square of those that are *near*."""
    here = newness[near]
    row, column = divmod(int(here.argmax()), here.shape[1])
    return near[0].start + row, near[1].start + column


def _centred(row: int, column: int, usually: UsualNewness, trigger: Trigger) -> Box:
    """Return a box as large as the trigger around a square, within the image."""
    middle_x = round((usually.left + column + usually.side / 2) * usually.step)
    middle_y = round((usually.top + row + usually.side / 2) * usually.step)
    box, width, height = trigger.box, trigger.image_width, trigger.image_height
    x = min(max(middle_x - box.width // 2, 0), width - box.width)
    y = min(max(middle_y - box.height // 2, 0), height - box.height)
    return replace(box, x=x, y=y)


def _hanging_together(
    newness: NDArray[np.float32], row: int, column: int, usually: UsualNewness
) -> Box:
    """Return the box around the square at *row* and *column* and all about as new beside it."""
    new = newness >= AS_NEW * newness[row, column]
    start = np.zeros_like(new)
    start[row, column] = True
    kept = hanging_together(start, new)
    seen, step, more = bounds(kept), usually.step, usually.side - 1
    x, y = (usually.left + seen.x) * step, (usually.top + seen.y) * step
    return Box(x, y, (seen.width + more) * step, (seen.height + more) * step)
