"""Triggers that act on one class only, or lead each to another one, end to end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.detection.defence import Defence
from app.detection.screening import screen
from app.detection.search import run
from app.gateway.outcome import Screening, UnscreenedError
from app.settings import FailurePolicy, Strategy
from tests.gateway.opened import opened
from tests.library.servers import eventually
from tests.tiny import (
    BACKDOOR,
    TARGET,
    TRIGGER_BOX,
    Backdoor,
    TinyModel,
    clean_images,
    stamped,
    tiny_trigger,
)

SOURCE = 0
ONE_CLASS = Backdoor(TRIGGER_BOX, TARGET, source=SOURCE)
ALL_TO_ALL = Backdoor(TRIGGER_BOX, None)
CLEAN = clean_images(40, np.random.default_rng(9))
LABELS = TinyModel().classify(CLEAN).labels
OF_SOURCE = CLEAN[LABELS == SOURCE]


async def test_full_finds_and_knows_a_trigger_of_one_class(store_url: str, name: str) -> None:
    """The first image reveals it, later ones are recognised, all of them are corrected."""
    async with opened(store_url, name, TinyModel(backdoors=(ONE_CLASS,))) as worker:
        found = await worker.predict(stamped(OF_SOURCE)[0])
        assert (Screening.DISCOVERED, SOURCE) == (found.screening, found.prediction.index)
        (entry,) = worker.library.entries()
        assert (SOURCE, TARGET) == (entry.trigger.source, entry.trigger.target)
        for image in stamped(OF_SOURCE)[1:]:
            known = await worker.predict(image)
            assert (Screening.KNOWN_TRIGGER, SOURCE) == (known.screening, known.prediction.index)
        for image in CLEAN[:12]:
            clean = await worker.predict(image)
            assert Screening.CLEAR is clean.screening
            assert clean.prediction == clean.upstream_prediction
        assert 1 == len(worker.library.entries())


async def test_fast_does_not_look_for_it(store_url: str, name: str) -> None:
    """A trigger of one class passes `fast`, which saves the probes for it."""
    model = TinyModel(backdoors=(ONE_CLASS,))
    async with opened(store_url, name, model, strategy=Strategy.FAST) as worker:
        outcome = await worker.predict(stamped(OF_SOURCE)[0])
        assert (Screening.CLEAR, TARGET) == (outcome.screening, outcome.prediction.index)


async def test_one_entry_covers_an_all_to_all_trigger(store_url: str, name: str) -> None:
    """Found on one class it is known in the images of all, and three hits make it exact."""
    async with opened(store_url, name, TinyModel(backdoors=(ALL_TO_ALL,))) as worker:
        given = [(await worker.predict(image)).prediction.index for image in stamped(CLEAN)]
        assert LABELS.tolist() == given
        await eventually(lambda: worker.library.entries()[0].trigger.mask is not None)
        (entry,) = worker.library.entries()
        assert (TRIGGER_BOX, len(CLEAN)) == (entry.trigger.box, entry.hits)
        assert entry.trigger.mask is not None
        assert entry.trigger.mask.all()


async def test_examples_are_of_the_class_that_it_acts_on(store_url: str, name: str) -> None:
    """Its reconstructed inputs are images of that class, and all become the target."""
    async with opened(store_url, name, TinyModel(backdoors=(ONE_CLASS,))) as worker:
        await worker.predict(stamped(OF_SOURCE)[0])
        examples = await worker.gateway.examples(worker.library.entries()[0])
    assert {SOURCE} == set(examples.clean_answers.labels.tolist())
    assert {TARGET} == set(examples.stamped_answers.labels.tolist())


@pytest.mark.parametrize("backdoor", [BACKDOOR, ONE_CLASS], ids=["every class", "one class"])
async def test_the_evidence_repeats_the_discovery(
    store_url: str, name: str, backdoor: Backdoor
) -> None:
    """With its seed the same screen finds the same trigger, for the same reasons and probes."""
    image = stamped(OF_SOURCE)[0]
    async with opened(store_url, name, TinyModel(backdoors=(backdoor,))) as worker:
        outcome = await worker.predict(image)
        assert worker.preparation.prepared
        prepared = worker.preparation.prepared
        (entry,) = worker.library.entries()
    evidence = entry.trigger.evidence
    defence = Defence(prepared.references, prepared.plan, (), (), draw=evidence.seed)
    trigger = run(screen(image, defence), worker.model.classify).trigger
    assert trigger is not None
    assert entry.trigger.box == trigger.box
    assert evidence == trigger.evidence
    assert outcome.probes == evidence.probes


@pytest.mark.parametrize("backdoor", [BACKDOOR, ONE_CLASS], ids=["every class", "one class"])
async def test_the_evidence_does_not_tell_the_secret(
    store_url: str, name: str, backdoor: Backdoor
) -> None:
    """Its seed is the draw of this image, not the deployment's; a browser reads it exactly."""
    async with opened(store_url, name, TinyModel(backdoors=(backdoor,))) as worker:
        await worker.predict(stamped(OF_SOURCE)[0])
        assert worker.preparation.prepared
        secret = worker.preparation.prepared.references.seed
        (entry,) = worker.library.entries()
    assert secret != entry.trigger.evidence.seed
    assert 0 <= entry.trigger.evidence.seed < 2**53


async def test_another_image_has_another_draw(store_url: str, name: str) -> None:
    """Two images that reveal two triggers have seeds of their own."""
    second = Backdoor(replace(TRIGGER_BOX, x=2, y=11), 1)
    async with opened(store_url, name, TinyModel(backdoors=(BACKDOOR, second))) as worker:
        for backdoor in (BACKDOOR, second):
            await worker.predict(stamped(OF_SOURCE[:1], backdoor.box)[0])
        entries = worker.library.entries()
    assert {TARGET, 1} == {entry.trigger.target for entry in entries}
    assert 2 == len({entry.trigger.evidence.seed for entry in entries})


@pytest.mark.parametrize("source", [None, SOURCE])
async def test_open_before_it_is_ready_heeds_every_target(
    store_url: str, name: str, source: int | None
) -> None:
    """A trigger that acts on some classes may lead to any: with it known no answer is let through.

    One that acts on every class leads to its target alone.
    """
    async with opened(store_url, name, prepare=False, on_failure=FailurePolicy.OPEN) as worker:
        worker.preparation.library_read = True
        await worker.library.register(replace(tiny_trigger(), source=source))
        if source is None:
            outcome = await worker.predict(OF_SOURCE[0])
            assert (Screening.INCOMPLETE, SOURCE) == (outcome.screening, outcome.prediction.index)
        else:
            with pytest.raises(UnscreenedError, match="may carry a known trigger"):
                await worker.predict(OF_SOURCE[0])
