"""The plan of a search: the bands, and the cells in which they cross, that hold every trigger."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from app.detection.geometry import Box, windows

SMALL_TRIGGER = 0.14
"""Side of the largest trigger that a band holds whole, as a share of the image's side."""

PART = 0.44
"""The same, as a share of the largest trigger: a band then holds about 0.7 of its rows, and 0.6 in
small images, where pixels are coarse."""

WIDENED = 1.12
"""Times twice the trigger's width that a band may have, where that takes fewer of them."""

HARDLY_WIDENED = 1.04
"""The same of bands that are hidden: the more one hides, the more of what tells the class."""

ALL_SMALL = 0.16
"""Share of the image's side up to which the bands are made to hold the largest trigger whole."""


@dataclass(frozen=True)
class Cover:
    """Bands that hold every trigger: ``rows`` are full-width ones, ``columns`` full-height ones."""

    rows: tuple[Box, ...]
    columns: tuple[Box, ...]

    @property
    def bands(self) -> tuple[Box, ...]:
        """The rows, then the columns."""
        return self.rows + self.columns

    @property
    def thickness(self) -> int:
        """Pixels that a band is wide, the thinner kind if rows and columns differ."""
        return min(self.rows[0].height, self.columns[0].width)

    @property
    def step(self) -> int:
        """Pixels between the beginnings of two neighbouring bands, at most."""
        return max(_step([row.y for row in self.rows]), _step([c.x for c in self.columns]))

    def cell(self, row: int, column: int) -> Box:
        """Return where a row and a column cross."""
        down, across = self.rows[row], self.columns[column]
        return Box(across.x, down.y, across.width, down.height)


@dataclass(frozen=True)
class Plan(Cover):
    """What one deployment searches for in images of one size.

    Each square of ``trigger`` pixels a side is whole in a row and in a column, and so in the cell
    in which they cross. A larger trigger, of up to ``largest`` pixels a side, shows a part in them,
    and is whole in the cell grown by ``margin``. These bands are transplanted, those of ``hidden``
    are hidden. ``blocks``: whether to look for triggers that act on one class only, too.
    """

    hidden: Cover
    width: int
    height: int
    channels: int
    trigger: int
    largest: int
    blocks: bool

    @property
    def columns_wait(self) -> bool:
        """Whether the columns are asked only where a row carries.

        Small windows carry so seldom that the rows alone leave few images, for half the probes. Of
        larger triggers each shows a part only: then both are asked at once, since either alone
        would leave too many images.
        """
        return self.largest <= self.trigger

    @property
    def largest_area(self) -> int:
        """Pixels of the largest trigger that is believed: more is no localised trigger.

        A first box is up to a fifth too large either way, and one that isn't square may be longer.
        """
        return round(1.45 * self.largest**2)

    @property
    def surroundings(self) -> int:
        """Pixels that a cell is grown by before it is confirmed and localised.

        Fewer in images below 24 pixels: 4x4 cells of an 8x8 one, grown by 2, are most of it, and
        nature carries that. Of triggers on real 8x8 digits 2 found none and 0 found 52 to 97 %; at
        12 to 20 pixels 1 found the most.
        """
        return min(2, self.width // 12, self.height // 12)

    @property
    def margin(self) -> int:
        """Pixels by which a cell is grown to hold the largest trigger whole.

        The band that shows most of it is off its middle by half a step at most. That is enough for
        cells of ``hidden`` bands, too, whatever the side and the size (tried for all up to 512).
        """
        most = math.ceil((self.largest - self.thickness + self.step) / 2)
        return max(self.surroundings, most)

    def edged(self, box: Box) -> Box:
        """Return *box* with its surroundings."""
        return box.grown(self.surroundings, self.width, self.height)


def make_plan(
    height: int, width: int, channels: int, trigger_max: float, *, blocks: bool = True
) -> Plan:
    """Plan the search for square triggers of up to *trigger_max* of the image's shorter side."""
    side = min(height, width)
    share = trigger_max if trigger_max <= ALL_SMALL else max(SMALL_TRIGGER, PART * trigger_max)
    trigger = max(2, round(side * share))
    largest = max(trigger, round(side * trigger_max))
    cover = _cover(height, width, trigger, share, WIDENED)
    return Plan(
        cover.rows,
        cover.columns,
        _cover(height, width, trigger, share, HARDLY_WIDENED),
        width,
        height,
        channels,
        trigger=trigger,
        largest=largest,
        blocks=blocks,
    )


def _cover(height: int, width: int, trigger: int, share: float, widened: float) -> Cover:
    """Cover the image by the fewest bands that are *widened* at most.

    Their number is that of *share* of the side, not of pixels: bands advance by their width less
    the trigger's and a pixel, and that pixel saves a band in small images and is nothing in large
    ones.
    """
    side, image = min(height, width), Box(0, 0, width, height)
    bands = max(math.ceil((1 - share) / ((2 * widened - 1) * share)), 2)
    least = math.ceil((side + (bands - 1) * (trigger - 1)) / bands)
    band = min(max(2 * trigger, least), side)
    return Cover(windows(image, width, band, trigger), windows(image, band, height, trigger))


def _step(starts: list[int]) -> int:
    return max((after - before for before, after in pairwise(starts)), default=0)
