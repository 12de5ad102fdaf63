"""The screen of `fast`: parts of the image on clean images that are hard to change.

A part of a clean image hardly ever carries that image's class over to another image; a trigger
always does (`docs/detection.md` 3). The opening asks every band once, together with the image
itself. A trigger is in a row and in a column that carry; where they cross is asked again.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from app.detection.evidence.confirmation import LARGE, first_look, worth_asking
from app.detection.finding.discovery import Discovery, Searched, established
from app.detection.geometry import around
from app.detection.images import transplant
from app.detection.origins import within
from app.detection.reference_set.references import carries
from app.detection.search import together

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from app.detection.defence import Defence
    from app.detection.evidence.confirmation import Look
    from app.detection.finding.discovery import Unproven
    from app.detection.geometry import Box
    from app.detection.origins import Origin
    from app.detection.plan import Plan
    from app.detection.reference_set.references import References
    from app.detection.search import Answers, Image, Images, Search

CELLS = 2
"""Cells of a place that are asked at most: those in its middle hold most of a trigger."""

PLACES = 4
"""Places that are asked at most: two copies of a trigger make four of two rows and two columns."""

AGAIN = 2
"""References that a window is asked on again."""


@dataclass(frozen=True)
class Crossing:
    """A window that may hold a trigger, and the ``band`` whose references it is asked on."""

    window: Box
    band: int


@dataclass(frozen=True, eq=False)
class Opening:
    """One transplant of every band that is asked at once, the i-th on the i-th reference."""

    image: Image
    onto: NDArray[np.int64]
    images: Images
    origins: tuple[Origin, ...]


def opening(image: Image, references: References, plan: Plan, rng: np.random.Generator) -> Opening:
    """Prepare the first round: the image's label isn't known yet, so any reference will do."""
    bands = plan.rows if plan.columns_wait else plan.bands
    onto = np.array([references.leading(i, rng) for i in range(len(bands))], np.int64)
    images = transplant(image, bands, references.images[onto])
    return Opening(image, onto, images, tuple(within([band]) for band in bands))


def discovered(
    first: Opening,
    answers: Answers,
    label: int,
    defence: Defence,
    rng: np.random.Generator,
) -> Search[Searched]:
    """Find a trigger from the *answers* to the opening on, or what may be one."""
    image, references, plan = first.image, defence.references, defence.plan
    hits = yield from opened(first, answers, label, references, plan)
    crossing = crossings(hits, plan)
    worth = worth_asking(image, label, _windows(crossing), references)
    asked = [one for one in crossing if one.window in worth]
    looks = yield from _looks(image, label, asked, references, rng)
    unproven: list[Unproven] = []
    for look in looks:
        found = yield from established(image, label, look, defence, rng, surely_beside(look, looks))
        if isinstance(found, Discovery):
            return Searched(found)
        if found is not None:
            unproven.append(found)
    return Searched(None, tuple(unproven))


def _looks(
    image: Image,
    label: int,
    asked: Sequence[Crossing],
    references: References,
    rng: np.random.Generator,
) -> Search[list[Look]]:
    """Begin to transplant those of *asked* that carry on further references, too.

    Large images are asked about both at once: a discovery's round trips are what its caller waits
    for. Of small ones most clean windows are spared the second question.
    """
    surviving = survivors(image, label, asked, references)
    if min(image.shape[:2]) < LARGE:
        alive = yield from surviving
        return (yield from first_look(image, label, _windows(alive), references, rng))
    looking = first_look(image, label, _windows(asked), references, rng)
    alive, looks = yield from together([surviving, looking])
    return [one for one in looks if set(_windows(alive)).issuperset(one.pieces)]


def _windows(crossing: Sequence[Crossing]) -> list[Box]:
    return [one.window for one in crossing]


def surely_beside(look: Look, looks: Sequence[Look]) -> list[Box]:
    """Return what has carried each time beside *look*: copies of it, or other triggers."""
    (own,) = look.pieces
    surely = [other for other in looks if other.carried == other.asked]
    return [box for other in surely for box in other.pieces if not box.overlap(own)]


def opened(
    first: Opening, answers: Answers, label: int, references: References, plan: Plan
) -> Search[NDArray[np.bool_]]:
    """Say which bands (n,) carried *label* in the opening.

    Where a reference of the opening is of class *label* itself its answer says nothing. Such bands,
    and columns that have waited, are asked on another if the bands of the other kind have carried:
    a trigger is in a row and in a column.
    """
    hits = carried_at_once(first, answers, label, references, plan)
    unknown = np.ones(len(plan.bands), np.bool_)
    unknown[: len(answers)] = references.labels[first.onto] == label
    rows = np.arange(len(plan.bands)) < len(plan.rows)
    for kind in (rows, ~rows):
        others = hits[~kind] | unknown[~kind]
        asked = np.flatnonzero(kind & unknown)
        if len(asked) and others.any():
            onto = [next(references.robust(int(i), label)) for i in asked]
            boxes = [plan.bands[i] for i in asked]
            hits[asked] = yield from carries(first.image, label, boxes, onto, references)
            unknown[asked] = False
    return hits


def carried_at_once(
    first: Opening, answers: Answers, label: int, references: References, plan: Plan
) -> NDArray[np.bool_]:
    """Say which bands (n,) carried *label* in the opening itself, to other classes."""
    hits: NDArray[np.bool_] = np.zeros(len(plan.bands), np.bool_)
    hits[: len(answers)] = (answers.labels == label) & (references.labels[first.onto] != label)
    return hits


def crossings(hits: NDArray[np.bool_], plan: Plan) -> list[Crossing]:
    """Return the cells in which rows and columns that carried cross, the smallest windows first.

    A trigger is in neighbouring ones. Rows, or columns, with others between them are of several
    places, each of which may hold one.
    """
    rows, columns = np.flatnonzero(hits[: len(plan.rows)]), np.flatnonzero(hits[len(plan.rows) :])
    places = [(some, others) for some in _runs(rows) for others in _runs(columns)]
    found = {s.window: s for place in places[:PLACES] for s in _crossings_of(*place, plan)}
    return sorted(found.values(), key=lambda crossing: crossing.window.area)


def _crossings_of(
    rows: NDArray[np.intp], columns: NDArray[np.intp], plan: Plan
) -> Iterator[Crossing]:
    """Yield the cells of one place, the middle ones first.

    After them comes the larger window around it that holds the largest trigger whole.
    """
    cells = sorted(
        ((int(row), int(column)) for row in rows for column in columns),
        key=lambda cell: abs(cell[0] - rows.mean()) + abs(cell[1] - columns.mean()),
    )
    for cell in cells[:CELLS]:
        yield Crossing(plan.edged(plan.cell(*cell)), cell[0])
    middle = around(
        [plan.cell(row, column) for row in _middle(rows) for column in _middle(columns)]
    )
    yield Crossing(middle.grown(plan.margin, plan.width, plan.height), cells[0][0])


def _runs(indices: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Part *indices* where one or more are missing between them."""
    return [run for run in np.split(indices, np.flatnonzero(np.diff(indices) > 1) + 1) if len(run)]


def _middle(indices: NDArray[np.intp]) -> tuple[int, int]:
    """Return the one in the middle twice, or the two there where their number is even."""
    return int(indices[(len(indices) - 1) // 2]), int(indices[len(indices) // 2])


def survivors(
    image: Image, label: int, asked: Sequence[Crossing], references: References
) -> Search[list[Crossing]]:
    """Ask *asked* again, each on the second and third of its references; return what carries.

    On any, not on each: a reference that holds its class hard against nature may hold it against a
    trigger once in a while. A window for which there are no more references is kept: nothing
    speaks against it.
    """
    trials = [
        (crossing, reference)
        for crossing in asked
        for reference in islice(references.robust(crossing.band, label), 1, 1 + AGAIN)
    ]
    if not trials:
        return list(asked)
    hits = yield from carries(
        image, label, [s.window for s, _ in trials], [r for _, r in trials], references
    )
    carried = {crossing for (crossing, _), hit in zip(trials, hits, strict=True) if hit}
    missed = {crossing for crossing, _ in trials} - carried
    return [crossing for crossing in asked if crossing not in missed]
