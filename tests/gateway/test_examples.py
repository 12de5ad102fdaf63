"""Reference images before and after a trigger is stamped on them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.detection.recognising.stamping import stamp
from app.gateway.outcome import UnscreenedError
from app.ports import UpstreamUnreachableError
from tests.gateway.opened import innocents, opened
from tests.tiny import TARGET, TRIGGER_BOX, stamped, tiny_trigger

POISONED = stamped(innocents(3))


async def test_a_discovered_trigger_is_reproduced(store_url: str, name: str) -> None:
    """Stamped on clean references, what was found makes the model say its target."""
    async with opened(store_url, name) as worker:
        for image in POISONED:
            await worker.predict(image)
        (entry,) = worker.library.entries()
        examples = await worker.gateway.examples(entry)
        again = await worker.gateway.examples(entry)
    assert 8 == len(examples.clean) == len(examples.stamped) == len(examples.clean_answers)
    assert TARGET not in examples.clean_answers.labels
    assert [TARGET] * 8 == examples.stamped_answers.labels.tolist()
    assert (examples.clean == again.clean).all()
    elsewhere = examples.clean != examples.stamped
    elsewhere[:, TRIGGER_BOX.rows, TRIGGER_BOX.columns] = False
    assert not elsewhere.any()


async def test_without_references_there_are_none(store_url: str, name: str) -> None:
    """While the references are being calibrated there is nothing to stamp a trigger on."""
    async with opened(store_url, name, prepare=False) as worker:
        entry = await worker.library.register(tiny_trigger())
        with pytest.raises(UnscreenedError, match="no references yet"):
            await worker.gateway.examples(entry)


async def test_without_the_upstream_there_are_none(store_url: str, name: str) -> None:
    """The model's answers are part of an example, so without it there is an error."""
    async with opened(store_url, name) as worker:
        entry = await worker.library.register(tiny_trigger())
        worker.model.failure = UpstreamUnreachableError("no connection")
        with pytest.raises(UpstreamUnreachableError):
            await worker.gateway.examples(entry)


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        (None, [[255, 255], [255, 255]]),
        ([[True, False], [False, False]], [[255, 0], [0, 0]]),
        ([[False, False], [False, False]], [[255, 255], [255, 255]]),
    ],
    ids=["unknown", "known", "translucent"],
)
def test_only_the_triggers_own_pixels_are_stamped(
    mask: list[list[bool]] | None, expected: list[list[int]]
) -> None:
    """The mask says which pixels are the trigger's; without one the whole box is."""
    trigger = replace(tiny_trigger(channels=1), mask=None if mask is None else np.array(mask))
    images = np.zeros((2, 16, 16, 1), np.uint8)
    for image in stamp(trigger, images):
        assert expected == image[TRIGGER_BOX.rows, TRIGGER_BOX.columns, 0].tolist()
        assert image.sum() == np.sum(expected)
    assert not images.any()
