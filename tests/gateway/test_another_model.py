"""Another model behind the same address is noticed, and the defence starts anew for it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.canaries import CANARIES
from app.detection.search import Answers
from app.gateway import preparation as module
from app.gateway.calibrating import Calibrator
from app.gateway.outcome import Screening, UnscreenedError
from app.gateway.verifying import verify_library
from app.library.opening import open_library
from app.ports import (
    NOBODY,
    Description,
    InputSize,
    OtherModelError,
    UpstreamStatusError,
    UpstreamUnreachableError,
)
from tests.gateway.opened import REFERENCES, START_S, innocents, opened
from tests.library.servers import eventually
from tests.tiny import BACKDOOR, SIDE, Backdoor, TinyModel, clean_images, stamped, tiny_trigger

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.detection.search import Images
    from app.gateway.calibrating import Prepared
    from app.gateway.preparation import Preparation
    from app.ports import Caller

SUCCESSOR_TARGET = 0
IMAGES = innocents(4)


class Changing(TinyModel):
    """The tiny model until ``changed``; from then on its successor, whose colours are shifted."""

    def __init__(self, *, scored: bool = True, backdoors: tuple[Backdoor, ...] = ()) -> None:
        super().__init__(scored=scored)
        self.changed = self.looked = False
        self._successor = TinyModel(scored=scored, backdoors=backdoors)

    async def redescribed(self) -> Description:
        """Say nothing else than before."""
        self.looked = self.changed
        return Description.SAME

    def classify(self, images: Images) -> Answers:
        """Answer as whichever model is there."""
        if not self.changed:
            return super().classify(images)
        shifted = np.roll(images, 1, axis=3)  # every class but one has another colour now
        return self._successor.classify(shifted)


def clean_references(size: InputSize) -> Images:
    """Return references of a *size*."""
    shape = size.height, size.width
    return clean_images(60, np.random.default_rng(5), shape=shape)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CANARIES_S", 0.0)
    monkeypatch.setattr(module, "SHARING_S", 0.02)
    monkeypatch.setattr(module, "AGAIN_S", 0.02)
    monkeypatch.setattr(module, "SETTLE_S", 0.0)


def renewed(preparation: Preparation, before: Prepared | None) -> Callable[[], bool]:
    """Return whether something else than *before* is prepared."""
    return lambda: preparation.prepared not in {None, before}


@pytest.mark.parametrize("scored", [True, False])
async def test_it_is_noticed_and_calibrated_for(
    store_url: str, name: str, caplog: pytest.LogCaptureFixture, *, scored: bool
) -> None:
    """Once images come the references are calibrated again, and clean images are left alone."""
    model = Changing(scored=scored)
    async with opened(store_url, name, model) as worker:
        before = worker.preparation.prepared
        model.changed = True
        await worker.gateway.predict(IMAGES[0])
        await eventually(renewed(worker.preparation, before), START_S)
        after = worker.preparation.prepared
        assert before
        assert after
        said = model.classify(after.references.images).labels
        assert said.tolist() == after.references.labels.tolist()
        assert said.tolist() != before.references.labels.tolist()
        assert before.key != after.key
        outcome = await worker.gateway.predict(IMAGES[1])
        assert (Screening.CLEAR, outcome.upstream_prediction) == (
            outcome.screening,
            outcome.prediction,
        )
    assert "another model is behind NEO_UPSTREAM_URL" in caplog.text


async def test_a_passing_one_is_not_calibrated_for(
    store_url: str, name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """While it is there nothing is screened; when the first one is back all is as it was."""
    monkeypatch.setattr(module, "SETTLE_S", START_S)
    monkeypatch.setattr(module, "A_MOMENT_S", 0.0)
    model = Changing()
    async with opened(store_url, name, model) as worker:
        before = worker.preparation.prepared
        model.changed = model.is_strange = True
        await eventually(lambda: worker.preparation.prepared is None, START_S)
        with pytest.raises(UnscreenedError, match="another model is behind NEO_UPSTREAM_URL"):
            await worker.gateway.predict(IMAGES[0])
        model.changed = False
        await eventually(lambda: worker.preparation.prepared is before, START_S)
        assert worker.preparation.problem is None
        assert Screening.CLEAR is (await worker.gateway.predict(IMAGES[1])).screening
    assert "is there again" in caplog.text


def test_models_that_take_turns_are_calibrated_for_seldomer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each change within an hour makes the next one wait twice as long, an hour at most."""
    monkeypatch.setattr(module, "SETTLE_S", 10.0)
    assert [10, 20, 40, 3600, 3600] == [module.settle_s(n) for n in (0, 1, 2, 12, 10_000)]


