"""Doing the runs, with the tiny classifier and its backdoor."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from app.detection.paper import Parameters
from app.evaluation.experiments.results import results
from app.evaluation.plan import Arrangement, Experiment, errands
from app.evaluation.runs.evaluating import Candidate, Evaluation, Stint
from app.evaluation.runs.trial import Trial
from app.gateway.policy import Policy
from app.ports import UpstreamUnreachableError
from app.settings import FailurePolicy, SearchMode, Strategy
from tests.evaluation.tiny_subjects import tiny_subject
from tests.tiny import TinyModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.evaluation.plan import Errand
    from app.evaluation.records import Stream
    from app.evaluation.runs.evaluating import Trying
    from app.evaluation.subjects.subject import Subject


class Told:
    """Notes what it is told, and calls *at_step* after each step."""

    def __init__(self) -> None:
        self.doings: list[str] = []
        self.steps = 0
        self.done = 0
        self.stop_after: int | None = None
        self.work: asyncio.Task[None] | None = None

    def doing(self, what: str, steps: int | None = None) -> None:
        """Note what begins."""
        del steps
        self.doings.append(what)

    def step(self) -> None:
        """Count; cancel the work if it is to be stopped here."""
        self.steps += 1
        if self.steps == self.stop_after and self.work is not None:
            self.work.cancel()

    def errand_done(self) -> None:
        """Count."""
        self.done += 1


def _stint(
    subject: Subject,
    arrangements: Sequence[Arrangement] = (Arrangement.MIXED,),
    strategies: Sequence[Strategy] = (Strategy.FAST, Strategy.OFF),
    *,
    strip: bool = False,
) -> Stint:
    async def make() -> Subject:
        return subject

    return Stint(
        candidates=(Candidate("tiny", attacked=True, make=make),),
        errands=errands("tiny", arrangements, strategies, range(1)),
        images=30,
        strip=strip,
        trial=_trial,
    )


def _trial(subject: Subject, stream: Stream, errand: Errand) -> Trying:
    assert errand.strategy is not None
    policy = Policy(
        strategy=errand.strategy,
        search=SearchMode.CONTINUE,
        patience_s=60,
        on_failure=FailurePolicy.CLOSED,
        probe_budget=None,
        paper=Parameters(lambda_t=0.75, delta_t=1.0, check_size=10, size=0.2),
    )
    return Trial(subject, stream, policy, errand.seed, trigger_max=0.2)


async def test_every_errand_is_done_on_the_stream_of_its_arrangement() -> None:
    """Mixed streams are poisoned anywhere, others from a percentile on, or throughout."""
    evaluation = Evaluation(_stint(tiny_subject(), tuple(Arrangement), [Strategy.OFF]))
    told = Told()
    await evaluation.work(told)
    first = {
        errand.arrangement: int(run.stream.poisoned.argmax())
        for errand, run in evaluation.runs.items()
    }
    assert [3, 15, 24, 0] == [first[one] for one in list(Arrangement)[1:]]
    assert ((), 5) == (evaluation.missing, told.done)


async def test_strategies_see_the_same_stream_and_are_told_apart_in_the_results() -> None:
    """Strategies see the same images, and each case has its own figures."""
    evaluation = Evaluation(_stint(tiny_subject()))
    await evaluation.work(Told())
    one, other = evaluation.runs.values()
    assert one.stream.images.tobytes() == other.stream.images.tobytes()
    found = results(evaluation, [Experiment.RQ1, Experiment.RQ4])
    caught = {case.case.strategy: case.flagged.tp for case in found.detections}
    assert {"fast": 3, "off": 0} == caught
    assert (2, 0, 0) == (len(found.reconstructions), len(found.timings), len(found.classes))


async def test_strip_sees_the_mixed_stream_once_for_all_strategies() -> None:
    """Its entropies make a baseline for the subject."""
    evaluation = Evaluation(_stint(tiny_subject(), strip=True))
    await evaluation.work(Told())
    (baseline,) = results(evaluation, [Experiment.RQ1]).baselines
    assert (("tiny", 0), "white") == (next(iter(evaluation.entropies)), baseline.attack)


async def test_what_is_done_stays_when_the_work_is_cancelled() -> None:
    """Cancelled at the second run's 10th image, as by Ctrl-C, it keeps both runs so far."""
    evaluation = Evaluation(_stint(tiny_subject()))
    told = Told()
    told.stop_after = 40
    told.work = asyncio.create_task(evaluation.work(told))
    with pytest.raises(asyncio.CancelledError):
        await told.work
    assert [30, 10] == [len(run.screened) for run in evaluation.runs.values()]
    assert [Strategy.OFF] == [errand.strategy for errand in evaluation.missing]
    (_, stopped) = results(evaluation, [Experiment.RQ1]).detections
    assert 10 == stopped.images


async def test_an_error_leaves_what_was_done_as_well() -> None:
    """When the model's server goes after a run's first image, that image is kept."""

    class Leaving(TinyModel):
        """Can't be reached once it was asked for as many images as the stream has, and one."""

        async def check(self) -> None:
            if self.asked > 30:
                message = "gone"
                raise UpstreamUnreachableError(message)

    evaluation = Evaluation(_stint(tiny_subject(Leaving()), strategies=[Strategy.OFF]))
    with pytest.raises(UpstreamUnreachableError):
        await evaluation.work(Told())
    assert [1] == [len(run.screened) for run in evaluation.runs.values()]
    assert 1 == len(evaluation.missing)
