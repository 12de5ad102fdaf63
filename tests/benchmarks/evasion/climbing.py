"""An attacker who searches: a walk that sees only the gateway's answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.benchmarks.evasion.variants import Variant, Whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.detection.search import Image
    from tests.benchmarks.evasion.attempt import Attempt
    from tests.benchmarks.evasion.ground import Ground

    Needs = Callable[[Image, int], bool]

AGAIN = 0.02
"""How often the walk begins again with the plain trigger."""


@dataclass(frozen=True)
class Climb:
    """How far an attacker came: the query and the way that evaded, or None; what all took.

    ``refused``: so many queries got no answer.
    """

    evaded_at: int | None
    by: Variant | None
    queries: int
    inferences: int
    refused: int = 0


async def climb(
    attempt: Attempt, ground: Ground, needs: Needs, queries: int, *, whole: bool = False
) -> Climb:
    """Search for a way of *attempt* past *ground*, whose library learns from every query.

    What is flagged acts still, so the search goes on from there; what isn't and gets another
    answer has lost what it is about. With *whole* all of the picture is altered as well, so that it
    isn't known again by what is around the trigger. *needs* tells whether a picture needs the
    backdoor to be what is wanted.
    """
    plain = Variant(whole=Whole() if whole else None)
    now, inferences, refused = plain, 0, 0
    for query in range(1, queries + 1):
        if attempt.rng.random() < AGAIN:
            now = plain
        tried = now if query == 1 else now.mutated(attempt.rng)
        picture = tried.on(attempt)
        (answer,) = await ground.answers([picture])
        inferences += answer.inferences or 0
        refused += answer.label is None
        if answer.flagged:
            now = tried
        elif answer.label == attempt.wanted and needs(picture, attempt.wanted):
            return Climb(query, tried, query, inferences, refused)
    return Climb(None, None, queries, inferences, refused)