async def test_without_images_nothing_is_asked(store_url: str, name: str) -> None:
    """A gateway that nobody uses costs the model nothing."""
    async with opened(store_url, name) as worker:
        asked = worker.model.asked
        await worker.gateway.predict(IMAGES[0])
        await eventually(lambda: worker.model.asked >= asked + 32)
        quiet = worker.model.asked
        sharing = worker.preparation.prepared
        assert sharing
        sharing.references.placebo_rates["1,1,4,4:2"] = 0.25
        await eventually(lambda: "1,1,4,4:2" in sharing.shared)
        assert quiet == worker.model.asked


async def test_answers_of_other_classes_are_noticed_at_once(
    store_url: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that can't be the model's doesn't wait for the next look."""
    monkeypatch.setattr(module, "CANARIES_S", START_S)
    model = Changing()
    async with opened(store_url, name, model) as worker:
        before = worker.preparation.prepared
        model.changed = model.is_strange = True
        await eventually(renewed(worker.preparation, before), START_S)


class Pinned(TinyModel):
    """A model whose very first answer was another one's: refused until that is forgotten."""

    async def answer(self, images: Images, caller: Caller = NOBODY) -> Answers:
        """Answer, or refuse."""
        if self.asked == 0:
            self.asked, self.is_strange = 1, True
        if self.is_strange:
            message = "the upstream scored 4 classes, and 3 before"
            raise OtherModelError(message)
        return await super().answer(images, caller)


async def test_a_first_answer_of_another_model_is_forgotten(store_url: str, name: str) -> None:
    """A model that came during the first calibration is the one that is calibrated for."""
    async with opened(store_url, name, Pinned()) as worker:
        assert worker.preparation.prepared
        assert not worker.model.is_strange


async def test_a_doubt_stays_while_the_upstream_is_away(
    store_url: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look that gets no answer is taken again until it gets one."""
    monkeypatch.setattr(module, "CANARIES_S", START_S)
    model = Changing()
    async with opened(store_url, name, model) as worker:
        before = worker.preparation.prepared
        model.failure = UpstreamUnreachableError("no connection")
        model.changed = model.is_strange = True
        await eventually(lambda: model.looked, START_S)
        model.failure, model.is_strange = None, False
        await eventually(renewed(worker.preparation, before), START_S)


async def test_a_fault_of_ours_doesnt_end_the_watch(
    store_url: str, name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever goes wrong in a look, the next one is taken."""
    looks: list[bool] = []
    look = Calibrator.is_another_model

    async def broken_once(calibrator: Calibrator, prepared: Prepared) -> bool:
        looks.append(True)
        if len(looks) == 1:
            message = "nobody thought of this"
            raise ValueError(message)
        return await look(calibrator, prepared)

    monkeypatch.setattr(Calibrator, "is_another_model", broken_once)
    model = Changing()
    async with opened(store_url, name, model) as worker:
        before = worker.preparation.prepared
        model.changed = model.is_strange = True
        await eventually(renewed(worker.preparation, before), START_S)
    assert "looking if it is the same model failed" in caplog.text


async def test_a_release_that_cant_be_used_is_taken_back(
    store_url: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that calls everything the same is no reason to give up: the one before may return."""
    monkeypatch.setattr(module, "LATER_S", 0.02)
    monkeypatch.setattr(module, "A_MOMENT_S", 0.0)

    class Broken(Changing):
        def classify(self, images: Images) -> Answers:
            said = super().classify(np.zeros_like(images) if self.changed else images)
            return Answers(said.labels)

    model = Broken()
    async with opened(store_url, name, model) as worker:
        before = worker.preparation.prepared
        model.changed = True
        await worker.gateway.predict(IMAGES[0])
        await eventually(
            lambda: "gives all 60 reference images" in (worker.preparation.problem or ""), START_S
        )
        assert (worker.preparation.problem or "").startswith("the references don't fit the model")
        model.changed = False
        await eventually(lambda: worker.preparation.prepared is not None, START_S)
        after = worker.preparation.prepared
        assert before
        assert after
        assert before.references.labels.tolist() == after.references.labels.tolist()


class Resized(Changing):
    """A model whose successor takes larger images; until it is forgotten nobody knows of that."""

    def __init__(self) -> None:
        super().__init__()
        self.loading = False

    async def redescribed(self) -> Description:
        """Say what is there now."""
        changed = self.changed and self.size.height == SIDE
        return Description.OTHER_INPUT if changed else Description.SAME

    def forget(self) -> None:
        """Take what is there now."""
        if self.changed:
            self.size = InputSize(SIDE + 4, SIDE + 4, 3)

    async def check(self) -> None:
        """Say that it is loading."""
        await super().check()
        if self.loading:
            raise UpstreamStatusError(503, "loading")


async def test_a_model_of_another_size_that_takes_a_while(store_url: str, name: str) -> None:
    """Its metadata tells it; while it loads and isn't calibrated for its images are refused."""
    model = Resized()
    async with opened(store_url, name, model, load=clean_references) as worker:
        before = worker.preparation.prepared
        model.changed = model.loading = True
        with pytest.raises(UpstreamStatusError):
            await worker.gateway.predict(IMAGES[0])
        await eventually(lambda: model.size.height > SIDE, START_S)
        assert "loading" in str((await worker.gateway.readiness()).parts[0].problem)
        larger = clean_references(InputSize(SIDE + 4, SIDE + 4, 3))
        model.loading = False
        await eventually(renewed(worker.preparation, before), START_S)
        outcome = await worker.gateway.predict(larger[0])
        assert Screening.CLEAR is outcome.screening


async def test_another_size_is_never_screened_by_references_of_this(
    store_url: str, name: str
) -> None:
    """An image that the references can't be pasted on is refused, and looked into."""
    async with opened(store_url, name) as worker:
        larger = clean_references(InputSize(SIDE + 4, SIDE + 4, 3))
        asked = worker.model.asked
        with pytest.raises(UnscreenedError, match="another model"):
            await worker.gateway.predict(larger[0])
        await eventually(lambda: worker.model.asked == asked + CANARIES, START_S)


async def test_another_description_of_the_same_model_is_taken(store_url: str, name: str) -> None:
    """A new version that answers as before needs no calibration; clients are told of it."""

    class Reworded(TinyModel):
        words = Description.SAME

        async def redescribed(self) -> Description:
            return self.words

        def forget(self) -> None:
            self.words = Description.SAME

    model = Reworded()
    async with opened(store_url, name, model) as worker:
        before = worker.preparation.prepared
        model.words = Description.OTHER_WORDS
        await worker.gateway.predict(IMAGES[0])
        await eventually(lambda: model.words is Description.SAME, START_S)
        assert worker.preparation.prepared is before


async def test_a_model_that_changes_while_it_is_calibrated_for(store_url: str, name: str) -> None:
    """What came of two models is noticed like any other change, and measured again."""

    class Midway(Changing):
        async def answer(self, images: Images, caller: Caller = NOBODY) -> Answers:
            answers = await super().answer(images, caller)
            self.changed = self.changed or self.asked > 20 * len(REFERENCES)
            return answers

    model = Midway()
    async with opened(store_url, name, model) as worker:
        assert model.changed
        before = worker.preparation.prepared
        await worker.gateway.predict(IMAGES[0])
        await eventually(renewed(worker.preparation, before), START_S)
        after = worker.preparation.prepared
        assert after
        said = model.classify(after.references.images).labels
        assert said.tolist() == after.references.labels.tolist()


async def test_what_a_blip_has_kept_from_being_verified_is_verified_later(
    store_url: str, name: str
) -> None:
    """The triggers are measured on the new model, however often that has to be begun."""
    model, calls = Changing(), []

    async def verify(prepared: Prepared) -> None:
        calls.append(prepared.key)
        if len(calls) < 3:
            message = "no connection"
            raise UpstreamUnreachableError(message)

    async with opened(store_url, name, model, verify=verify) as worker:
        before = worker.preparation.prepared
        model.changed = model.is_strange = True
        await eventually(renewed(worker.preparation, before), START_S)
        await eventually(lambda: len(calls) == 3, START_S)
        after = worker.preparation.prepared
        assert after
        assert [after.key] * 3 == calls


async def test_a_worker_that_starts_later_isnt_deceived(store_url: str, name: str) -> None:
    """What was kept of the model before is not what a new worker goes by."""
    model = Changing()
    async with opened(store_url, name, model) as worker:
        before = worker.preparation.prepared
    model.changed = True
    async with opened(store_url, name, model) as worker:
        after = worker.preparation.prepared
        assert before
        assert after
        assert before.key != after.key
        asked = model.asked
    async with opened(store_url, name, model) as worker:
        third = worker.preparation.prepared
        assert third
        assert (after.key, CANARIES) == (third.key, model.asked - asked)


async def test_the_other_worker_takes_what_one_has_measured(store_url: str, name: str) -> None:
    """Of two workers that notice one calibrates, and both go by it."""
    one, other = Changing(), Changing()
    async with opened(store_url, name, one) as first, opened(store_url, name, other) as second:
        workers = (first, second)
        before = [worker.preparation.prepared for worker in workers]
        one.changed = other.changed = True
        for worker in workers:
            await worker.gateway.predict(IMAGES[0])
        asked = one.asked, other.asked
        for worker, old in zip(workers, before, strict=True):
            await eventually(renewed(worker.preparation, old), START_S)
        prepared = [worker.preparation.prepared for worker in workers]
        assert all(prepared)
        assert 1 == len({each.key for each in prepared if each})
        cost = sorted((one.asked - asked[0], other.asked - asked[1]))
        assert cost[0] < len(REFERENCES) * 4 < cost[1]  # a few looks; a whole calibration


async def test_the_library_is_verified(
    store_url: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What its triggers do on the new model is measured, said, and shown; none is dropped."""
    second = Backdoor(BACKDOOR.box, SUCCESSOR_TARGET)
    model = Changing(backdoors=(second,))
    async with opened(store_url, name, model) as worker:
        poisoned = stamped(IMAGES[:2])
        found = await worker.gateway.predict(poisoned[0])
        assert Screening.DISCOVERED is found.screening
        (entry,) = worker.library.entries()
        before = worker.preparation.prepared
        model.changed = model.is_strange = True
        await eventually(renewed(worker.preparation, before), START_S)
        await eventually(lambda: "of the known triggers" in caplog.text, START_S)
        (again,) = worker.library.entries()
        assert entry.id == again.id
        assert (1.0, 0.0) == (
            entry.trigger.evidence.carry_rate,
            again.trigger.evidence.carry_rate,
        )
        assert f"the model has [], and not ['{entry.id}']" in caplog.text


async def test_a_library_of_other_images_is_left_as_it_is(
    store_url: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Triggers of another size of images can't be on this model."""
    with caplog.at_level(logging.WARNING):
        async with opened(store_url, name) as worker, open_library(store_url, name) as (library, _):
            entry = await library.register(tiny_trigger())
            prepared = worker.preparation.prepared
            assert prepared
            larger = TinyModel(shape=(20, 20))
            await verify_library(library, larger, prepared)
            assert entry.trigger is library.entry(entry.id).trigger
    assert f"not ['{entry.id}']" in caplog.text
