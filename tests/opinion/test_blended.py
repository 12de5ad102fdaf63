"""What `make bench-blended` counts, on runs and models that can be checked by hand."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from app.gateway.outcome import Screening
from tests.benchmarks.opinion.sets import sets
from tests.benchmarks.opinion.streams import counted
from tests.benchmarks.opinion.subjects import Subject
from tests.blended import blended
from tests.detection.blended.worlds import CLEAN, IMAGES, MODEL
from tests.evaluation.recorded import CAUGHT, FALSE_ALARM, MISSED, a_run
from tests.evaluation.recorded import CLEAN as RIGHT
from tests.tiny import TARGET

SUSPICIOUS = replace(MISSED, screening=Screening.SUSPICIOUS)
UNTOUCHED = replace(MISSED, said=1, answer=1)


def test_what_comes_after_the_first_one_found_is_counted() -> None:
    """Only images that the attack flips count, and a false alarm finds nothing."""
    shots = [FALSE_ALARM, SUSPICIOUS, UNTOUCHED, MISSED, CAUGHT, RIGHT, CAUGHT, MISSED]
    row = counted("tiny", a_run(shots))
    assert (5, 1, 3) == (row.flipped, row.suspicious, row.first)
    assert (2, 1, 1) == (row.after, row.flagged, row.right)
    assert (2, 1, 0) == (row.clean, row.clean_flagged, row.clean_suspicious)


def test_nothing_comes_after_what_was_not_found() -> None:
    """Of a stream in which nothing is found no image is counted as one after that."""
    row = counted("tiny", a_run([RIGHT, SUSPICIOUS, MISSED]))
    assert (2, None, 0, 0) == (row.flipped, row.first, row.after, row.right)


def test_twenty_poisoned_images_are_proven_and_healed() -> None:
    """A set is proven of what is mixed in, and taken out of other images."""
    row = next(iter(sets(_subject(poisoned=True), 1)))
    assert ("poisoned", True) == (row.of, row.proven)
    assert row.healed is not None
    assert row.healed > 0.8


def test_clean_images_prove_nothing() -> None:
    """Two sets of each class that has enough: none of them is taken for a trigger."""
    rows = list(sets(_subject(poisoned=False), 1))
    assert {"oddest", "any"} == {one.of for one in rows}
    assert not any(one.proven for one in rows)


def _subject(*, poisoned: bool) -> Subject:
    model: Any = SimpleNamespace(scores=_scores, name="tiny")
    attack: Any = SimpleNamespace(stamped=blended, target=TARGET) if poisoned else None
    labels = MODEL.classify(CLEAN).labels
    return Subject("tiny", model, attack, IMAGES, CLEAN, labels)


def _scores(images: Any) -> Any:
    return MODEL.classify(images).scores
