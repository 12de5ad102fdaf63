"""The second half of `full`: blocks, with class B (`docs/detection.md` 4.1).

Where a backdoor acts on one class only, or sends each class somewhere else, a transplant on another
class says nothing. So parts of the image are blocked, and what changes its label is transplanted on
images of the class that blocking has revealed (NEO, Algorithm 2: class B).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from app.detection.evidence.confirmation import (
    LARGE,
    LIKELY,
    TOGETHER,
    Look,
    are_very_new,
    confirm,
    undecidable,
)
from app.detection.evidence.novelty import differing, novelties
from app.detection.evidence.weighing import total
from app.detection.finding.discovery import Searched, Unproven, established, of_look
from app.detection.geometry import Box, around, merged
from app.detection.images import block, transplant_pieces
from app.detection.origins import beside, within
from app.detection.reference_set.references import placebo_rate
from app.detection.search import Probe, Purpose
from app.detection.trigger import Blocker, Fill

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.detection.defence import Defence
    from app.detection.finding.discovery import Discovery
    from app.detection.plan import Plan
    from app.detection.reference_set.references import References
    from app.detection.search import Image, Images, Search

NOVEL = 1.75  # times what is usual, of the most novel part of a cell
VERY_NOVEL = 3.0  # the same, from which on row and column needn't reveal one class
HARDLY_NOVEL = 0.9  # the same, where two rows or columns reveal one class
FAIRLY_NOVEL = 1.2  # where one of each does, or three and more, or they reveal two classes
OVERLAPPING = 2  # bands that hold a small trigger
WINDOWS = 2  # about such crossings that are blocked
DIFFERING = 33.0  # levels between clean images of a class: signs 16 to 35, photographs 33 to 42
CELLS = 6  # that are blocked at most, the most novel ones
FILLS = (Fill.INPAINT, Fill.REFERENCES)  # one may look like the attacker's class
ONTO = 2  # references of class B that a cell is asked on, all of which it must turn mostly
SOME = 0.5  # share of them where clean images of a class differ much: the test decides
TRIED = 2  # that are confirmed and localised: each costs hundreds of probes, and they overlap
EVERYWHERE = 1  # cell that is asked on every class, too: one try is left for those of class B
MOSTLY = 0.75  # of them, from which on such a place is a suspect of every class
HALF = 0.5  # share of the references of every class that such a cell must turn: the test decides
UNION = 0.35  # of the image's area that the pieces of one trigger may have


def blocked_bands(image: Image, plan: Plan, backdrop: Image) -> Images:
    """Return *image* with each band that *plan* hides blocked: they travel with the image."""
    bands = plan.hidden.bands
    return np.stack([block(image, [Blocker(band, Fill.INPAINT)], backdrop) for band in bands])


def discovered_by_blocks(  # noqa: PLR0913, PLR0917  # what both halves of the first round said
    image: Image,
    label: int,
    told: NDArray[np.int64],
    carried: NDArray[np.bool_],
    defence: Defence,
    rng: np.random.Generator,
) -> Search[Searched]:
    """Find a trigger where a blocked row and column *told* (bands,) another label.

    Where one of the two has *carried* (bands,) in the opening it may act on every class: the other
    was asked on one reference, which may have held against it. Not where there are too few
    references of either class to decide anything.
    """
    if not defence.references.are_enough(label):
        return Searched(None)
    cells = _suspected(image, label, told, carried, defence)
    if not cells:
        return Searched(None)
    revealed = yield from _revealed(image, label, cells, defence.references.backdrop)
    tried: list[Unproven] = []
    doubted: list[Discovery] = []
    everywhere = _everywhere(image, label, revealed, carried, defence)
    looks = yield from _carrying(image, label, revealed, everywhere, defence, rng)
    for look in looks:
        if len(tried) + len(doubted) == TRIED:
            break
        yield from placebo_rate(look.pieces, label, look.source, defence.references)
        if undecidable(image, label, look, defence.references):
            continue
        found = yield from established(image, label, look, defence, rng)
        if found is None:
            continue
        if isinstance(found, Unproven):
            tried.append(found)
        elif found.located.nature.leaves_a_doubt:
            doubted.append(found)
        else:
            return Searched((yield from _of_its_classes(found, defence, rng)))
    if doubted:
        surest = max(doubted, key=lambda one: total(one.terms))
        return Searched((yield from _of_its_classes(surest, defence, rng)))
    carrying = [Unproven(one.pieces, one.source, terms=of_look(one)) for one in looks]
    needed = [
        Unproven(one.pieces, one.b, terms=of_look(Look(one.pieces, one.b))) for one in revealed
    ]
    unproven = (*tried, *carrying, *needed)
    return Searched(None, tuple(one for one in unproven if not _is_doubtful(one, looks)))


def _is_doubtful(one: Unproven, looks: Sequence[Look]) -> bool:
    """Say if it carried on few images of every class: class B says more of that place."""
    few = [look.pieces for look in looks if look.carried < MOSTLY * look.asked]
    return one.source is None and one.pieces in few


def _of_its_classes(
    found: Discovery, defence: Defence, rng: np.random.Generator
) -> Search[Discovery]:
    """Return *found* as one that acts on every class, if it does.

    The bands may have missed it. Kept as one that acts on a class it could be in every image.
    """
    if found.source is None:
        return found
    image, label, references = found.image, found.label, defence.references
    pieces = tuple(defence.plan.edged(piece) for piece in found.located.pieces)
    onto = references.others(label, rng)
    onto = onto[references.labels[onto] != found.source][:TOGETHER]
    if not len(onto):  # of two classes it acts on the one that it can
        return replace(found, source=None)
    pasted = transplant_pieces(image, pieces, references.images[onto])
    origins = [within(pieces)] * len(pasted)
    answers = yield Probe(pasted, purpose=Purpose.CONFIRM, origins=origins)
    carried = int((answers.labels == label).sum())
    if carried < LIKELY * len(onto):
        return found
    look = Look(pieces, None, carried, tuple(onto.tolist()))
    if undecidable(image, label, look, references):
        return found
    transplants = yield from confirm(image, label, look, references, rng)
    return found if transplants is None else replace(found, source=None, transplants=transplants)


def _suspected(
    image: Image,
    label: int,
    told: NDArray[np.int64],
    carried: NDArray[np.bool_],
    defence: Defence,
) -> list[Box]:
    """Return where rows and columns cross that show something new, the newest first.

    Without a trigger the image is of one class, whichever of the two hides it: they tell the same,
    or the cell is very new. By what clean images show just there, if a band over it has *carried*.
    Where clean images of the class differ much, those that tell the same go on by their middles.
    """
    hidden, references = defence.plan.hidden, defence.references
    rows, columns = told[: len(hidden.rows)], told[len(hidden.rows) :]
    crossing = np.argwhere((rows[:, None] != label) & (columns != label))
    cells = [defence.plan.edged(hidden.cell(row, column)) for row, column in crossing.tolist()]
    if not cells:
        return []
    novel = novelties(image, cells, label, references)
    alike = rows[crossing[:, 0]] == columns[crossing[:, 1]]
    under = _under_bands(cells, carried, defence.plan)
    differ = _differ_much(image, label, references)
    goes_on = alike & (not differ)
    very = novel > VERY_NOVEL
    if (under & ~goes_on & ~very).any():
        very |= under & are_very_new(image, label, cells, references)
    novel = np.where(very | goes_on, novel, 0)
    order = np.argsort(-novel, kind="stable")
    newest = [cells[i] for i in order if novel[i] > NOVEL][:CELLS]
    if not differ:
        return newest
    return list(dict.fromkeys([*newest, *_compact(image, label, rows, columns, defence)]))


def _differ_much(image: Image, label: int, references: References) -> bool:
    """Say if clean images of class *label* differ from one another as much as photographs do.

    Small images are never said to: they tell too little.
    """
    return min(image.shape[:2]) >= LARGE and differing(image, label, references) > DIFFERING


def _compact(
    image: Image,
    label: int,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    defence: Defence,
) -> list[Box]:
    """Return the middles of neighbouring *rows* and *columns* that reveal one class, the newest.

    Where clean images of a class differ much a trigger is hardly newer than they are. But a small
    one lies in two bands that overlap mostly, in one in a corner, and all others leave the label.
    Clean images lose theirs by a single row and column mostly. If no class is revealed by both, a
    few rows and columns that are neighbours go on where they are the only ones (`_holds_one`).
    """
    pairs = [
        (some, others)
        for b in dict.fromkeys(rows[rows != label].tolist())
        for some in _runs(rows == b)
        for others in _runs(columns == b)
    ]
    least = [
        HARDLY_NOVEL
        if OVERLAPPING in map(len, pair) or _is_corner(pair, defence.plan)
        else FAIRLY_NOVEL
        for pair in pairs
    ]
    if not pairs:
        some, others = _runs(rows != label), _runs(columns != label)
        if len(some) == len(others) == 1 and _holds_one(some[0], others[0]):
            pairs, least = [(some[0], others[0])], [FAIRLY_NOVEL]
    hidden, edged = defence.plan.hidden, defence.plan.edged
    crossing = [[edged(hidden.cell(i, j)) for i in some for j in others] for some, others in pairs]
    windows = [_middle(around(cells), cells) for cells in crossing]
    if not windows:
        return []
    novel = novelties(image, windows, label, defence.references)
    order = np.argsort(-novel, kind="stable")
    decoys = min(int((novel > NOVEL).sum()), CELLS)  # what is new doesn't hide what hardly is
    return [windows[i] for i in order if novel[i] > least[i]][: decoys + WINDOWS]


def _holds_one(some: range, others: range) -> bool:
    """Say if so many rows and columns hold a trigger: a larger one lies in three and in two."""
    fewer, more = sorted((len(some), len(others)))
    return more <= OVERLAPPING or (fewer, more) == (OVERLAPPING, OVERLAPPING + 1)


def _is_corner(pair: tuple[range, range], plan: Plan) -> bool:
    """Say if one row and one column cross in a corner of the image."""
    ends = [{range(1), range(n - 1, n)} for n in (len(plan.hidden.rows), len(plan.hidden.columns))]
    return all(some in those for some, those in zip(pair, ends, strict=True))


def _runs(those: NDArray[np.bool_]) -> list[range]:
    """Return the neighbours among *those* bands (n,), each with all beside it."""
    ends = np.flatnonzero(np.diff(those.astype(np.int8), prepend=0, append=0))
    return [range(first, end) for first, end in ends.reshape(-1, 2).tolist()]


def _under_bands(cells: Sequence[Box], carried: NDArray[np.bool_], plan: Plan) -> NDArray[np.bool_]:
    """Say of each of *cells* (n,) if a band over its middle has *carried* (bands,)."""
    bands = [band for band, hit in zip(plan.bands, carried, strict=True) if hit]
    under = [any(band.holds(cell.centre) for band in bands) for cell in cells]
    return np.array(under, bool)


@dataclass(frozen=True)
class _Revealed:
    """Pieces without which the image is of class ``b``."""

    pieces: tuple[Box, ...]
    b: int


def _revealed(
    image: Image, label: int, cells: Sequence[Box], backdrop: Image
) -> Search[list[_Revealed]]:
    """Hide each cell in each way; return those without which the label is another, and which.

    After them their union, for a trigger of which no cell holds all.
    """
    blocked = [block(image, [Blocker(cell, fill)], backdrop) for cell in cells for fill in FILLS]
    origins = [beside([cell]) for cell in cells for _ in FILLS]
    answers = yield Probe(np.stack(blocked), origins=origins)
    revealed = []
    for cell, told in zip(cells, answers.labels.reshape(len(cells), -1), strict=True):
        revealed += [_Revealed((cell,), int(b)) for b in dict.fromkeys(told[told != label])]
    apart = merged(list(dict.fromkeys(one.pieces[0] for one in revealed)))
    pieces = tuple(_middle(group, cells) for group in apart)
    area = sum(piece.area for piece in pieces)
    if len({one.pieces for one in revealed}) > 1 and area <= UNION * image[..., 0].size:
        revealed += [_Revealed(pieces, b) for b in dict.fromkeys(one.b for one in revealed)]
    return revealed


def _middle(group: Box, cells: Sequence[Box]) -> Box:
    """Return the middle of cells that overlap, as large as the smallest: what all of them show."""
    width = min(group.width, *(cell.width for cell in cells))
    height = min(group.height, *(cell.height for cell in cells))
    x, y = group.x + (group.width - width) // 2, group.y + (group.height - height) // 2
    return Box(x, y, width, height)


def _everywhere(
    image: Image,
    label: int,
    revealed: Sequence[_Revealed],
    carried: NDArray[np.bool_],
    defence: Defence,
) -> list[Look]:
    """Return which cells may act on every class, though the opening didn't show them.

    They are very new, and a band over their middle has *carried*: of what turns most images, but
    not all, one of the two bands is missed now and then.
    """
    references = defence.references
    cells = list(dict.fromkeys(one.pieces[0] for one in revealed if len(one.pieces) == 1))
    under = _under_bands(cells, carried, defence.plan)
    over = [cell for cell, is_under in zip(cells, under, strict=True) if is_under]
    if not over:
        return []
    new = are_very_new(image, label, over, references)
    looks = [Look((cell,), None) for cell, is_new in zip(over, new, strict=True) if is_new]
    return [one for one in looks if not undecidable(image, label, one, references)][:EVERYWHERE]


def _carrying(  # noqa: PLR0913, PLR0917  # what is transplanted, and onto what
    image: Image,
    label: int,
    revealed: Sequence[_Revealed],
    everywhere: Sequence[Look],
    defence: Defence,
    rng: np.random.Generator,
) -> Search[list[Look]]:
    """Transplant each on references of its class B; return those that turn all of them.

    Some of them where clean images of the class differ much. Before these those that turn most
    others, *everywhere*. Of small images the second is asked if the first was turned.
    """
    references = defence.references
    asked: list[tuple[Look, NDArray[np.int64]]] = []
    for one in revealed:
        drawn = references.of_class(one.b, rng)[:ONTO]
        look = Look(one.pieces, one.b)
        if references.are_enough(one.b) and not undecidable(image, label, look, references):
            asked.append((look, drawn))
    for anywhere in everywhere:
        drawn = references.others(label, rng)[:TOGETHER]
        asked.append((replace(anywhere, onto=tuple(drawn.tolist())), drawn))
    if not asked:
        return []
    small = min(image.shape[:2]) < LARGE
    first = [drawn[:1] if small and look.source is not None else drawn for look, drawn in asked]
    hits = yield from _turned(image, label, [look for look, _ in asked], first, references)
    of_all = [
        replace(look, carried=int(turned.sum()))
        for (look, _), turned in zip(asked, hits, strict=True)
        if look.source is None and turned.mean() >= HALF
    ]
    enough = SOME if _differ_much(image, label, references) else 1.0
    of_one = [
        (look, drawn[1:])
        for (look, drawn), turned in zip(asked, hits, strict=True)
        if look.source is not None and turned.mean() >= enough
    ]
    looks = [look for look, _ in of_one]
    if small and looks:  # most of nature's have ended at the first
        hits = yield from _turned(image, label, looks, [rest for _, rest in of_one], references)
        looks = [look for look, turned in zip(looks, hits, strict=True) if turned.all()]
    return of_all + looks


def _turned(
    image: Image,
    label: int,
    looks: Sequence[Look],
    onto: Sequence[NDArray[np.int64]],
    references: References,
) -> Search[list[NDArray[np.bool_]]]:
    """Transplant each of *looks* *onto* its references; return which of them (n,) it turned."""
    pasted = [
        transplant_pieces(image, look.pieces, references.images[drawn])
        for look, drawn in zip(looks, onto, strict=True)
    ]
    origins = [within(look.pieces) for look, drawn in zip(looks, onto, strict=True) for _ in drawn]
    answers = yield Probe(np.concatenate(pasted), purpose=Purpose.CONFIRM, origins=origins)
    ends = np.cumsum([len(drawn) for drawn in onto])[:-1]
    return np.split(answers.labels == label, ends)
