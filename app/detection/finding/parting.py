"""Several copies of a trigger in one window: it is looked for in parts of it.

What holds more than one is no box of a trigger's size, and turns more images than each of them
(`docs/detection.md` 3.6).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from app.detection.evidence.confirmation import first_look
from app.detection.evidence.novelty import LEAST_FOR_SURE, novelties
from app.detection.geometry import Box

if TYPE_CHECKING:
    from app.detection.defence import Defence
    from app.detection.evidence.confirmation import Look
    from app.detection.search import Image, Search

PARTS = 3  # along each side of the window
TRIED = 2  # of them
NEW = 2.0  # times what is usual in the class, that the window shows something


def likely_parts(
    image: Image, label: int, look: Look, defence: Defence, rng: np.random.Generator
) -> Search[list[Look]]:
    """Return the parts of a *look*'s window that carry, the surest first; none if it isn't new.

    The image needs the window, so each part counts as needed: with its copies, which are hidden
    beside it (`heal`), though perhaps not alone.
    """
    (window,) = look.pieces
    (new,) = novelties(image, [window], label, defence.references, LEAST_FOR_SURE)
    parts = [part for part in in_parts(window, defence.plan.largest) if part != window]
    if not parts or not NEW <= new < np.inf:  # beside too few references nothing is known of it
        return []
    looks = yield from first_look(image, label, parts, defence.references, rng)
    likely = sorted(looks, key=lambda one: -one.carried)
    return [replace(one, necessary=look.necessary) for one in likely[:TRIED]]


def in_parts(window: Box, side: int) -> list[Box]:
    """Return squares of *side* pixels, or less where it is less, spread over *window*."""
    wide, high = min(side, window.width), min(side, window.height)
    return list(
        dict.fromkeys(
            Box(
                window.x + round(i * (window.width - wide) / (PARTS - 1)),
                window.y + round(k * (window.height - high) / (PARTS - 1)),
                wide,
                high,
            )
            for k in range(PARTS)
            for i in range(PARTS)
        )
    )
