"""Who repeats pictures that were flagged: what he isn't told, by which workers, for how long."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from prometheus_client import REGISTRY

from app.detection.defence import Finding, Known, Verdict
from app.detection.reference_set.references import Calibration, References
from app.detection.search import Answers
from app.detection.suspects.lockout import with_picture
from app.events import Kind
from app.gateway.admission.rates import Account
from app.gateway.keeping.learning import Learner
from app.gateway.keeping.locking import LASTS, MOST_OWN, lockout
from app.gateway.outcome import LockedOutError, Monitored, Outcome, Screening, UnscreenedError
from app.gateway.searching.conclusion import concluded
from app.gateway.searching.driving import Driven
from app.gateway.searching.examination import Examiner
from app.gateway.visit import RequestFacts, Visit
from app.incidents import Said
from app.library.memory import MemoryTriggerLibrary
from app.ports import Arrival
from app.settings import FailurePolicy, Mode, SearchMode, Strategy
from app.suspects import Source, Suspects
from tests.detection.stickers import SIDE
from tests.detection.suspects.altering import (
    STICKER_TRIGGER,
    altered,
    holding,
    levels,
    photographs,
    plain,
    predict,
)
from tests.gateway.keeping.test_learning import PREPARED
from tests.gateway.opened import Opened, opened, policy
from tests.library.clocks import Clock
from tests.library.servers import eventually
from tests.tiny import TARGET, TinyModel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from app.detection.search import Image, Images
    from app.ports import InputSize

REFERENCES = photographs(120)
CLEAN = holding(photographs(40, first=120))
VICTIMS = CLEAN[predict(CLEAN).labels != TARGET]
ONE, TWO = Account(caller="one"), Account(caller="two")
AFTER = 3
SECOND = timedelta(seconds=1)
NONE = np.zeros((0, 0), np.int64)
FLAGGED = Finding(Verdict.KNOWN, Answers(np.array([TARGET])), Answers(np.array([0])))


class _Model(TinyModel):
    """Photographs, and a backdoor that two places open."""

    def __init__(self) -> None:
        super().__init__(shape=REFERENCES.shape[1:3])

    def classify(self, images: Images) -> Answers:
        """Answer *images*."""
        return predict(images)


def _references(_: InputSize) -> Images:
    return REFERENCES


@asynccontextmanager
async def _worker(
    url: str, name: str, clock: Clock | None = None, **changed: Any
) -> AsyncIterator[Opened]:
    """Yield a worker that knows the sticker, and looks for nothing new."""
    its: dict[str, Any] = {"search": SearchMode.STOP, "lockout_after": AFTER} | changed
    async with opened(url, name, _Model(), load=_references, clock=clock, **its) as worker:
        if not worker.library.entries():
            await worker.library.register(STICKER_TRIGGER)
        yield worker


async def _flag(worker: Opened, image: Image, times: int, pay: Account = ONE) -> None:
    for _ in range(times):
        outcome = await worker.predict(plain(image), pay)
        assert Screening.KNOWN_TRIGGER is outcome.screening


async def _refused(worker: Opened, image: Image, pay: Account = ONE) -> LockedOutError | None:
    """Return how *image* is refused; None if it is answered as it is called.

    Or if it can't be healed, which is so under one secret in some twenty: nobody is locked out.
    """
    try:
        outcome = await worker.predict(image, pay)
    except LockedOutError as error:
        return error
    except UnscreenedError:
        return None
    assert int(predict(image[None]).labels[0]) == outcome.prediction.index
    assert (None, Screening.PASSED) == (outcome.trigger_id, outcome.screening)
    return None


async def test_what_could_not_be_healed_counts_too() -> None:
    """The refusal has told as much as a flag."""
    library, visit = MemoryTriggerLibrary(), Visit(Arrival(plain(VICTIMS[0])))
    entry = await library.register(STICKER_TRIGGER)
    references = _of(REFERENCES)
    finding = Finding(
        Verdict.UNDECIDED,
        predict(visit.image[None]),
        None,
        known=Known(entry.id, entry.trigger),
        exposed=True,
    )
    its = lockout(policy(lockout_after=AFTER), None, None)
    assert its is not None
    learner = Learner(library, _Model(), Strategy.FULL)
    examiner = Examiner(
        replace(PREPARED, references=references), library, policy(), learner, "one", lockout=its
    )
    for _ in range(2):
        told = with_picture(visit.image, finding, its.own("one"), references)
        with pytest.raises(UnscreenedError):
            await concluded(visit.image, Driven(told, 9, 0), examiner, screened=True)
    (kept,) = its.own("one")
    assert (2, TARGET, None) == (kept.seen, kept.suspect.target, kept.suspect.source)


def test_other_pictures_take_no_place_of_what_locks_out() -> None:
    """Who sends noise with the trigger, one of each, stays locked out."""
    pictures = Suspects(lives=LASTS)
    its = lockout(policy(lockout_after=AFTER), pictures, None)
    assert its is not None
    of = with_picture(plain(VICTIMS[0]), FLAGGED, (), _of(REFERENCES)).picture
    assert of is not None
    source = Source("r-1", None, Said(TARGET, None), Said(0, None), "", 0, flagged=True)
    (first,) = pictures.note([of], source, "one")
    for _ in range(AFTER - 1):
        pictures.see([first.id], "one")
    for _ in range(2 * MOST_OWN):
        pictures.note([of], source, "one")
    own = its.own("one")
    assert MOST_OWN == len(own)
    assert (first.id, AFTER) == (own[0].id, own[0].seen)


def _of(images: Images) -> References:
    return References(images, Calibration(predict(images).labels, NONE), {}, 7)


def _times_refused() -> float:
    return REGISTRY.get_sample_value("neo_locked_out_total") or 0.0


async def test_who_was_flagged_often_is_refused_what_is_like_it(store_url: str, name: str) -> None:
    """Not before; then for a while, in which asking again makes it no longer, and is counted."""
    clock, image, before = Clock(), VICTIMS[0], _times_refused()
    async with _worker(store_url, name, clock) as worker:
        await _flag(worker, image, AFTER - 1)
        assert await _refused(worker, altered(image)) is None
        await _flag(worker, image, 1)
        clock.forward(LASTS - 90 * SECOND)
        for _ in range(4):
            error = await _refused(worker, altered(image))
            assert error is not None
            assert 90 == error.retry_after_s
            assert "3 pictures like this one, or more, carried a trigger" in str(error)
            assert str(error).endswith("it is in 2 min")
        clock.forward(89 * SECOND)
        assert await _refused(worker, altered(image)) is not None
        clock.forward(SECOND)
        assert await _refused(worker, altered(image)) is None
        (entry,) = worker.library.entries()
        await eventually(lambda: worker.library.entries()[0].hits >= AFTER, 10.0)
        assert entry.id == worker.library.entries()[0].id
        assert AFTER == len(worker.events.facts(Kind.IMAGE_FLAGGED))
    assert 5 == _times_refused() - before


async def test_it_ends_with_the_oldest_picture_that_is_needed(store_url: str, name: str) -> None:
    """Where what was flagged are several pictures, which expire one after the other."""
    clock, image, other = Clock(), VICTIMS[0], VICTIMS[1]
    mixed = np.concatenate([image[: SIDE // 2], other[SIDE // 2 :]])
    async with _worker(store_url, name, clock) as worker:
        await _flag(worker, mixed, 1)
        clock.forward(60 * SECOND)
        await _flag(worker, image, AFTER)
        error = await _refused(worker, altered(image))
        assert error is not None
        assert LASTS.total_seconds() == error.retry_after_s


async def test_other_answers_are_as_ever(store_url: str, name: str) -> None:
    """Another class, other pictures, another caller; and what carries the trigger is flagged."""
    image, others = VICTIMS[0], VICTIMS[1:]
    async with _worker(store_url, name) as worker:
        await _flag(worker, image, 3 * AFTER)
        assert await _refused(worker, altered(image), TWO) is None
        for other in others:
            assert await _refused(worker, altered(other)) is None
        assert await _refused(worker, image) is None
        for colour in range(3):
            shown = image.copy()
            shown[44:62, 2:62] = 0
            shown[44:62, 2:62, colour] = 150
            error = await _refused(worker, shown)
            assert (error is not None) <= (int(predict(shown[None]).labels[0]) == TARGET)
        await _flag(worker, image, 1)


async def test_an_attacker_who_searches_is_told_nothing_more(store_url: str, name: str) -> None:
    """Of some alterations that get past each picture's own evidence none does any more."""
    rng, image = np.random.default_rng(4), VICTIMS[2]
    queries: list[Image] = []
    for number in range(24):
        noise = rng.integers(0, 12, image.shape, endpoint=True)
        shown = (altered if number % 6 == 5 else plain)(image)
        queries.append(levels(shown + noise))
    evaded = {}
    for after in (0, AFTER):
        async with _worker(store_url, f"{name}-{after}", lockout_after=after) as worker:
            evaded[after] = 0
            for query in queries:
                try:
                    outcome = await worker.predict(query, ONE)
                except LockedOutError:
                    continue
                evaded[after] += outcome.prediction.index == TARGET
    assert {0: 4, AFTER: 0} == evaded


