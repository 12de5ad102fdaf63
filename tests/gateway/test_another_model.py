"""Another model behind the same address is noticed, and the defence starts anew for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from prometheus_client import REGISTRY

from app.detection.reference_set.canaries import GLANCED
from app.detection.search import Answers
from app.events import Kind
from app.gateway.outcome import Screening, UnscreenedError
from app.gateway.preparation import lifecycle as module
from app.gateway.preparation.prepared import Calibrator
from app.ports import (
    NOBODY,
    OtherModelError,
    UpstreamUnreachableError,
)
from tests.gateway.opened import REFERENCES, START_S, innocents, opened
from tests.library.servers import eventually
from tests.tiny import TinyModel

if TYPE_CHECKING:
    from app.detection.search import Images
    from app.gateway.preparation.prepared import Prepared
    from app.ports import Caller

from tests.gateway.changing import Changing, renewed

pytestmark = pytest.mark.usefixtures("watched_closely")
IMAGES = innocents(4)


@pytest.mark.parametrize("scored", [True, False])
async def test_it_is_noticed_and_calibrated_for(store_url: str, name: str, *, scored: bool) -> None:
    """Once images come the references are calibrated again, and clean images are left alone."""
    model = Changing(scored=scored)
    changes = REGISTRY.get_sample_value("neo_model_changes_total") or 0.0
    async with opened(store_url, name, model) as worker:
        before = worker.preparation.prepared
        model.changed = True
        await worker.predict(IMAGES[0])
        await eventually(renewed(worker.preparation, before), START_S)
        assert changes + 1 == REGISTRY.get_sample_value("neo_model_changes_total")
        after = worker.preparation.prepared
        assert before
        assert after
        said = model.classify(after.references.images).labels
        assert said.tolist() == after.references.labels.tolist()
        assert said.tolist() != before.references.labels.tolist()
        assert before.key != after.key
        outcome = await worker.predict(IMAGES[1])
        assert (Screening.CLEAR, outcome.upstream_prediction) == (
            outcome.screening,
            outcome.prediction,
        )
    assert [Kind.MODEL_CHANGED, Kind.REFERENCES_RECALIBRATED] == worker.events.kinds


async def test_a_passing_one_is_not_calibrated_for(
    store_url: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While another model is there nothing is screened; when the first is back all is as it was.

    If it is back isn't told at a glance: that may miss a model that is as sure of most images.
    """
    glances: list[bool] = []
    look = Calibrator.is_another_model

    async def watched(calibrator: Calibrator, prepared: Prepared, **how: bool) -> bool:
        glances.append(how.get("at_a_glance", False))
        return await look(calibrator, prepared, **how)

    monkeypatch.setattr(Calibrator, "is_another_model", watched)
    monkeypatch.setattr(module, "SETTLED_S", START_S)
    monkeypatch.setattr(module, "PREPARED_S", 0.0)
    model = Changing()
    async with opened(store_url, name, model) as worker:
        before = worker.preparation.prepared
        model.changed = model.is_strange = True
        await eventually(lambda: worker.preparation.prepared is None, START_S)
        with pytest.raises(UnscreenedError, match="another model is behind NEO_UPSTREAM_URL"):
            await worker.predict(IMAGES[0])
        glances.clear()
        model.changed = False
        await eventually(lambda: worker.preparation.prepared is before, START_S)
        assert not all(glances)
        assert worker.preparation.problem is None
        assert Screening.CLEAR is (await worker.predict(IMAGES[1])).screening
    assert [{"to": "another"}, {"to": "former"}] == worker.events.facts(Kind.MODEL_CHANGED)
    assert Kind.REFERENCES_RECALIBRATED not in worker.events.kinds


def test_models_that_take_turns_are_calibrated_for_seldomer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each change within an hour doubles the wait after the next one, up to an hour."""
    monkeypatch.setattr(module, "SETTLED_S", 10.0)
    assert [10, 20, 40, 3600, 3600] == [module.settled_s(n) for n in (0, 1, 2, 12, 10_000)]


async def test_without_images_nothing_is_asked(store_url: str, name: str) -> None:
    """After images a few references are asked; a gateway that nobody uses costs nothing."""
    async with opened(store_url, name) as worker:
        asked = worker.model.asked
        outcome = await worker.predict(IMAGES[0])
        asked += outcome.probes
        await eventually(lambda: worker.model.asked >= asked + GLANCED)
        quiet = worker.model.asked
        sharing = worker.preparation.prepared
        assert sharing
        sharing.references.placebo_rates["1,1,4,4:2"] = 0.25
        await eventually(lambda: "1,1,4,4:2" in sharing.shared)
        assert quiet == worker.model.asked == asked + GLANCED


async def test_answers_of_other_classes_are_noticed_at_once(
    store_url: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that can't be the model's is noticed before the next look."""
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

    async def broken_once(
        calibrator: Calibrator, prepared: Prepared, *, at_a_glance: bool = False
    ) -> bool:
        looks.append(True)
        if len(looks) == 1:
            message = "nobody thought of this"
            raise ValueError(message)
        return await look(calibrator, prepared, at_a_glance=at_a_glance)

    monkeypatch.setattr(Calibrator, "is_another_model", broken_once)
    model = Changing()
    async with opened(store_url, name, model) as worker:
        before = worker.preparation.prepared
        model.changed = model.is_strange = True
        await eventually(renewed(worker.preparation, before), START_S)
    assert "checking if it is still the same model failed" in caplog.text


async def test_a_release_that_cant_be_used_is_taken_back(
    store_url: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that calls everything the same is no reason to give up: the one before may return."""
    monkeypatch.setattr(module, "UNFIT_RETRY_S", 0.02)
    monkeypatch.setattr(module, "PREPARED_S", 0.0)

    class Broken(Changing):
        def classify(self, images: Images) -> Answers:
            said = super().classify(np.zeros_like(images) if self.changed else images)
            return Answers(said.labels)

    model = Broken()
    async with opened(store_url, name, model) as worker:
        before = worker.preparation.prepared
        model.changed = True
        await worker.predict(IMAGES[0])
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
        await worker.predict(IMAGES[0])
        await eventually(renewed(worker.preparation, before), START_S)
        after = worker.preparation.prepared
        assert after
        said = model.classify(after.references.images).labels
        assert said.tolist() == after.references.labels.tolist()
