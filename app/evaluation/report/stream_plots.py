"""What happened along a stream, as plots: what was caught, and what each image cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.evaluation.measures.series import series
from app.templates.plots import Dots, Line, plot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from app.evaluation.experiments.case import Case
    from app.evaluation.measures.series import Series
    from app.evaluation.records import Run
    from app.templates.plots import Plot

IMAGE = "image of the stream"


def detection_plot(subject: str, runs: Mapping[Case, Run]) -> Plot:
    """Return a plot of one stream of *subject*: images poisoned and flagged so far, by strategy."""
    poisoned = max((series(run).poisoned for run in runs.values()), key=len)
    lines = [_so_far("poisoned", 0, poisoned)]
    for kind, (case, run) in enumerate(runs.items(), start=1):
        seen = series(run)
        lines.append(
            _so_far(f"{case.strategy}: caught", 2 * kind - 1, seen.flagged & seen.poisoned)
        )
        false = seen.flagged & ~seen.poisoned
        if false.any():
            lines.append(_so_far(f"{case.strategy}: false alarms", 2 * kind, false))
    return plot(f"Detection over the stream: {subject}", IMAGE, "images so far", lines)


def cost_plot(case: Case, run: Run) -> Plot:
    """Return a plot of the inferences that each image of *run* has cost."""
    seen = series(run)
    caught, missed = seen.poisoned & seen.flagged, seen.poisoned & ~seen.flagged
    false = seen.flagged & ~seen.poisoned
    groups = (
        ("clean", "•", ~seen.poisoned & ~false),
        ("poisoned, flagged", "●", caught),
        ("poisoned, missed", "×", missed),
        ("clean, flagged", "▲", false),
    )
    dots = [
        _costing(label, kind, mark, chosen, seen)
        for kind, (label, mark, chosen) in enumerate(groups)
    ]
    title = f"Inferences an image: {case.subject}, {case.strategy}"
    return plot(title, IMAGE, "inferences", dots, log=True)


def _so_far(label: str, kind: int, marks: NDArray[np.bool_]) -> Line:
    counts = np.concatenate([[0], np.cumsum(marks)]).astype(np.float64)
    return Line(label, kind, np.arange(len(counts), dtype=np.float64), counts)


def _costing(label: str, kind: int, mark: str, chosen: NDArray[np.bool_], seen: Series) -> Dots:
    at = np.flatnonzero(chosen)
    return Dots(label, kind, mark, at + 1.0, seen.inferences[at].astype(np.float64))
