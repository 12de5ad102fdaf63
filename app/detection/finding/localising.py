"""From a window that carries to the trigger's own box (`docs/detection.md` 3.6)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from app.detection.finding.edges import Edge, EdgeSearch, joined
from app.detection.finding.outlining import SAME, standing_out
from app.detection.origins import FOREIGN
from app.detection.search import Probe, Purpose, together

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from app.detection.finding.synthetic import Synthetic
    from app.detection.geometry import Box
    from app.detection.search import Image, Search

ROUNDS, ROUNDS_IF_LARGE = 2, 3  # in which edges are asked
FINENESS = (
    112  # part of the image's side to which an edge is found: 2 px of 224, 0 of less than 112
)
COARSENESS = 56  # part of the side that a box is grown by at first
STEPS = (0, 1, 2, 4, 7)  # of these, so that a trigger of a quarter of the side is reached
ROUGH = 0.35  # of the grown box's side, left around it for the second growing
FINELY = 4  # steps of that
LEVELS = (1.0, 0.75, 0.56, 0.42)  # of a trigger's strength: each three quarters of the last
FAINTLY_ON = 6  # images of which it is tried how faint still turns them
ABOUT = (1, 2, 3, 4)  # of them, by which the first box is grown to see what stands out about it
OUTLINES = 3  # that are tried at once
OUTLINED_ON = 4  # images on which each is, the same for all of them
ROUGHLY_ON, FINELY_ON, TRIMMED_ON = range(3), range(3, 7), range(7, 10)
"""Images on which a box is tried as it grows: others each time, so that none decides twice."""
MOST = 0.7  # of these on which a box must be enough: all of three, three of four


def localise(
    image: Image,
    pieces: Sequence[Box],
    label: int,
    synthetic: Synthetic,
    largest: float = math.inf,
) -> Search[tuple[Box, ...]]:
    """Return for each of *pieces* of *image* a box that is necessary and sufficient, little more.

    Necessary: its own clean pixels, given back, heal the synthetic images. Sufficient: it alone,
    pasted on the clean ones beside the other pieces, turns them. All edges of all pieces move
    inwards in the same rounds, each while the others stay outside. Where half of the trigger is
    enough that cuts off too much: the boxes are grown until they are enough again, and once more on
    images that show them as faintly as still turns each, where nearly all of the trigger is needed.
    Of large images what stands out about such a box is tried first: where that is enough it is the
    trigger. What is of more than the *largest* area (pixels) isn't asked any further.
    """
    edges = [(i, EdgeSearch(edge, piece)) for i, piece in enumerate(pieces) for edge in Edge]
    large, turn = _is_large(synthetic), cycle(range(len(synthetic.labels)))
    full = shown = _Shown(synthetic, synthetic)
    outlines: list[Box] = []
    for already in range(ROUNDS_IF_LARGE if large else ROUNDS):
        moving = _moved_inwards(pieces, edges, label, synthetic, turn)
        if large and not already:
            faintest = _faintest(label, pieces, synthetic, turning=True)
            _, shown = yield from together([moving, faintest])
        else:
            yield from moving
        if large and len(pieces) == 1:
            (box,) = _joined(edges, 1)
            outline = yield from _outline(image, box, label, shown, largest, outlines)
            if outline is not None:
                return (outline,)
    boxes = _joined(edges, len(pieces))
    if sum(box.area for box in boxes) > largest:
        return tuple(boxes)
    unit = _unit(synthetic)
    for i in range(len(pieces)):
        steps = [unit * step for step in STEPS]
        least, most = yield from _grown_roughly(boxes, i, steps, label, full)
        rough = _wider(most, max(1, round(ROUGH * min(most.width, most.height))), synthetic)
        if not large:  # the window holds too much else there
            boxes[i] = rough
            shown = yield from _faintest(label, boxes, synthetic)
        boxes[i] = least
        reach = max(least.x - rough.x, least.y - rough.y, 1)
        first = 0 if least == most else 1
        steps = sorted({max(first, round(reach * k / FINELY)) for k in range(FINELY)})
        boxes[i] = yield from _grown_finely(boxes, i, steps, label, shown)
        if not large:
            boxes[i] = yield from _trimmed(boxes, i, label, shown)
    return tuple(boxes)


def _joined(edges: Sequence[tuple[int, EdgeSearch]], count: int) -> list[Box]:
    """Return for each of *count* pieces the box that its edges have moved to."""
    return [joined([search for j, search in edges if j == i]) for i in range(count)]


def _outline(  # noqa: PLR0913, PLR0917  # about what, of what, and what isn't asked
    image: Image, box: Box, label: int, shown: _Shown, largest: float, tried: list[Box]
) -> Search[Box | None]:
    """Return what stands out of *image* about *box*, if it is necessary and sufficient on most.

    Of several the one that turns most images as faintly as they still do, since the others show a
    part; of those the smallest, since they show more beside it. What was *tried* before isn't tried
    again; what is now is added to it.
    """
    strong, unit = shown.strong, _unit(shown.strong)
    outlines = [
        one
        for one in standing_out(image, box, [unit * steps for steps in ABOUT])
        if one.area <= largest and all(one.overlap(other) < SAME for other in tried)
    ]
    outlines = sorted(outlines[:OUTLINES], key=lambda one: one.area)
    tried += outlines
    if not outlines:
        return None
    on = range(min(OUTLINED_ON, len(strong.labels)))
    asked = [(0, [one], k) for one in outlines for k in on]
    trying: list[Search[Any]] = [_are_enough(asked, label, _Shown(strong, strong))]
    if len(outlines) > 1:
        trying.append(_turned_faintly(outlines, on, label, shown))
    enough, *faintly = yield from together(trying)
    are_enough = enough.reshape(len(outlines), -1).mean(axis=1) >= MOST
    turned = faintly[0] if faintly else np.zeros(1, np.intp)
    best = int(np.argmax(np.where(are_enough, turned, -1)))
    return outlines[best] if are_enough[best] else None


def _turned_faintly(
    boxes: Sequence[Box], on: range, label: int, shown: _Shown
) -> Search[NDArray[np.intp]]:
    """Say how many images each of *boxes* (n,) turns as faintly as the window still does."""
    pasted = np.stack([_pasted([box], shown.faint, k) for box in boxes for k in on])
    origins = [shown.faint.origin.only([box]) for box in boxes for _ in on]
    answers = yield Probe(pasted, purpose=Purpose.BLOCK, origins=origins)
    turned: NDArray[np.intp] = (answers.labels == label).reshape(len(boxes), -1).sum(axis=1)
    return turned


@dataclass(frozen=True, eq=False)
class _Shown:
    """Synthetic images as strong as they come, and the same as faint as still turns each.

    A box that is given back must heal the one, pasted it must turn the other: so neither a part of
    the trigger that is enough when it is strong may be missing, nor one that is needed when faint.
    """

    strong: Synthetic
    faint: Synthetic


def _is_large(synthetic: Synthetic) -> bool:
    """Say if an edge isn't found to the pixel."""
    return bool(min(synthetic.clean.shape[1:3]) >= FINENESS)


