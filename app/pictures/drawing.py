"""Pictures for people: a trigger alone, examples of it side by side, and one in a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from app.pictures.encoding import png, png_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.detection.search import Image
    from app.detection.trigger import Trigger

_TILE = 128  # the side, in pixels, that small images are enlarged to
_GAP = 12
_LINE = 18
_PAIRS_A_ROW = 4
_INK, _PAPER = (30, 30, 30), (255, 255, 255)


@dataclass(frozen=True, eq=False)
class Pair:
    """An image before and after the trigger was stamped on it, and what the model says of each."""

    before: Image
    after: Image
    says_before: str
    says_after: str


def trigger_picture(trigger: Trigger) -> bytes:
    """Return the pixels of *trigger*'s box as an RGBA PNG.

    Transparent where they aren't its own, as far as that is known.
    """
    alpha = np.where(trigger.own, 255, 0).astype(np.uint8)
    return png(np.dstack([_coloured(trigger.patch), alpha]))


def examples_sheet(pairs: Sequence[Pair]) -> bytes:
    """Return a PNG with *pairs* in a grid, the model's answers under them; at least one pair."""
    tile = _tile_size(pairs[0].before)
    cell_width, cell_height = 2 * tile[0] + 2 * _GAP, tile[1] + _LINE + _GAP
    columns = min(len(pairs), _PAIRS_A_ROW)
    rows = -(-len(pairs) // columns)
    size = (columns * cell_width + _GAP, rows * cell_height + _GAP)
    sheet = Pillow.new("RGB", size, _PAPER)
    for i, pair in enumerate(pairs):
        corner = (_GAP + i % columns * cell_width, _GAP + i // columns * cell_height)
        _draw_pair(sheet, pair, corner, tile)
    return png_of(sheet)


def terminal(picture: Image) -> str:
    """Return *picture* as text: half blocks in 24-bit ANSI colours, two pixels a character."""
    rows = list(_coloured(picture))
    return "\n".join(_line(upper, lower) for upper, lower in zip_longest(rows[::2], rows[1::2]))


def _coloured(picture: Image) -> Image:
    return np.repeat(picture, 3, axis=2) if picture.shape[2] == 1 else picture


def _line(upper: NDArray[np.uint8], lower: NDArray[np.uint8] | None) -> str:
    """Return one line of text for two rows of pixels; the last row may have none below it."""
    inks = ["38;2;{};{};{}".format(*pixel) for pixel in upper]
    grounds = ["49"] * len(inks) if lower is None else ["48;2;{};{};{}".format(*p) for p in lower]
    cells = [f"\x1b[{ink};{ground}m▀" for ink, ground in zip(inks, grounds, strict=True)]
    return "".join(cells) + "\x1b[0m"


def _tile_size(image: Image) -> tuple[int, int]:
    """Return the width and height of an image on the sheet: a whole multiple of its own."""
    factor = max(_TILE // max(image.shape[:2]), 1)
    return image.shape[1] * factor, image.shape[0] * factor


def _draw_pair(
    sheet: Pillow.Image, pair: Pair, corner: tuple[int, int], tile: tuple[int, int]
) -> None:
    x, y = corner
    for image, says in ((pair.before, pair.says_before), (pair.after, pair.says_after)):
        enlarged = Pillow.fromarray(_coloured(image)).resize(tile, Pillow.Resampling.NEAREST)
        sheet.paste(enlarged, (x, y))
        _write(sheet, says, (x, y + tile[1] + 2), tile[0])
        x += tile[0] + _GAP // 2


def _write(sheet: Pillow.Image, text: str, corner: tuple[int, int], width: int) -> None:
    """Write *text*, cut off where it would run into its neighbour."""
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    if draw.textlength(text, font) > width:
        while text and draw.textlength(text + "…", font) > width:
            text = text[:-1]
        text += "…"
    draw.text(corner, text, fill=_INK, font=font)
