"""Once another model has come: its images, the workers' references, and the known triggers."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from app.detection.reference_set.canaries import CANARIES
from app.gateway.outcome import Screening, UnscreenedError
from app.gateway.preparation.library_check import verify_library
from app.library.lifecycle import open_library
from app.ports import (
    Description,
    InputSize,
    UpstreamStatusError,
    UpstreamUnreachableError,
)
from tests.gateway.opened import REFERENCES, START_S, innocents, opened
from tests.library.servers import eventually
from tests.tiny import BACKDOOR, SIDE, Backdoor, TinyModel, stamped, tiny_trigger

if TYPE_CHECKING:
    from app.gateway.preparation.prepared import Prepared

from tests.gateway.changing import Changing, clean_references, renewed

pytestmark = pytest.mark.usefixtures("watched_closely")
SUCCESSOR_TARGET = 0
IMAGES = innocents(4)


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
    """Images are refused while a model of another size loads and is calibrated for."""
    model = Resized()
    async with opened(store_url, name, model, load=clean_references) as worker:
        before = worker.preparation.prepared
        model.changed = model.loading = True
        with pytest.raises(UpstreamStatusError):
            await worker.predict(IMAGES[0])
        await eventually(lambda: model.size.height > SIDE, START_S)
        assert "loading" in str((await worker.gateway.readiness()).parts[0].problem)
        larger = clean_references(InputSize(SIDE + 4, SIDE + 4, 3))
        model.loading = False
        await eventually(renewed(worker.preparation, before), START_S)
        outcome = await worker.predict(larger[0])
        assert Screening.CLEAR is outcome.screening


async def test_another_size_is_never_screened_by_references_of_this(
    store_url: str, name: str
) -> None:
    """An image that the references can't be pasted on is refused, and looked into."""
    async with opened(store_url, name) as worker:
        larger = clean_references(InputSize(SIDE + 4, SIDE + 4, 3))
        asked = worker.model.asked
        with pytest.raises(UnscreenedError, match="another model"):
            await worker.predict(larger[0])
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
        await worker.predict(IMAGES[0])
        await eventually(lambda: model.words is Description.SAME, START_S)
        assert worker.preparation.prepared is before


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
            await worker.predict(IMAGES[0])
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
    """What each trigger does on the new model is measured, logged and shown; none is dropped."""
    second = Backdoor(BACKDOOR.box, SUCCESSOR_TARGET)
    model = Changing(backdoors=(second,))
    async with opened(store_url, name, model) as worker:
        poisoned = stamped(IMAGES[:2])
        found = await worker.predict(poisoned[0])
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