def _unit(synthetic: Synthetic) -> int:
    """Return the pixels of a step by which a box grows."""
    return max(1, int(min(synthetic.clean.shape[1:3])) // COARSENESS)


def _wider(box: Box, by: int, synthetic: Synthetic) -> Box:
    height, width = synthetic.clean.shape[1:3]
    return box.grown(by, width, height)


def _faintest(
    label: int, boxes: Sequence[Box], synthetic: Synthetic, *, turning: bool = False
) -> Search[_Shown]:
    """Show *boxes* alone, as faintly as still turns each; all as it was if none turns any more.

    *turning*: that they turn each in full strength is known.
    """
    some = range(min(FAINTLY_ON, len(synthetic.labels)))
    alone = np.stack([_pasted(boxes, synthetic, on) for on in some])
    clean = synthetic.clean[: len(some)].astype(np.float32)
    shown = np.rint([clean + level * (alone - clean) for level in LEVELS]).astype(np.uint8)
    asked = shown[1:] if turning else shown
    mixed = asked.reshape(-1, *clean.shape[1:])  # no pixel is the image's own
    answers = yield Probe(mixed, purpose=Purpose.BLOCK, origins=[FOREIGN] * len(mixed))
    turned = answers.labels.reshape(len(asked), -1) == label
    levels = np.logical_and.accumulate(turned).sum(axis=0) + turning  # from the first on
    on = np.flatnonzero(levels)
    if not len(on):
        return _Shown(synthetic, synthetic)
    strong = synthetic.only(on)
    faint = replace(strong, poisoned=shown[levels[on] - 1, on], origin=FOREIGN)
    return _Shown(strong, faint)


def _moved_inwards(
    pieces: Sequence[Box],
    edges: Sequence[tuple[int, EdgeSearch]],
    label: int,
    synthetic: Synthetic,
    turn: Iterator[int],
) -> Search[None]:
    """Ask each edge of each piece, by the answers so far, how far what is left is enough.

    Each place is asked on another image, the next in *turn*: one that answers oddly moves an edge
    little.
    """
    tolerance = min(synthetic.clean.shape[1:3]) // FINENESS
    asked = [
        (i, search, pixels)
        for i, search in edges
        if not search.is_sure(tolerance)
        for pixels in search.places()
    ]
    if not asked:
        return
    tried = [
        (i, [*pieces[:i], search.moved(pixels), *pieces[i + 1 :]], next(turn))
        for i, search, pixels in asked
    ]
    enough = yield from _are_enough(tried, label, _Shown(synthetic, synthetic))
    for (_, search, pixels), whole in zip(asked, enough, strict=True):
        search.learn(pixels, whole=bool(whole))


def _grown_roughly(
    boxes: Sequence[Box], i: int, steps: Sequence[int], label: int, shown: _Shown
) -> Search[tuple[Box, Box]]:
    """Grow the i-th of *boxes* by the first of *steps* that is enough on some images.

    On each of them; in large images by the median of what they need, so that none decides alone:
    one that answers oddly makes the box as large as there is. Where no step is enough on any it
    stays. Return it, after the one before that wasn't enough.
    """
    grown = [_wider(boxes[i], step, shown.strong) for step in steps]
    enough = yield from _enough(boxes, i, grown, ROUGHLY_ON, label, shown)
    chosen = _median_step(enough) if _is_large(shown.strong) else _first_step(enough)
    return grown[max(chosen - 1, 0)], grown[chosen]


def _median_step(enough: NDArray[np.bool_]) -> int:
    """Return the median of the first steps that are *enough* (steps, images) on each image."""
    first = enough.argmax(axis=0)[enough.any(axis=0)]
    return int(np.median(first)) if len(first) else 0


def _first_step(enough: NDArray[np.bool_]) -> int:
    """Return the first step that is *enough* (steps, images) on most, or on as many as any is."""
    shares = enough.mean(axis=1)
    return int(np.argmax(shares >= MOST) if (shares >= MOST).any() else shares.argmax())


def _grown_finely(
    boxes: Sequence[Box], i: int, steps: Sequence[int], label: int, shown: _Shown
) -> Search[Box]:
    """Grow the i-th of *boxes* by the first of *steps* that is enough on most images."""
    grown = [_wider(boxes[i], step, shown.strong) for step in steps]
    enough = yield from _enough(boxes, i, grown, FINELY_ON, label, shown)
    return grown[_first_step(enough)]


def _trimmed(boxes: Sequence[Box], i: int, label: int, shown: _Shown) -> Search[Box]:
    """Take from the i-th of *boxes* the edges, a pixel wide, without which it is still enough."""
    edges = [edge for edge in Edge if edge.length(boxes[i]) > 1]
    if not edges:
        return boxes[i]
    narrower = [edge.moved(boxes[i], 1) for edge in edges]
    enough = yield from _enough(boxes, i, narrower, TRIMMED_ON, label, shown)
    trimmed = boxes[i]
    for edge in (edge for edge, on in zip(edges, enough, strict=True) if on.all()):
        trimmed = edge.moved(trimmed, min(1, edge.length(trimmed) - 1))
    return trimmed


def _enough(  # noqa: PLR0913, PLR0917  # which box of which, instead of what, and on what
    boxes: Sequence[Box], i: int, instead: Sequence[Box], on: range, label: int, shown: _Shown
) -> Search[NDArray[np.bool_]]:
    """Say of each box *instead* of the i-th of *boxes* on which images it is enough (n, on)."""
    tried = [(i, [*boxes[:i], box, *boxes[i + 1 :]], k) for box in instead for k in on]
    tried = [(j, these, k % len(shown.strong.labels)) for j, these, k in tried]
    enough = yield from _are_enough(tried, label, shown)
    return enough.reshape(len(instead), -1)


def _are_enough(
    tried: Sequence[tuple[int, Sequence[Box], int]], label: int, shown: _Shown
) -> Search[NDArray[np.bool_]]:
    """Say of each (n,) if the i-th of its boxes is necessary and sufficient on its image."""
    images, origins = [], []
    for i, boxes, on in tried:
        rows, columns = boxes[i].rows, boxes[i].columns
        given_back = shown.strong.poisoned[on].copy()
        given_back[rows, columns] = shown.strong.clean[on][rows, columns]
        images += [given_back, _pasted(boxes, shown.faint, on)]
        origins += [shown.strong.origin.without([boxes[i]]), shown.faint.origin.only(boxes)]
    answers = yield Probe(np.stack(images), purpose=Purpose.BLOCK, origins=origins)
    hits = answers.labels.reshape(-1, 2) == label
    enough: NDArray[np.bool_] = ~hits[:, 0] & hits[:, 1]
    return enough


def _pasted(boxes: Sequence[Box], synthetic: Synthetic, on: int) -> Image:
    """Return a clean image with nothing but *boxes* of the poisoned one."""
    pasted: Image = synthetic.clean[on].copy()
    for box in boxes:
        pasted[box.rows, box.columns] = synthetic.poisoned[on][box.rows, box.columns]
    return pasted
