"""RQ1's tables: what was caught, what it cost, and what became of the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.evaluation.plan import Experiment
from app.evaluation.report.tables.reasons import reasons
from app.evaluation.report.tables.sheet import SUBJECT, Sheet, class_name
from app.evaluation.report.tables.wording import (
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
    from collections.abc import Iterator, Mapping, Sequence

    from app.evaluation.experiments.results import Results
    from app.evaluation.experiments.rq1_detection import Detection
    from app.evaluation.measures.intervals import Mean
    from app.evaluation.measures.metrics import Counts
    from app.evaluation.runs.strip import Baseline

WORST = 3
"""Classes that are named, of those that aren't whole; the JSON document has them all."""

_CAUGHT = (
    "In brackets: 95 % intervals (Wilson). Agreement: final answers that equal the model's on the"
    " image without the trigger. Inferences: a clean image's, itself included."
)
_COUNTS = "Before: taken to confirmation, or recognised at once. After: flagged."
_CLEAN = (
    "±: 95 % interval of the mean over the runs. Ratio: to the subject's first row. Before and"
    " after a find: clean images before and after the first trigger was found."
)
_OTHER = (
    "In one trip: clean images that one request to the model answered. Known trigger: a poisoned"
    " image's whose trigger was known. Once: before the first image, and for what all profit from."
)
_ANSWERS = (
    "Model fooled: poisoned images for which the model's own answer isn't the one without the"
    " trigger; recovered: those for which the final answer is. Jaccard index of the outputs on the"
    " clean and on the fixed images: over (input, output) pairs, and over the inputs of a class."
)


def detection_tables(results: Results, names: Mapping[str, tuple[str, ...]]) -> Iterator[Sheet]:
    """Return RQ1's tables, none if it wasn't asked for. *names* are each subject's class names."""
    if not results.detections:
        return
    yield _caught(results)
    yield _counts(results.detections)
    yield _clean_costs(results.detections)
    yield _other_costs(results.detections)
    yield _answers(results.detections, names)


def _caught(results: Results) -> Sheet:
    baselines = {one.subject: one for one in results.baselines}
    rows = []
    for one in results.detections:
        figures = (
            percent(one.flagged.tpr),
            percent(one.flagged.fpr),
            percent(one.agreement),
            times(one.first_flagged),
            number(one.costs.clean),
        )
        beside = (_strip(baselines.get(one.case.subject)),) if baselines else ()
        rows.append((one.case.subject, one.case.strategy, *figures, *beside))
    head = ("TPR", "FPR", "Agreement", "First flagged", "Inferences")
    strip = ("STRIP: AUROC, TPR, FPR",) if baselines else ()
    return Sheet(
        Experiment.RQ1,
        "What was caught",
        (SUBJECT, "Strategy", *head, *strip),
        tuple(rows),
        (*_legend(results), *(why for one in results.detections for why in reasons(one))),
    )


def _legend(results: Results) -> Iterator[str]:
    detections = results.detections
    images, runs = (max(getattr(one, what) for one in detections) for what in ("images", "runs"))
    poisoned = max(one.poisoned for one in detections)
    yield (
        f"{images:,} images in {runs} run{'s' if runs > 1 else ''} for each row, up to"
        f" {poisoned:,} of them poisoned. {_CAUGHT}"
    )
    if results.baselines:
        yield (
            "STRIP: how well its entropy orders the same images, and its rates at a threshold for"
            f" 1 % false alarms, for {results.baselines[0].inferences} inferences an image. It"
            " corrects no answer and shows no trigger."
        )


def _strip(one: Baseline | None) -> str:
    if one is None:
        return NONE
    auroc = NONE if one.auroc is None else index(one.auroc.value)
    return f"{auroc}, {bare_percent(one.tpr)}, {bare_percent(one.fpr)}"


def _counts(detections: Sequence[Detection]) -> Sheet:
    return Sheet(
        Experiment.RQ1,
        "Counts before → after confirmation (NEO, Tables I to IV)",
        (SUBJECT, "Strategy", "TP", "FN", "TN", "FP"),
        tuple((one.case.subject, one.case.strategy, *_before_and_after(one)) for one in detections),
        (_COUNTS,),
    )


def _before_and_after(one: Detection) -> Iterator[str]:
    for before, after in zip(_four(one.suspected), _four(one.flagged), strict=True):
        yield f"{before} → {after}"


def _four(counts: Counts | None) -> tuple[str, ...]:
    if counts is None:
        return (NONE,) * 4
    return tuple(f"{n:,}" for n in (counts.tp, counts.fn, counts.tn, counts.fp))


def _clean_costs(detections: Sequence[Detection]) -> Sheet:
    first: dict[str, Mean | None] = {}
    rows = []
    for one in detections:
        costs = one.costs
        standard = first.setdefault(one.case.subject, costs.clean)
        figures = (
            number(costs.clean),
            ratio(costs.clean, standard),
            plain(costs.clean_p95),
            number(costs.clean_searching),
            number(costs.clean_knowing),
        )
        rows.append((one.case.subject, one.case.strategy, *figures))
    return Sheet(
        Experiment.RQ1,
        "Upstream inferences of a clean image, itself included",
        (SUBJECT, "Strategy", "Mean", "Ratio", "95th percentile", "Before a find", "After a find"),
        tuple(rows),
        (_CLEAN,),
    )


def _other_costs(detections: Sequence[Detection]) -> Sheet:
    return Sheet(
        Experiment.RQ1,
        "Round trips, and inferences of other images",
        (
            SUBJECT,
            "Strategy",
            "In one trip",
            "Trips, 95th percentile",
            "Known trigger",
            "Discovery",
            "Once",
        ),
        tuple(
            (
                one.case.subject,
                one.case.strategy,
                bare_percent(one.costs.one_trip),
                plain(one.costs.trips_p95),
                number(one.costs.known),
                number(one.costs.discovery),
                plain(_once(one)),
            )
            for one in detections
        ),
        (_OTHER,),
    )


def _once(one: Detection) -> float | None:
    costs = one.costs
    if costs.preparation is None or costs.shared is None:
        return None
    return costs.preparation.value + costs.shared.value


def _answers(detections: Sequence[Detection], names: Mapping[str, tuple[str, ...]]) -> Sheet:
    return Sheet(
        Experiment.RQ1,
        "Answers, and their Jaccard index (NEO, Tables V and VI)",
        (
            SUBJECT,
            "Strategy",
            "Model fooled",
            "Recovered",
            "Pairs, undefended",
            "Pairs",
            "Mean of classes",
            "Lowest classes",
        ),
        tuple(_answer_row(one, names.get(one.case.subject, ())) for one in detections),
        (_ANSWERS,),
    )


def _answer_row(one: Detection, names: Sequence[str]) -> tuple[str, ...]:
    known = [(each.defended, each.index) for each in one.classes if each.defended is not None]
    mean = sum(value for value, _ in known) / len(known) if known else None
    low = [(value, at) for value, at in sorted(known) if value < 1]
    lowest = (f"{class_name(at, names)}: {index(value)}" for value, at in low[:WORST])
    return (
        one.case.subject,
        one.case.strategy,
        bare_percent(one.attack_success),
        bare_percent(one.recovered),
        index(one.pairs_undefended),
        index(one.pairs),
        index(mean),
        ", ".join(lowest) or NONE,
    )
