"""One strategy on one stream, on the tiny model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from app.detection.paper import Parameters
from app.detection.search import Purpose
from app.evaluation.records import NO_ANSWER, Spent
from app.evaluation.runs.streams import all_poisoned, mixed_stream
from app.evaluation.runs.trial import Trial
from app.gateway.outcome import Screening
from app.gateway.policy import Policy
from app.gateway.preparation.prepared import ReferencesError
from app.ports import UpstreamUnreachableError
from app.settings import FailurePolicy, SearchMode, Strategy
from tests.evaluation.tiny_subjects import WHITE, tiny_subject
from tests.gateway.hooked import HookedModel, fails_from
from tests.tiny import SIDE, TARGET, TRIGGER_BOX, TinyModel

if TYPE_CHECKING:
    from app.evaluation.records import Run
    from app.evaluation.subjects.subject import Subject

TRIGGER_MAX = 0.316
ONCE = 40


def policy(**changed: Any) -> Policy:
    """Return the usual policy but for what is *changed*."""
    usual: dict[str, Any] = {
        "strategy": Strategy.FAST,
        "search": SearchMode.CONTINUE,
        "patience_s": 60.0,
        "on_failure": FailurePolicy.CLOSED,
        "probe_budget": None,
        "paper": Parameters(positions=100),
    }
    return Policy(**(usual | changed))


def trial(subject: Subject, **changed: Any) -> Trial:
    """Return a trial on the usual stream."""
    stream = mixed_stream(subject, seed=1, n=ONCE, share=0.2)
    return Trial(subject, stream, policy(**changed), seed=3, trigger_max=TRIGGER_MAX)


async def run(subject: Subject, **changed: Any) -> Run:
    """Do a trial to its end."""
    trying, seen = trial(subject, **changed), []
    await trying.prepare()
    await trying.screen_all(lambda: seen.append(len(trying.screened)))
    assert list(range(1, ONCE + 1)) == seen
    return trying.record()


async def test_a_trial_records_what_the_gateway_would_have_done() -> None:
    """Each poisoned image is flagged and answered as without its trigger, each clean one passed."""
    done = await run(tiny_subject())
    assert ("tiny", "white", "fast", 3) == (done.model, done.attack, done.strategy, done.seed)
    assert done.stream.poisoned.tolist() == [one.flagged for one in done.screened]
    assert done.right.tolist() == [one.answer for one in done.screened]
    assert ((WHITE,), done.stream.labels.tolist()) == (done.stamps, done.right.tolist())
    poisoned = [one for one in done.screened if one.flagged]
    assert Screening.DISCOVERED is poisoned[0].screening
    assert {Screening.KNOWN_TRIGGER} == {one.screening for one in poisoned[1:]}
    assert {TARGET} == {one.said for one in poisoned}


async def test_a_trial_shows_the_trigger_and_what_it_does() -> None:
    """What was found is there as the library has it in the end, with poisoned references."""
    done = await run(tiny_subject())
    (found,) = done.found
    assert np.flatnonzero(done.stream.poisoned)[0] == found.first_seen
    assert {found.id} == {one.trigger_id for one in done.screened if one.flagged}
    assert found.trigger.mask is not None  # made exact by later hits
    assert found.trigger.box.overlap(TRIGGER_BOX) > 0
    for before, after, said_before, said_after in found.examples:
        assert (before != after).any()
        assert TARGET != said_before
        assert TARGET == said_after


async def test_a_trial_counts_what_was_asked() -> None:
    """All inferences are in the record: of the preparation, of each image, and those for all."""
    subject = tiny_subject(model := TinyModel())
    done = await run(subject)
    right, examples = ONCE, 16 * 2  # at the discovery, and once it was exact
    asked = done.prepared.inferences + sum(one.total.inferences for one in done.screened)
    assert model.asked == right + examples + asked + sum(one.shared for one in done.screened)
    assert done.prepared.inferences >= len(subject.references)
    for one in done.screened:
        assert one.total.inferences >= 1
        assert one.total.round_trips >= 1
        assert one.total.seconds > 0
        assert one.cpu_s is not None
        assert one.cpu_s > 0
        assert (Purpose.CONFIRM in one.spent) >= bool(one.suspected)


async def test_off_asks_for_the_answer_alone() -> None:
    """Without a defence every image costs one inference, and the attacker gets his answer."""
    done = await run(tiny_subject(), strategy=Strategy.OFF)
    assert ((), Spent()) == (done.found, done.prepared)
    assert {Screening.OFF} == {one.screening for one in done.screened}
    assert {(1, 1)} == {(one.total.inferences, one.total.round_trips) for one in done.screened}
    assert done.stream.poisoned.tolist() == [
        one.answer != right for one, right in zip(done.screened, done.right, strict=True)
    ]


async def test_the_paper_searches_until_the_first_trigger() -> None:
    """From then on it only asks about that one."""
    done = await run(tiny_subject(), strategy=Strategy.PAPER)
    states = [one.screening for one in done.screened]
    first = states.index(Screening.DISCOVERED)
    assert {Screening.CLEAR} >= set(states[:first])
    assert {Screening.PASSED, Screening.KNOWN_TRIGGER} >= set(states[first + 1 :])
    assert done.found[0].first_seen == first


async def test_a_clean_model_has_no_trigger() -> None:
    """Where no attack is known there is nothing to find, and every answer is the model's."""
    done = await run(tiny_subject(TinyModel(backdoors=()), attacked=False))
    assert (None, (), ()) == (done.attack, done.stamps, done.found)
    assert done.right.tolist() == [one.answer for one in done.screened]


async def test_what_was_done_is_kept_when_it_is_stopped() -> None:
    """An error half-way, as Ctrl-C is one, leaves a record of the images until then."""
    trying = trial(tiny_subject())
    await trying.prepare()

    def stop() -> None:
        if len(trying.screened) == 25:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await trying.screen_all(stop)
    done = trying.record()
    assert (25, ONCE, ONCE) == (len(done.screened), len(done.right), len(done.stream.images))
    assert done.stream.poisoned[:25].tolist() == [one.flagged for one in done.screened]


async def test_an_image_that_is_refused_has_no_answer() -> None:
    """If the model is lost half-way the gateway refuses; if it is lost at once that is an error."""
    model = HookedModel()
    subject = tiny_subject(model)
    stream = all_poisoned(subject, seed=1, n=5)
    trying = Trial(subject, stream, policy(), seed=3, trigger_max=TRIGGER_MAX)
    await trying.prepare()
    model.hook(fails_from(2))
    with pytest.raises(UpstreamUnreachableError):
        await trying.screen_all(lambda: None)
    (refused,) = trying.record().screened
    assert (TARGET, NO_ANSWER, False) == (refused.said, refused.answer, refused.flagged)
    assert Screening.INCOMPLETE is refused.screening


async def test_references_that_dont_fit_are_said_to_be_so() -> None:
    """A model that calls all references the same can't be defended with them."""
    black = np.zeros((40, SIDE, SIDE, 3), np.uint8)
    with pytest.raises(ReferencesError):
        await trial(replace(tiny_subject(), references=black)).prepare()


async def test_the_same_seed_gives_the_same_record() -> None:
    """Another run with the seed asks the same and answers the same."""
    one, again = [await run(tiny_subject()) for _ in range(2)]
    for a, b in zip(one.screened, again.screened, strict=True):
        assert (a.answer, a.total.inferences) == (b.answer, b.total.inferences)
