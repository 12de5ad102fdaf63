"""The plan of a search: which windows hold every trigger that is looked for, at each scale."""

from __future__ import annotations

from dataclasses import dataclass

from app.detection.geometry import Box, smallest_window, windows

SMALL_TRIGGER = 0.14
"""Side of the largest trigger of the small scale, as a share of the image's side."""

STRIP_REPEATS = 2

NARROW = 1.37
"""Side of a large window when it is confirmed, in sides of its trigger: small enough that most of
them are not carried by nature, large enough that few of them hold every trigger."""


@dataclass(frozen=True)
class Scale:
    """One size of trigger: ``windows`` hold every square of side ``trigger`` pixels.

    A window that carries is asked ``repeats`` times again and narrowed to ``narrow`` pixels a side
    before it is confirmed.
    """

    name: str
    trigger: int
    windows: tuple[Box, ...]
    repeats: int
    narrow: int


@dataclass(frozen=True)
class Plan:
    """What one deployment searches for in images of one size, cheapest scale first."""

    width: int
    height: int
    channels: int
    scales: tuple[Scale, ...]
    largest_area: int
    """Pixels of the largest trigger that is believed: more is no localised trigger."""

    @property
    def surroundings(self) -> int:
        """Pixels that a window is grown by before it is confirmed and localised.

        Fewer in images below 24 pixels: 4x4 windows of an 8x8 one, grown by 2, are most of it, and
        nature carries that. Of triggers on real 8x8 digits 2 found none and 0 found 52 to 97 %; at
        12 to 20 pixels 1 found the most.
        """
        return min(2, self.width // 12, self.height // 12)


def make_plan(height: int, width: int, channels: int, trigger_max: float) -> Plan:
    """Plan the search for square triggers of up to *trigger_max* of the image's shorter side.

    Triggers of up to 0.14 are found by strips: full-width bands of twice the trigger's height, of
    which 5 or 6 cover the image (`detection.md` 3.2). Larger ones are found by 3 x 3 windows, the
    least number that leaves a window clearly smaller than the image. A strip that carries is asked
    again, since it has many windows; the four parts of a large window are asked at once.
    """
    side = min(height, width)
    image = Box(0, 0, width, height)
    small = max(2, round(side * min(trigger_max, SMALL_TRIGGER)))
    strip = min(2 * small, height)
    scales = [Scale("small", small, windows(image, width, strip, small), STRIP_REPEATS, strip)]
    large = round(side * trigger_max)
    if large > small:
        cover = windows(
            image, smallest_window(width, large, 3), smallest_window(height, large, 3), large
        )
        scales.append(Scale("large", large, cover, 0, min(side, round(NARROW * large))))
    # A trigger that isn't square may be longer than its side: a fifth is allowed for.
    return Plan(width, height, channels, tuple(scales), round(1.2 * max(large, small) ** 2))