async def test_all_workers_know_it(store_url: str, name: str) -> None:
    """What one has flagged counts at the other; and both forget it by the clock of the store."""
    clock, image = Clock(), VICTIMS[0]
    async with _worker(store_url, name, clock) as one, _worker(store_url, name, clock) as other:
        await eventually(lambda: bool(other.library.entries()), 10.0)
        await _flag(one, image, 1)
        await eventually(lambda: _seen(other) == 1, 10.0)
        await _flag(other, image, AFTER - 1)
        await eventually(lambda: _seen(one) == _seen(other) == AFTER, 10.0)
        for worker in (one, other):
            assert await _refused(worker, altered(image)) is not None
        clock.forward(LASTS)
        await eventually(lambda: _seen(one) == _seen(other) == 0, 10.0)
        assert await _refused(one, altered(image)) is None


def _seen(worker: Opened) -> int:
    return sum(one.seen for one in worker.flagged.entries())


@pytest.mark.parametrize("on_failure", list(FailurePolicy))
async def test_whatever_the_policy_is_the_class_is_not_told(
    store_url: str, name: str, on_failure: FailurePolicy
) -> None:
    """NEO_ON_FAILURE says what becomes of what couldn't be screened, and this was."""
    image = VICTIMS[0]
    async with _worker(store_url, name, on_failure=on_failure) as worker:
        await _flag(worker, image, AFTER)
        assert await _refused(worker, altered(image)) is not None


