"""What a suspect's place does in another image: hidden, and transplanted on several classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.detection.evidence.confirmation import LIKELY, Look
from app.detection.evidence.weighing import of_blocking
from app.detection.images import WAYS, hidden, transplant_pieces
from app.detection.origins import beside, within
from app.detection.search import Probe, Purpose
from app.detection.trigger import Sign, Term

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.detection.defence import Defence
    from app.detection.geometry import Box
    from app.detection.search import Image, Search

FIRST = 8  # transplants of the first round on one class
SURELY = 0.6  # of them that it must turn where the suspects didn't tell that class first
SOURCES = 3  # classes that they are on, one after the other, at most


def looks_at(  # noqa: PLR0913, PLR0917  # what is looked at, and by what
    image: Image,
    label: int,
    window: Box,
    sources: Sequence[int],
    defence: Defence,
    rng: np.random.Generator,
    *,
    others: bool = True,
) -> Search[tuple[Term, list[Look]]]:
    """Return what *window* does on references of several classes, where it does something.

    Those of *sources* and those that the image is called while it is hidden: what lies over the
    part that tells classes apart leaves any of them when it is hidden, and carries to one of them.
    No *others* than the first source where that is enough, or where the image doesn't need it.
    Without any source all classes are asked at once first, and those that hiding it reveals if
    these don't carry.
    """
    references = defence.references
    first = sources[0] if sources else None
    onto = references.acted_on(label, first, rng)[:FIRST]
    without = hidden(image, window, references.backdrop)
    moved = transplant_pieces(image, (window,), references.images[onto])
    origins = [beside([window])] * len(WAYS) + [within([window])] * len(moved)
    asked = Probe(np.concatenate([without, moved]), purpose=Purpose.CONFIRM, origins=origins)
    answers = yield asked
    told, hits = answers.labels[: len(WAYS)], answers.labels[len(WAYS) :] == label
    needed = _needed(told == label)
    looks = [_look(window, first, hits, onto)]
    others &= needed.weight >= 0 and (first is not None or not _carries(looks[0]))
    also = _others(first, sources, told, label, defence) if others else []
    if also:
        looks += yield from _carried(image, label, window, also, defence, rng)
    return needed, [
        one
        for one in looks
        if _carries(one) and (one.source == first or one.carried >= SURELY * one.asked)
    ]


def _carries(look: Look) -> bool:
    return look.carried >= LIKELY * look.asked


def _needed(kept: NDArray[np.bool_]) -> Term:
    weight = of_blocking(kept)
    how = "loses its class" if weight > 0 else "loses its class in one way of hiding it"
    return Term(Sign.BLOCKING, weight, f"without it the image {how}")


def _others(
    first: int | None,
    sources: Sequence[int],
    told: NDArray[np.int64],
    label: int,
    defence: Defence,
) -> list[int]:
    """Return of which other classes the image may be without it."""
    revealed = [int(one) for one in told if one != label]
    possible = dict.fromkeys([*revealed, *sources])
    some = [one for one in possible if one != first and defence.references.are_enough(one)]
    return some[: SOURCES - 1]


def _carried(  # noqa: PLR0913, PLR0917  # as above
    image: Image,
    label: int,
    window: Box,
    sources: Sequence[int],
    defence: Defence,
    rng: np.random.Generator,
) -> Search[list[Look]]:
    references = defence.references
    onto = [references.of_class(one, rng)[:FIRST] for one in sources]
    moved = transplant_pieces(image, (window,), references.images[np.concatenate(onto)])
    origins = [within([window])] * len(moved)
    answers = yield Probe(moved, purpose=Purpose.CONFIRM, origins=origins)
    parts = np.split(answers.labels == label, np.cumsum([len(one) for one in onto])[:-1])
    return [
        _look(window, source, hits, its)
        for source, hits, its in zip(sources, parts, onto, strict=True)
    ]


def _look(
    window: Box, source: int | None, hits: NDArray[np.bool_], onto: NDArray[np.int64]
) -> Look:
    return Look((window,), source, int(hits.sum()), tuple(onto.tolist()))
