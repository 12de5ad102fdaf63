"""What a reference set leaves out is said: in `/readyz`, and once in the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.reference_set.opinion import Opinion
from app.detection.reference_set.references import Calibration, References
from app.detection.second_opinion.lens import Lens
from app.gateway.preparation.coverage import speechless, uncovered, unknown
from app.settings import Strategy
from tests.gateway.opened import REFERENCES, innocents, opened
from tests.tiny import TARGET, TinyModel

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.detection.search import Images
    from app.ports import InputSize

OF_TARGET = TinyModel().classify(REFERENCES).labels == TARGET
FEW_OF_ONE_CLASS = np.concatenate([REFERENCES[OF_TARGET][:3], innocents(50)])


def said(
    counts: list[int],
    known: int | None = None,
    by: Callable[[References], str | None] = uncovered,
) -> str | None:
    """Return what is said of so many references of each class; of *known* classes by the scores."""
    labels = np.repeat(np.arange(len(counts)), counts)
    scores = None if known is None else np.zeros((1, known), np.float32)
    calibration = Calibration(labels, np.zeros((0, 0), np.int64), scores)
    return by(References(np.zeros((len(labels), 1, 1, 1), np.uint8), calibration, {}, 1))


def test_enough_of_each_class_is_nothing_to_say() -> None:
    """Seven of each will do."""
    assert said([7, 7, 30]) is None
    assert said([7, 7, 30], 3) is None


def test_classes_with_few_are_named_with_their_figures() -> None:
    """Which class has how many, what isn't found then, and how many would do."""
    assert (
        "2 of 3 classes have fewer than 7 references (class 0 has 6, class 2 has 1): a trigger that"
        " acts on one of these classes alone isn't found; 7 of each, as the model answers them,"
        " would do"
    ) == said([6, 7, 1])


def test_of_many_classes_some_are_named() -> None:
    """The message stays short, and counts the classes that no reference shows."""
    told = said([2] * 100, 1000) or ""
    assert told.startswith("1000 of 1000 classes have fewer than 7 references (class 0 has 2, ")
    assert "class 4 has 2, 95 more have too few, 900 have none): " in told


def test_classes_without_any_are_told() -> None:
    """Clean images of these may be flagged; without scores nobody knows of them."""
    assert said([7, 7, 30], 3, unknown) is None
    assert said([7, 7, 30], None, unknown) is None
    told = said([7, 7, 30], 10, unknown)
    assert told is not None
    assert told.startswith("of 7 of 10 classes there is no reference: clean images of these may be")


def few(_: InputSize) -> Images:
    """Return references among which one class has three."""
    return FEW_OF_ONE_CLASS


async def test_the_owner_hears_of_it(
    store_url: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Such a worker is ready; `/readyz` says what it leaves out, and the log did once."""
    async with opened(store_url, name, load=few) as worker:
        readiness = await worker.gateway.readiness()
    (note,) = (part.note for part in readiness.parts if part.name == "references")
    assert (True, False) == (readiness.ready, readiness.degraded)
    assert note is not None
    assert f"(class {TARGET} has 3)" in note
    assert [f"NEO_REFERENCE: {note}"] == [
        record.getMessage()
        for record in caplog.records
        if "references" in record.getMessage() and record.levelname == "WARNING"
    ]


def lacking(_: InputSize) -> Images:
    """Return references among which there is none of the target's class."""
    others: Images = REFERENCES[~OF_TARGET]
    return others


@pytest.mark.parametrize(
    ("strategy", "is_told"),
    [(Strategy.FULL, True), (Strategy.FAST, True), (Strategy.PAPER, False)],
)
async def test_the_owner_hears_of_classes_without_any(
    store_url: str, name: str, strategy: Strategy, *, is_told: bool
) -> None:
    """Where such images may be flagged; the paper's way asks nothing of them."""
    async with opened(store_url, name, load=lacking, strategy=strategy) as worker:
        parts = (await worker.gateway.readiness()).parts
    assert is_told is any("there is no reference" in (part.note or "") for part in parts)


async def test_what_is_to_be_said_of_the_images(
    store_url: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What the images themselves are like is said by any strategy: in `/readyz`, logged once."""
    async with opened(store_url, name, prepare=False, strategy=Strategy.FAST) as worker:
        worker.preparation._calibrator.remark = lambda: "20 images are few"  # noqa: SLF001  # wiring's
        for _ in range(2):
            worker.preparation._take(await worker.preparation.prepare())  # noqa: SLF001
        readiness = await worker.gateway.readiness()
    assert "20 images are few" in [part.note for part in readiness.parts]
    assert 1 == caplog.text.count("NEO_REFERENCE: 20 images are few")


@pytest.mark.parametrize("strategy", [Strategy.FAST, Strategy.PAPER])
async def test_other_strategies_do_not_look_for_such_triggers(
    store_url: str, name: str, strategy: Strategy
) -> None:
    """Where nothing is asked of one class alone nothing is missing."""
    async with opened(store_url, name, load=few, strategy=strategy) as worker:
        readiness = await worker.gateway.readiness()
    assert {None} == {part.note for part in readiness.parts}


async def test_a_second_opinion_without_enough_references_is_told(
    store_url: str, name: str
) -> None:
    """Half of sixty references never make anything as rare as a hundredth; a tenth they do."""
    async with opened(store_url, name, second_opinion=0.01) as worker:
        note = worker.preparation.note
        assert note is not None
        assert "the second opinion calls nothing suspicious" in note
        assert "a rate of 0.01 takes 99" in note
    async with opened(store_url, f"{name}-2", second_opinion=0.1) as worker:
        assert "calls nothing suspicious" not in (worker.preparation.note or "")


def test_a_second_opinion_that_is_blind_is_told() -> None:
    """Where clean images' residues carry as a trigger's do; not where they hardly do."""
    said = []
    for rate in (0.05, 0.5):
        opinion = Opinion(
            np.array([0]), np.array([[0, rate]], np.float32), np.zeros(200, np.float32)
        )
        calibration = Calibration(np.array([0]), np.zeros((0, 0), np.int64), None, opinion)
        references = References(np.zeros((1, 1, 1, 1), np.uint8), calibration, {}, 1)
        said.append(speechless(Lens(references, opinion), 0.01))
    assert said[0] is None
    assert said[1] is not None
    assert "finds little" in said[1]
    assert "in 50% of the probes" in said[1]
