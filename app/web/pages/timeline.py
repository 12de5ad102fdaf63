"""The last hour as plots: images, flags, inferences, waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from app.history import MINUTE_S, Minute
from app.templates.plots import Line, Sheet, plot

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from app.history import Minutes
    from app.templates.plots import Plot

_WIDTH, _HEIGHT = 360, 160
_MS: Final = 1e-3
"""Of a microsecond."""


@dataclass(frozen=True)
class Timeline:
    """The plots, and the hour as a whole; ``shared`` unless it is this worker's alone."""

    plots: Sequence[Plot]
    whole: Minute
    shared: bool

    @property
    def probes(self) -> float:
        """Inferences an image."""
        return self.whole.probes / max(self.whole.images, 1)

    @property
    def waited_ms(self) -> float:
        """What an image's answer took."""
        return self.whole.waited_us * _MS / max(self.whole.images, 1)


def timeline(minutes: Minutes, shown: range, *, shared: bool) -> Timeline:
    """Return what is to be seen of the minutes *shown*, of which the last is still going on."""
    rows = [minutes.get(number, Minute()) for number in shown]
    sheet = Sheet(_WIDTH, _HEIGHT, float(shown[0]), _clock_time)
    plots = [
        plot(title, "time (UTC)", "", lines, sheet=sheet) for title, lines in _lines(rows, shown)
    ]
    return Timeline(plots, sum(rows, Minute()), shared)


def _lines(rows: Sequence[Minute], shown: range) -> Iterator[tuple[str, list[Line]]]:
    x = np.array(shown, float)
    images, flagged, probes, waited, slowest = (
        np.array([getattr(row, name) for row in rows], float)
        for name in ("images", "flagged", "probes", "waited_us", "slowest_us")
    )
    answered = np.where(images > 0, images, np.nan)
    yield "Images answered in each minute", [Line("images a minute", 1, x, images)]
    yield "Images flagged in each minute", [Line("flagged a minute", 2, x, flagged)]
    yield (
        "Inferences an image in each minute",
        [Line("inferences an image", 5, x, probes / answered)],
    )
    yield (
        "How long images took in each minute, in milliseconds",
        [
            Line("ms, mean", 3, x, waited / answered * _MS),
            Line("ms, slowest", 4, x, _known(slowest * _MS, answered)),
        ],
    )


def _known(values: NDArray[np.float64], answered: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return *values* where anything was answered."""
    return np.where(np.isnan(answered), np.nan, values)


def _clock_time(minute: float) -> str:
    of_day = int(minute) * MINUTE_S % 86400
    return f"{of_day // 3600:02}:{of_day % 3600 // 60:02}"
