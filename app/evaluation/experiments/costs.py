"""What the defence asked of the upstream: inferences and round trips, by what an image was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.evaluation.measures.intervals import Mean, Rate, mean
from app.evaluation.measures.metrics import share
from app.evaluation.measures.series import Series, pooled, series
from app.gateway.outcome import Screening

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from app.evaluation.records import Run

MOST = 95
"""The percentile that stands for the dear images."""


@dataclass(frozen=True)
class Costs:
    """Upstream inferences of one image, itself included, and the requests they travelled in.

    ``clean`` is a clean image's, ``clean_searching`` and ``clean_knowing`` the same before and
    after the first trigger was found. ``known`` is a poisoned image's whose trigger was known,
    ``discovery`` that of an image that revealed a new one. ``one_trip`` is the share of clean
    images that were answered in one round trip. ``preparation`` is spent once before the first
    image, ``shared`` while images are screened, for what all later ones profit from. None is what
    didn't occur, or what can't be seen through a gateway.
    """

    clean: Mean | None
    clean_p95: float | None
    clean_searching: Mean | None
    clean_knowing: Mean | None
    one_trip: Rate | None
    trips_p95: float | None
    known: Mean | None
    discovery: Mean | None
    preparation: Mean | None
    shared: Mean | None


def costs(runs: Sequence[Run]) -> Costs:
    """Return the costs of *runs*: means over them, percentiles over all of their images."""
    parts = [series(run) for run in runs]
    seen = pooled(parts)
    clean = ~seen.poisoned
    trips = seen.round_trips[clean]
    countable = bool(seen.round_trips.any())  # a gateway doesn't tell them
    return Costs(
        clean=_inferences(parts, lambda part: ~part.poisoned),
        clean_p95=_p95(seen.inferences[clean]),
        clean_searching=_inferences(parts, lambda part: ~part.poisoned & ~_knowing(part)),
        clean_knowing=_inferences(parts, lambda part: ~part.poisoned & _knowing(part)),
        one_trip=share(trips == 1) if countable else None,
        trips_p95=_p95(trips) if countable else None,
        known=_inferences(parts, lambda part: part.poisoned & _is(part, Screening.KNOWN_TRIGGER)),
        discovery=_inferences(parts, lambda part: _is(part, Screening.DISCOVERED)),
        preparation=mean([run.prepared.inferences for run in runs if run.prepared.inferences]),
        shared=mean([sum(one.shared for one in run.screened) for run in runs]),
    )


def discoveries(seen: Series) -> NDArray[np.intp]:
    """Return the places of the images that revealed a new trigger."""
    return np.flatnonzero(_is(seen, Screening.DISCOVERED))


def _inferences(
    parts: Sequence[Series], chosen: Callable[[Series], NDArray[np.bool_]]
) -> Mean | None:
    of_each = [part.inferences[chosen(part)] for part in parts]
    return mean([float(some.mean()) for some in of_each if len(some)])


def _p95(numbers: NDArray[np.int64]) -> float | None:
    return float(np.percentile(numbers, MOST)) if len(numbers) else None


def _is(seen: Series, screening: Screening) -> NDArray[np.bool_]:
    return np.array([word == screening for word in seen.screening], bool)


def _knowing(seen: Series) -> NDArray[np.bool_]:
    """Tell which images came after the first discovery."""
    found = discoveries(seen)
    return np.arange(len(seen)) > (found[0] if len(found) else len(seen))
