"""What every request counts, for a tenth of what it costs in prometheus_client: see `cells`.

Every value of every label is known beforehand, so that all are there from the start, with 0.
"""

from __future__ import annotations

from abc import abstractmethod
from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from app.metrics.cells import CELLS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prometheus_client import Metric

BOUNDS: Final = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1),
    *(0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
"""In seconds. From what the fastest model takes to three times the usual NEO_PATIENCE, in steps
that keep a quantile within a factor of 2.5; the usual patience is one of them."""


FAMILIES: Final[list[Family]] = []
"""All that are counted this way."""


class Family(Collector):
    """A metric with all values of its labels; of this process as of any other."""

    def __init__(self) -> None:
        FAMILIES.append(self)
        REGISTRY.register(self)

    @abstractmethod
    def metric(self, cells: Sequence[float]) -> Metric:
        """Return what *cells*, those of all families, say of it."""

    def collect(self) -> Iterable[Metric]:
        """Return what this process has counted."""
        return (self.metric(CELLS.all()),)


class Counts(Family):
    """A counter; *rows* are all values that its *labels* have together."""

    def __init__(
        self,
        name: str,
        meaning: str,
        labels: Sequence[str] = (),
        rows: Iterable[tuple[str, ...]] = ((),),
    ) -> None:
        self._head = name, meaning, labels
        self._places = {row: place for place, row in enumerate(rows)}
        self._taken = CELLS.take(len(self._places))
        self._cells = CELLS.at(self._taken)
        super().__init__()

    def inc(self, *row: str, by: float = 1) -> None:
        """Count, for these values of the labels."""
        self._cells[self._places[row]] += by

    def __contains__(self, row: tuple[str, ...]) -> bool:
        return row in self._places

    def metric(self, cells: Sequence[float]) -> Metric:
        """Return what *cells* say of it."""
        name, meaning, labels = self._head
        family = CounterMetricFamily(name, meaning, labels=labels)
        for row, count in zip(self._places, cells[self._taken], strict=True):
            family.add_metric(row, count)
        return family


class Durations(Family):
    """A histogram of seconds; *values* are all that its *label* may have."""

    WIDTH: Final = len(BOUNDS) + 2
    """Of one value's part: a count for each bucket and for what is above all, and the sum."""

    def __init__(
        self, name: str, meaning: str, label: str | None = None, values: Iterable[str] = ("",)
    ) -> None:
        self._head = name, meaning, () if label is None else (label,)
        self._values = tuple(values)
        self._taken = CELLS.take(len(self._values) * self.WIDTH)
        cells = CELLS.at(self._taken)
        self._parts = {
            value: cells[place * self.WIDTH : (place + 1) * self.WIDTH]
            for place, value in enumerate(self._values)
        }
        super().__init__()

    def observe(self, seconds: float, value: str = "") -> None:
        """Count something that has taken so many *seconds*, for this *value* of the label."""
        part = self._parts[value]
        part[bisect_left(BOUNDS, seconds)] += 1
        part[-1] += seconds

    def __contains__(self, value: str) -> bool:
        return value in self._parts

    def metric(self, cells: Sequence[float]) -> Metric:
        """Return what *cells* say of it."""
        name, meaning, labels = self._head
        family = HistogramMetricFamily(name, meaning, labels=labels)
        names = [*map(floatToGoString, BOUNDS), "+Inf"]
        for place, value in enumerate(self._values):
            start = self._taken.start + place * self.WIDTH
            *counts, total = cells[start : start + self.WIDTH]
            buckets = list(zip(names, accumulate(counts), strict=True))
            family.add_metric((value,) if labels else (), buckets, total)
        return family
