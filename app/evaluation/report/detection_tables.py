"""RQ1's tables: what was caught, what it cost, and the Jaccard indices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.evaluation.plan import Experiment
from app.evaluation.report.reasons import reason
from app.evaluation.report.sheet import Sheet
from app.evaluation.report.wording import (
    NONE,
    bare_percent,
    index,
    number,
    percent,
    plain,
    ratio,
    times,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.evaluation.metrics import Counts
    from app.evaluation.results import Results
    from app.evaluation.rq1_detection import Detection
    from app.evaluation.strip import Baseline

WORST = 3
"""Classes that the terminal names; the page and the JSON document have them all."""

_INFERENCES = (
    "±: 95 % interval of the mean over the runs. Ratio: to the subject's first row. In one "
    "trip: clean images that one request to the model answered. Once: before the first image, "
    "and for what all later ones profit from."
)

_PAIRS = "Pairs: of the sets of (input, output); classes: of the sets of inputs given a class."

_BEFORE = "Before: taken to confirmation, or recognised at once. After: flagged."


def detection_tables(results: Results) -> Iterator[Sheet]:
    """Return RQ1's tables, none if it wasn't asked for."""
    if not results.detections:
        return
    yield _caught(results)
    yield _counts(results.detections)
    yield _costs(results.detections)
    yield _jaccard(results.detections)


def _caught(results: Results) -> Sheet:
    baselines = {one.subject: one for one in results.baselines}
    head = ("TPR", "FPR", "Agreement", "First flagged", "Model fooled", "Recovered")
    rows = []
    for one in results.detections:
        figures = (
            percent(one.flagged.tpr),
            percent(one.flagged.fpr),
            percent(one.agreement),
            times(one.first_flagged),
            bare_percent(one.attack_success),
            bare_percent(one.recovered),
        )
        beside = (_strip(baselines.get(one.case.subject)),) if baselines else ()
        rows.append((one.case.subject, one.case.strategy, *figures, *beside))
    return Sheet(
        Experiment.RQ1,
        "RQ1: what was caught",
        ("Subject", "Strategy", *head, *(("STRIP: AUROC, TPR, FPR",) if baselines else ())),
        tuple(rows),
        (*_legend(results), *filter(None, map(reason, results.detections))),
    )


def _legend(results: Results) -> Iterator[str]:
    one = results.detections[0]
    yield (
        f"{one.images:,} images in {one.runs} run{'s' if one.runs > 1 else ''} for each row, up to"
        f" {max(each.poisoned for each in results.detections):,} of them poisoned. In brackets:"
        " 95 % intervals (Wilson). Agreement: final answers that equal the model's on the image"
        " without the trigger. Model fooled: poisoned images for which the model's own answer"
        " wasn't that; recovered: those whose final answer was."
    )
    if results.baselines:
        yield (
            "STRIP sees the same images: how well its entropy tells them apart, and its rates at"
            f" a threshold for 1 % false alarms, for {results.baselines[0].inferences} inferences"
            " an image. It corrects no answer and shows no trigger."
        )


def _strip(one: Baseline | None) -> str:
    if one is None:
        return NONE
    auroc = NONE if one.auroc is None else index(one.auroc.value)
    return f"{auroc}, {bare_percent(one.tpr)}, {bare_percent(one.fpr)}"


def _counts(detections: Sequence[Detection]) -> Sheet:
    head = [f"{name} {when}" for when in ("before", "after") for name in ("TP", "FN", "TN", "FP")]
    rows = (
        (one.case.subject, one.case.strategy, *_four(one.suspected), *_four(one.flagged))
        for one in detections
    )
    return Sheet(
        Experiment.RQ1,
        "RQ1: before and after confirmation (NEO, Tables I to IV)",
        ("Subject", "Strategy", *head),
        tuple(rows),
        (_BEFORE,),
    )


def _four(counts: Counts | None) -> tuple[str, ...]:
    if counts is None:
        return (NONE,) * 4
    return tuple(f"{n:,}" for n in (counts.tp, counts.fn, counts.tn, counts.fp))


def _costs(detections: Sequence[Detection]) -> Sheet:
    head = (
        "Clean image",
        "95 % of them",
        "Ratio",
        "Before a find",
        "After it",
        "In one trip",
        "Trips, 95 %",
        "Known trigger",
        "Discovery",
        "Once",
    )
    first: dict[str, Detection] = {}
    rows = []
    for one in detections:
        standard = first.setdefault(one.case.subject, one)
        rows.append(_cost(one, standard))
    return Sheet(
        Experiment.RQ1,
        "RQ1: upstream inferences an image, itself included",
        ("Subject", "Strategy", *head),
        tuple(rows),
        (_INFERENCES,),
    )


def _cost(one: Detection, standard: Detection) -> tuple[str, ...]:
    costs = one.costs
    return (
        one.case.subject,
        one.case.strategy,
        number(costs.clean),
        plain(costs.clean_p95),
        ratio(costs.clean, standard.costs.clean),
        number(costs.clean_searching),
        number(costs.clean_knowing),
        bare_percent(costs.one_trip),
        plain(costs.trips_p95),
        number(costs.known),
        number(costs.discovery),
        plain(_once(one)),
    )


def _once(one: Detection) -> float | None:
    costs = one.costs
    if costs.preparation is None or costs.shared is None:
        return None
    return costs.preparation.value + costs.shared.value


def _jaccard(detections: Sequence[Detection]) -> Sheet:
    return Sheet(
        Experiment.RQ1,
        "RQ1: Jaccard index of the outputs on the clean and the fixed images (NEO, Tables V, VI)",
        ("Subject", "Strategy", "Pairs", "Pairs, undefended", "Mean of classes", "Lowest classes"),
        tuple(_indices(one) for one in detections),
        (_PAIRS,),
    )


def _indices(one: Detection) -> tuple[str, ...]:
    known = [(each.defended, each.index) for each in one.classes if each.defended is not None]
    mean = sum(value for value, _ in known) / len(known) if known else None
    lowest = ", ".join(f"class {at}: {index(value)}" for value, at in sorted(known)[:WORST])
    case = one.case
    return (
        case.subject,
        case.strategy,
        index(one.pairs),
        index(one.pairs_undefended),
        index(mean),
        lowest,
    )
