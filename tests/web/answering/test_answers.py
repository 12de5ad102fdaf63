"""What is said of an outcome."""

from __future__ import annotations

from dataclasses import astuple

import pytest

from app.gateway.outcome import Outcome, Prediction, Screening
from app.web.answering.answers import Labels, Verdict, prediction_answer, verdict
from app.web.protocols.judging import flags


def outcome(screening: Screening, trigger_id: str | None = None) -> Outcome:
    """Return an outcome in which 1 was corrected to 0."""
    return Outcome(Prediction(0, 0.9), Prediction(1, 0.99), screening, trigger_id, 5)


@pytest.mark.parametrize(
    ("screening", "trigger_id", "expected"),
    [
        (Screening.CLEAR, None, Verdict.CLEAN),
        (Screening.PASSED, None, Verdict.CLEAN),
        (Screening.OFF, None, Verdict.CLEAN),
        (Screening.DISCOVERED, "t-1", Verdict.BACKDOOR),
        (Screening.KNOWN_TRIGGER, "t-1", Verdict.BACKDOOR),
        (Screening.INCOMPLETE, None, Verdict.INCOMPLETE),
    ],
)
def test_verdict(screening: Screening, trigger_id: str | None, expected: Verdict) -> None:
    """Each screening has one verdict; what is incomplete is never clean."""
    assert expected == verdict(outcome(screening, trigger_id))


def test_correction_is_shown_beside_the_upstreams_word() -> None:
    """The sanitised prediction and the upstream's own are both in the answer."""
    answer = prediction_answer(outcome(Screening.DISCOVERED, "t-1"), Labels(("stop",)), "m", "r")
    assert ("stop", 0, 0.9) == astuple(answer.prediction)
    assert ("1", 1, 0.99) == astuple(answer.upstream_prediction)
    assert (True, "t-1", 5) == (answer.backdoor, answer.trigger_id, answer.probes)


@pytest.mark.parametrize(("images", "told"), [(1, True), (1000, True), (1001, False)])
def test_verdicts_of_a_very_large_batch_are_left_out(images: int, *, told: bool) -> None:
    """Above 1,000 images a header says which carry a trigger, and none says each one's verdict."""
    headers = flags([outcome(Screening.DISCOVERED, "t-1")] * images)
    assert ",".join("1" * images) == headers["X-Neo-Backdoor"]
    assert told == ("X-Neo-Verdict" in headers)
