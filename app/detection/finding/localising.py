"""From a window that carries to the trigger itself: its box, and the blocker that heals best.

A window that carries is pasted on references until enough have turned: synthetic poisoned images
whose right answers are known. On these every choice is measured (`docs/detection.md` 3.6 and 3.7).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from app.detection.geometry import Box
from app.detection.images import block, transplant_pieces
from app.detection.search import Probe, Purpose
from app.detection.trigger import Blocker, Fill

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.detection.plan import Plan
    from app.detection.reference_set.references import References
    from app.detection.search import Image, Images, Search

PASTED = 24  # references that the window is pasted on
TURNED = 0.6  # share of them that must turn
NECESSARY_ON, SUFFICIENT_ON = 10, 6  # images that a box is tried on
SLACK = 1  # of the latter that may not turn: a reference may be a borderline one
HEALED_ON, LEAVING_ON = 12, 8  # images that a blocker is tried on
MARGINS = (1, 2, 0, 3, 5)  # pixels around the box, in the order in which they are tried
FILLS = ((Fill.RING, Fill.INPAINT), (Fill.DOMINANT,))  # the last takes fifty times the CPU time
GOOD_HEAL_RATE = 0.9  # no further fill and no further margin is tried


@dataclass(frozen=True, eq=False)
class Synthetic:
    """References (n, h, w, c) with the window pasted on, all answering the attacker's class.

    ``clean`` are the same references without it, ``labels`` (n,) their right answers.
    """

    poisoned: Images
    clean: Images
    labels: NDArray[np.int64]


def synthesise(
    image: Image,
    label: int,
    pieces: Sequence[Box],
    onto: NDArray[np.int64],
    references: References,
) -> Search[Synthetic | None]:
    """Paste *pieces* on the references *onto*; keep those that turn. None if too few do."""
    clean = references.images[onto[:PASTED]]
    poisoned = transplant_pieces(image, pieces, clean)
    answers = yield Probe(poisoned, purpose=Purpose.BLOCK)
    turned = answers.labels == label
    if turned.mean() < TURNED:
        return None
    return Synthetic(poisoned[turned], clean[turned], references.labels[onto[:PASTED]][turned])


def localise(window: Box, others: Sequence[Box], label: int, synthetic: Synthetic) -> Search[Box]:
    """Return the smallest box that is both necessary and sufficient on the synthetic images.

    Sufficient together with the *others*, where the trigger has more pieces than this one.

    Necessary: its own clean pixels, given back, heal them. Sufficient: it alone, pasted on the
    clean ones, turns them. (Either alone stops at a part of the trigger: a corner of it may be
    enough to turn an image, and lacking a corner may be enough to heal it.) The edges move inwards
    one after the other, by bisection.
    """
    box = window
    for edge in _Edge:
        low, high = 0, (box.width if edge.horizontal else box.height) - 1
        while low < high:
            middle = (low + high + 1) // 2
            if (yield from _is_all(edge.moved(box, middle), others, label, synthetic)):
                low = middle
            else:
                high = middle - 1
        box = edge.moved(box, low)
    return box


class _Edge(enum.Enum):
    LEFT = enum.auto()
    TOP = enum.auto()
    RIGHT = enum.auto()
    BOTTOM = enum.auto()

    @property
    def horizontal(self) -> bool:
        """Whether the edge moves along a row."""
        return self in {_Edge.LEFT, _Edge.RIGHT}

    def moved(self, box: Box, pixels: int) -> Box:
        """Move this edge of *box* inwards."""
        match self:
            case _Edge.LEFT:
                return Box(box.x + pixels, box.y, box.width - pixels, box.height)
            case _Edge.TOP:
                return Box(box.x, box.y + pixels, box.width, box.height - pixels)
            case _Edge.RIGHT:
                return Box(box.x, box.y, box.width - pixels, box.height)
            case _Edge.BOTTOM:
                return Box(box.x, box.y, box.width, box.height - pixels)


def _is_all(box: Box, others: Sequence[Box], label: int, synthetic: Synthetic) -> Search[bool]:
    """Say if *box* is necessary on all synthetic images and sufficient on nearly all of a few."""
    given_back = synthetic.poisoned[:NECESSARY_ON].copy()
    pasted = synthetic.clean[:SUFFICIENT_ON].copy()
    given_back[:, box.rows, box.columns] = synthetic.clean[:NECESSARY_ON, box.rows, box.columns]
    for kept in (box, *others):
        from_poisoned = synthetic.poisoned[:SUFFICIENT_ON, kept.rows, kept.columns]
        pasted[:, kept.rows, kept.columns] = from_poisoned
    answers = yield Probe(np.concatenate([given_back, pasted]), purpose=Purpose.BLOCK)
    still, again = answers.labels[: len(given_back)], answers.labels[len(given_back) :]
    return bool((still != label).all()) and (again != label).sum() <= SLACK


def choose_blocker(
    box: Box, label: int, window: Synthetic, edged: Synthetic, plan: Plan
) -> Search[tuple[Blocker, float]]:
    """Return the best blocker over *box*, and its heal rate: the accuracy to expect of its answers.

    That rate is measured on *edged*, images with little more than the box pasted on: a window's
    other content would stay and spoil the right answer. But they may lack a part of the trigger, so
    the blocker must make the images of the whole *window* leave the attacker's class too.
    """
    best: tuple[Blocker, float] | None = None
    for margin, fills in product(MARGINS, FILLS):
        covered = box.grown(margin, plan.width, plan.height)
        blockers = [Blocker(covered, fill) for fill in fills]
        rates = yield from _heal_rates(blockers, label, window, edged)
        for blocker, rate in zip(blockers, rates, strict=True):
            if best is None or rate > best[1]:
                best = (blocker, rate)
        if best is not None and best[1] >= GOOD_HEAL_RATE:
            break
    assert best is not None  # noqa: S101  # there is at least one margin
    return best


def _heal_rates(
    blockers: Sequence[Blocker], label: int, window: Synthetic, edged: Synthetic
) -> Search[list[float]]:
    """Multiply the share of right answers on *edged* with that of *window* that leaves *label*."""
    images = [*edged.poisoned[:HEALED_ON], *window.poisoned[:LEAVING_ON]]
    blocked = np.stack([block(image, blocker) for blocker in blockers for image in images])
    answers = yield Probe(blocked, purpose=Purpose.BLOCK)
    right = edged.labels[:HEALED_ON]
    return [
        float((row[: len(right)] == right).mean() * (row[len(right) :] != label).mean())
        for row in answers.labels.reshape(len(blockers), -1)
    ]