async def test_who_dismisses_the_trigger_ends_it(store_url: str, name: str) -> None:
    """What is no trigger was flagged wrongly; once it is restored it goes on."""
    image = VICTIMS[0]
    async with _worker(store_url, name, probe_budget=0.0) as worker:
        await _flag(worker, image, AFTER)
        (entry,) = worker.library.entries()
        await worker.library.dismiss(entry.id)
        assert await _refused(worker, altered(image)) is None
        await worker.library.restore(entry.id)
        assert await _refused(worker, altered(image)) is not None


async def test_in_monitor_mode_it_is_only_told(store_url: str, name: str) -> None:
    """Every answer is the model's own; that `enforce` would have refused it is counted."""
    image = VICTIMS[0]

    def refused() -> float:
        return REGISTRY.get_sample_value("neo_monitored_total", {"would": "refuse"}) or 0.0

    async with _worker(store_url, name, mode=Mode.MONITOR) as worker:
        told = [await _monitored(worker, plain(image)) for _ in range(AFTER)]
        assert [Screening.KNOWN_TRIGGER] * AFTER == [one.screening for one in told]
        before = refused()
        last = await _monitored(worker, altered(image))
        assert isinstance(last, Monitored)
        assert (TARGET, None) == (last.prediction.index, last.would_answer)
        assert 1 == refused() - before


async def _monitored(worker: Opened, image: Image) -> Outcome:
    return await worker.gateway.predict(Visit(Arrival(image), ONE, wait_s=None))


async def test_the_owner_hears_of_it(store_url: str, name: str) -> None:
    """Once a minute for each key and class, with how many images were refused."""
    image = VICTIMS[0]
    async with _worker(store_url, name) as worker:
        request = RequestFacts("r-1", "shop")
        await _flag(worker, image, AFTER)
        for _ in range(3):
            with pytest.raises(LockedOutError):
                await worker.gateway.predict(Visit(Arrival(altered(image)), ONE, request=request))
        assert [{"target": TARGET, "images": 1, "key": "shop", "request_id": "r-1"}] == (
            worker.events.facts(Kind.CALLER_LOCKED)
        )


@pytest.mark.parametrize(
    ("after", "strategy", "there"),
    [(0, Strategy.FULL, False), (1, Strategy.FULL, True), (1, Strategy.PAPER, False)],
)
def test_it_may_be_switched_off(after: int, strategy: Strategy, *, there: bool) -> None:
    """And the paper's algorithms have nothing beside them."""
    made = lockout(policy(lockout_after=after, strategy=strategy), None, None)
    assert there is (made is not None)


async def test_switched_off_nothing_is_kept(store_url: str, name: str) -> None:
    """However often a picture is flagged."""
    image = VICTIMS[0]
    async with _worker(store_url, name, lockout_after=0) as worker:
        await _flag(worker, image, 2 * AFTER)
        assert await _refused(worker, altered(image)) is None
        assert 0 == _seen(worker)
