"""The table: a row for each figure, a column for each model, held against the targets."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from app.evaluation.report.tables.wording import NONE, plain
from tests.benchmarks.detection.targets import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.benchmarks.photos.figures import Figures
    from tests.benchmarks.photos.stream import PhotoModel

MISSED = "*"


@dataclass(frozen=True)
class Row:
    """A ``figure``, over the deployments of a model; where ``pooled``, its target is the mean's."""

    title: str
    figure: str
    words: Callable[[float | None], str]
    pooled: bool = False


def _percent(value: float | None) -> str:
    return NONE if value is None else f"{100 * value:.1f} %"


ROWS = (
    Row("poisoned, and flipped by it", "flipped", plain),
    Row("TPR of those", "tpr", _percent),
    Row("known and missed", "known_missed", _percent),
    Row("the first one flagged", "first_flagged", _percent, pooled=True),
    Row("answered with the target", "target_answered", plain),
    Row("FPR", "fpr", _percent),
    Row("flagged, answered rightly", "flagged_right", _percent),
    Row("all, answered rightly", "agreement", _percent),
    Row("without an answer", "unanswered", plain),
    Row("inferences: clean", "clean", plain),
    Row("its p95", "clean_p95", plain),
    Row("known", "known", plain),
    Row("discovery", "discovery", plain),
    Row("round trips of it", "discovery_trips", plain),
    Row("clean in one round trip", "one_trip", _percent),
    Row("triggers in the library", "triggers", plain),
    Row("IoU of the box, 5 hits", "box_overlap", plain),
    Row("IoU of the picture", "mask_overlap", plain),
    Row("the same, laid on it", "shape_overlap", plain),
    Row("seconds, p95", "p95_s", plain),
    Row("CPU ms an image", "cpu_ms", plain),
    Row("a worker's RSS, MB", "rss_mb", plain),
    Row("preparation", "preparation", plain),
)


def targets(model: PhotoModel) -> Mapping[str, Target]:
    """Return those of issue 12, by the names of `Figures`."""
    common = {
        "clean": Target(30),
        "one_trip": Target(0.6, at_least=True),
        "unanswered": Target(0),
        "rss_mb": Target(220),
    }
    if model.sticker is None:
        return {**common, "fpr": Target(0), "triggers": Target(0)}
    moves = model.sticker.place_jitter or model.sticker.size_jitter
    likeness = Target(0.8 if moves or not model.sticker.lossless else 0.9, at_least=True)
    return {
        **common,
        "tpr": Target(0.95, at_least=True),
        "known_missed": Target(0.01),
        "first_flagged": Target(0.9, at_least=True),
        "fpr": Target(0.003),
        "flagged_right": Target(0.93, at_least=True),
        "known": Target(10),
        "discovery": Target(350),
        "discovery_trips": Target(12),
        "triggers": Target(1),
        **dict.fromkeys(("box_overlap", "mask_overlap", "shape_overlap"), likeness),
    }


def missed(row: Row, made: Sequence[Figures], target: Target | None) -> bool:
    """Say if the worst of the deployments isn't what it is to be."""
    values = _values(row, made)
    if target is None or not values:
        return False
    return any(map(target.missed, [fmean(values)] if row.pooled else values))


def table(made: Mapping[str, tuple[PhotoModel, Sequence[Figures]]]) -> Table:
    """Return what the models' deployments came to, each figure's mean and, if it differs, worst."""
    drawn = Table("", *made, box=box.MARKDOWN)
    for row in ROWS:
        cells = [_cell(row, some, targets(model).get(row.figure)) for model, some in made.values()]
        drawn.add_row(row.title, *cells)
    return drawn


def _values(row: Row, made: Sequence[Figures]) -> list[float]:
    values = [getattr(one, row.figure) for one in made]
    return [float(value) for value in values if value is not None]


def _cell(row: Row, made: Sequence[Figures], target: Target | None) -> str:
    values = _values(row, made)
    if not values:
        return NONE
    best_first = sorted(values, reverse=target is not None and target.at_least)
    mean, worst = row.words(fmean(values)), row.words(best_first[-1])
    told = mean if mean == worst or row.pooled else f"{mean} ({worst})"
    return told + MISSED if missed(row, made, target) else told
