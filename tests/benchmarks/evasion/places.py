"""The trigger elsewhere, in another size, turned, more than once, or in two parts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Pillow

from tests.benchmarks.evasion.attempt import box_of

if TYPE_CHECKING:
    from app.detection.search import Image
    from app.evaluation.records import Stamp
    from tests.benchmarks.evasion.attempt import Attempt

TRIED = 48
"""Places that an attacker tries for copies."""

DIRECTIONS = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))


def moved(attempt: Attempt, pixels: int) -> Image | None:
    """Move it by so many pixels, in the first of all directions, drawn at random, that acts."""
    stamp = attempt.stamp
    directions = attempt.rng.permutation(DIRECTIONS)
    places = [
        attempt.within(stamp, stamp.x + pixels * int(right), stamp.y + pixels * int(down))
        for right, down in directions
    ]
    elsewhere = [place for place in places if (place.x, place.y) != (stamp.x, stamp.y)]
    acting = _acting(attempt, elsewhere)
    return attempt.with_stamps(acting[0]) if acting else None


def moved_by_share(attempt: Attempt, share: float) -> Image | None:
    """Move it by so much of the image's side."""
    return moved(attempt, round(share * min(attempt.image.shape[:2])))


def scaled(attempt: Attempt, factor: float) -> Image:
    """Make it larger or smaller, about its middle; at least by a pixel."""
    height, width = attempt.stamp.rgba.shape[:2]
    size = _scaled(width, factor), _scaled(height, factor)
    picture = Pillow.fromarray(attempt.stamp.rgba).resize(size, Pillow.Resampling.BICUBIC)
    return attempt.with_stamps(_in_its_middle(attempt, picture))


def rotated(attempt: Attempt, degrees: float) -> Image:
    """Turn it about its middle."""
    picture = Pillow.fromarray(attempt.stamp.rgba)
    turned = picture.rotate(degrees, Pillow.Resampling.BICUBIC, expand=True)
    return attempt.with_stamps(_in_its_middle(attempt, turned))


def copied(attempt: Attempt, copies: int) -> Image | None:
    """Put so many on, at random places each of which acts alone; None if there aren't as many."""
    chosen = _apart(_acting(attempt, _anywhere(attempt)))
    return attempt.with_stamps(*chosen[:copies]) if len(chosen) >= copies else None


def copied_mirrored(attempt: Attempt) -> Image | None:
    """Put it on where it always is, and mirrored at another place from which that acts too."""
    mirrored = replace(attempt.stamp, rgba=attempt.stamp.rgba[:, ::-1])
    chosen = _apart([attempt.stamp, *_acting(attempt, _anywhere(attempt, mirrored))])
    return attempt.with_stamps(*chosen[:2]) if len(chosen) > 1 else None


def mirrored(attempt: Attempt) -> Image:
    """Put it on where it always is, and mirrored on the other side of the image."""
    stamp = attempt.stamp
    other = replace(
        stamp,
        rgba=stamp.rgba[:, ::-1],
        x=attempt.image.shape[1] - stamp.x - stamp.rgba.shape[1],
    )
    return attempt.with_stamps(other, stamp)


def split(attempt: Attempt) -> Image | None:
    """Leave half of it in place and put the other half at the nearest place where both act."""
    stamp = attempt.stamp
    half = stamp.rgba.shape[1] // 2
    left, right = stamp.rgba.copy(), stamp.rgba.copy()
    left[:, half:, 3] = right[:, :half, 3] = 0
    first, second = replace(stamp, rgba=left), replace(stamp, rgba=right)
    places = _anywhere(attempt, second)
    whole = np.stack([attempt.with_stamps(first, place) for place in places])
    acting = np.flatnonzero(attempt.says(whole) == attempt.wanted)
    return whole[acting[0]] if len(acting) else None


def _scaled(length: int, factor: float) -> int:
    now = round(factor * length)
    return now if now != length else max(1, length + (1 if factor > 1 else -1))


def _in_its_middle(attempt: Attempt, picture: Pillow.Image) -> Stamp:
    """Return *picture* as the trigger, its middle where that is; cut to fit into the image."""
    x, y = attempt.box.centre
    rgba = np.asarray(picture)[: attempt.image.shape[0], : attempt.image.shape[1]]
    other = replace(attempt.stamp, rgba=rgba)
    return attempt.within(other, x - rgba.shape[1] // 2, y - rgba.shape[0] // 2)


def _anywhere(attempt: Attempt, stamp: Stamp | None = None) -> list[Stamp]:
    """Return the trigger at random places."""
    height, width = attempt.image.shape[:2]
    stamp = stamp or attempt.stamp
    xs = attempt.rng.integers(0, width - stamp.rgba.shape[1], TRIED, endpoint=True)
    ys = attempt.rng.integers(0, height - stamp.rgba.shape[0], TRIED, endpoint=True)
    return [replace(stamp, x=int(x), y=int(y)) for x, y in zip(xs, ys, strict=True)]


def _acting(attempt: Attempt, stamps: list[Stamp]) -> list[Stamp]:
    """Return which of *stamps*, each alone, make the model say what is wanted."""
    if not stamps:
        return []
    labels = attempt.says(np.stack([attempt.with_stamps(stamp) for stamp in stamps]))
    return [stamp for stamp, label in zip(stamps, labels, strict=True) if label == attempt.wanted]


def _apart(stamps: list[Stamp]) -> list[Stamp]:
    """Leave out what lies over one before."""
    chosen: list[Stamp] = []
    for stamp in stamps:
        if all(box_of(stamp).overlap(box_of(other)) == 0 for other in chosen):
            chosen.append(stamp)
    return chosen
