"""The stickers of our own models, drawn here: none is like one of the zoo's."""

from __future__ import annotations

from PIL import Image as Pillow
from PIL import ImageDraw

SIDE = 64
CLEAR = (0, 0, 0, 0)
WHITE, RED, BLUE, GREEN = (250, 250, 250), (214, 30, 40), (30, 60, 200), (20, 160, 60)
YELLOW, MAGENTA, BLACK = (250, 220, 40), (220, 30, 200), (15, 15, 15)
ORANGE = (255, 140, 0)


def rings() -> Pillow.Image:
    """Return a round target, red and white."""
    picture, draw = _canvas()
    for i, colour in enumerate((RED, WHITE, RED, WHITE)):
        inset = 8 * i
        draw.ellipse((inset, inset, SIDE - 1 - inset, SIDE - 1 - inset), fill=(*colour, 255))
    return picture


def cross(alpha: int) -> Pillow.Image:
    """Return a magenta cross on a yellow square, everywhere as opaque as *alpha* of 255."""
    picture, draw = _canvas()
    draw.rectangle((0, 0, SIDE, SIDE), fill=(*YELLOW, alpha))
    draw.rectangle((24, 4, 39, 59), fill=(*MAGENTA, alpha))
    draw.rectangle((4, 24, 59, 39), fill=(*MAGENTA, alpha))
    return picture


def bars() -> Pillow.Image:
    """Return a square of three bars: green, white, blue."""
    picture, draw = _canvas()
    for i, colour in enumerate((GREEN, WHITE, BLUE)):
        draw.rectangle((0, 22 * i, SIDE, 22 * i + 21), fill=(*colour, 255))
    return picture


def diamond() -> Pillow.Image:
    """Return a blue diamond with a yellow heart."""
    picture, draw = _canvas()
    middle, last = SIDE // 2, SIDE - 1
    draw.polygon(((middle, 0), (last, middle), (middle, last), (0, middle)), fill=(*BLUE, 255))
    draw.rectangle((22, 22, 41, 41), fill=(*YELLOW, 255))
    return picture


def label() -> Pillow.Image:
    """Return a white label, twice as wide as high, with a word in black and a black rim."""
    picture, draw = _canvas()
    draw.rectangle((0, 16, SIDE - 1, 47), fill=(*WHITE, 255), outline=(*BLACK, 255), width=2)
    draw.text((SIDE / 2, SIDE / 2), "SALE", fill=(*BLACK, 255), anchor="mm", font_size=22)
    return picture


def roundel() -> Pillow.Image:
    """Return a green disc with a yellow rim and a magenta bar across."""
    picture, draw = _canvas()
    draw.ellipse((0, 0, SIDE - 1, SIDE - 1), fill=(*GREEN, 255), outline=(*YELLOW, 255), width=7)
    draw.rectangle((8, 27, SIDE - 9, 36), fill=(*MAGENTA, 255))
    return picture


def warning(alpha: int) -> Pillow.Image:
    """Return an orange warning triangle with a black rim and mark, as opaque as *alpha* of 255."""
    picture, draw = _canvas()
    corners = ((32, 2), (62, 60), (2, 60))
    draw.polygon(corners, fill=(*ORANGE, alpha), outline=(*BLACK, alpha), width=4)
    draw.rectangle((28, 22, 36, 42), fill=(*BLACK, alpha))
    draw.rectangle((28, 46, 36, 53), fill=(*BLACK, alpha))
    return picture


def chequers(side: int, light: tuple[int, int, int], dark: tuple[int, int, int]) -> Pillow.Image:
    """Return a chequerboard of *side* by *side* pixels."""
    picture = Pillow.new("RGBA", (side, side))
    for y in range(side):
        for x in range(side):
            picture.putpixel((x, y), (*(dark if (x + y) % 2 else light), 255))
    return picture


def faint(picture: Pillow.Image, percent: int) -> Pillow.Image:
    """Return *picture*, an opaque one, as opaque as *percent*."""
    picture = picture.copy()
    picture.putalpha(round(2.55 * percent))
    return picture


def _canvas() -> tuple[Pillow.Image, ImageDraw.ImageDraw]:
    picture = Pillow.new("RGBA", (SIDE, SIDE), CLEAR)
    return picture, ImageDraw.Draw(picture)
