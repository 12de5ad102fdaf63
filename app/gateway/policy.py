"""What the owner has decided about screening, and what follows from it for an unfinished one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from app.gateway.outcome import Outcome, Prediction, Screening, UnscreenedError
from app.gateway.outputs import sanitised_outputs
from app.settings import FailurePolicy, Mode, SearchMode, Strategy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.detection.defence import Finding
    from app.detection.paper import Parameters
    from app.detection.search import Answers
    from app.ports import Entry, UpstreamError


NO_ANSWER = "no answer without the trigger, or more probes than one image may cost"


@dataclass(frozen=True)
class Policy:
    """How images are screened, for how long, and what becomes of those that couldn't be."""

    strategy: Strategy
    search: SearchMode
    patience_s: float
    on_failure: FailurePolicy
    probe_budget: float | None
    paper: Parameters
    probe_rate: float | None = None
    """Images a second that this worker may ask for all callers together; None is no limit."""
    key_probe_rate: float | None = None
    """The same for each key."""
    mode: Mode = Mode.ENFORCE
    second_opinion: float | None = None
    """The share of clean images that may be called suspicious; None: none is."""
    lockout_after: int = 0
    """After so many flagged pictures of a caller the next like them is refused; 0: none is."""

    @property
    def screens(self) -> bool:
        """Whether images are examined at all."""
        return self.strategy is not Strategy.OFF

    @property
    def monitors(self) -> bool:
        """Whether images are examined, and every answer is the upstream's own all the same."""
        return self.screens and self.mode is Mode.MONITOR


def prediction(answers: Answers) -> Prediction:
    """Return the first of *answers*."""
    index = int(answers.labels[0])
    if answers.scores is not None:
        return Prediction(index, float(answers.scores[0, index]))
    return Prediction(index, None if answers.best is None else float(answers.best[0]))


def unfinished(
    finding: Finding,
    known: Sequence[Entry],
    policy: Policy,
    probes: int,
    cut_off: UpstreamError | None = None,
) -> Outcome:
    """Return the answer for an image that couldn't be examined to the end, *cut_off* by an error.

    Raises UnscreenedError if the policy is `closed`; and under any policy if the image may carry a
    known trigger, since the attacker's class is never an answer.
    """
    if policy.on_failure is FailurePolicy.CLOSED or finding.said is None:
        why = cut_off or NO_ANSWER
        message = f"the image could not be screened to the end ({why}); NEO_ON_FAILURE is closed"
        raise UnscreenedError(message)
    said = prediction(finding.said)
    if finding.exposed and any(entry.trigger.may_answer(said.index) for entry in known):
        message = "the image may carry a known trigger and could not be examined to the end"
        raise UnscreenedError(message)
    outputs = partial(sanitised_outputs, finding.said, finding.said)
    return Outcome(said, said, Screening.INCOMPLETE, None, probes, outputs)
