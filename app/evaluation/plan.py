"""Which runs the experiments need: on which streams, by which strategy, with which seed."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from app.settings import Strategy


class Experiment(enum.StrEnum):
    """The paper's research questions."""

    RQ1 = "rq1"
    """How many of the poisoned images are caught (Tables I to VI)."""
    RQ2 = "rq2"
    """How long it takes until the first one comes early or late (Table VII)."""
    RQ3 = "rq3"
    """What becomes of a stream that is poisoned throughout (Tables VIII to X)."""
    RQ4 = "rq4"
    """How the trigger that was found looks beside the true one (Figures 3, 5, 6)."""


class Arrangement(enum.StrEnum):
    """How the poisoned images lie in a stream."""

    MIXED = "mixed"
    """At random places."""
    FIRST_AT_10 = "first at 10 %"
    FIRST_AT_50 = "first at 50 %"
    FIRST_AT_80 = "first at 80 %"
    """At random places from this percentile of the stream on."""
    ALL_POISONED = "all poisoned"


FIRST_AT = {
    Arrangement.FIRST_AT_10: 10,
    Arrangement.FIRST_AT_50: 50,
    Arrangement.FIRST_AT_80: 80,
}
"""The percentiles of the stream at which RQ2 has the first poisoned image."""

STREAMS = {
    Experiment.RQ1: (Arrangement.MIXED,),
    Experiment.RQ2: tuple(FIRST_AT),
    Experiment.RQ3: (Arrangement.ALL_POISONED,),
    Experiment.RQ4: (Arrangement.MIXED,),
}

UNATTACKED = (Experiment.RQ1, Experiment.RQ4)
"""What there is to learn of a model to which no attack is known: false alarms, false triggers."""


@dataclass(frozen=True)
class Errand:
    """One run that is to be made: a strategy on one stream.

    ``subject`` is the name of the model with its attack. Errands that differ in the strategy alone
    have the same stream.
    """

    subject: str
    arrangement: Arrangement
    seed: int
    strategy: Strategy | None
    """None: the one of the gateway that the images are sent to."""


def errands(
    subject: str,
    arrangements: Iterable[Arrangement],
    strategies: Sequence[Strategy | None],
    seeds: Iterable[int],
) -> tuple[Errand, ...]:
    """Return the runs of one subject, seed by seed; the strategies follow on each stream."""
    return tuple(
        Errand(subject, arrangement, seed, strategy)
        for seed, arrangement, strategy in product(seeds, arrangements, strategies)
    )


def arrangements(experiments: Sequence[Experiment], *, attacked: bool) -> tuple[Arrangement, ...]:
    """Return the streams that *experiments* need.

    RQ2 and RQ3 are about poisoned images: without an attack they need none.
    """
    possible = [one for one in Experiment if attacked or one in UNATTACKED]
    return tuple(
        dict.fromkeys(kind for one in possible if one in experiments for kind in STREAMS[one])
    )
