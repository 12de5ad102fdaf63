"""A trigger in the library that is none."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np

from app.detection.geometry import Box
from app.detection.trigger import Blocker, Fill
from app.gateway.predict import Gateway
from app.gateway.visit import Visit
from app.library.lifecycle import open_library
from app.ports import Arrival
from app.settings import Strategy
from tests.gateway.opened import START_S, policy, preparing
from tests.library.clocks import Clock
from tests.library.servers import eventually
from tests.tiny import TARGET, TinyModel, clean_images, tiny_trigger

PLACE = Box(4, 8, 4, 4)


async def test_it_changes_no_clean_prediction_and_expires(store_url: str, name: str) -> None:
    """A piece of a clean image, planted as a trigger, corrects nobody and is gone after a day."""
    model, clock = TinyModel(), Clock()
    images = clean_images(40, np.random.default_rng(13))
    said = model.classify(images).labels.tolist()
    piece = images[said.index(TARGET)][PLACE.rows, PLACE.columns]
    false = replace(tiny_trigger(), box=PLACE, patch=piece, blocker=Blocker(PLACE, Fill.RING))

    async with open_library(store_url, name, clock=clock, store_clock=clock) as (library, store):
        preparation = preparing(model, library, store)
        gateway = Gateway(model, library, preparation, policy(strategy=Strategy.FULL))
        async with preparation.running():
            await eventually(lambda: preparation.prepared is not None, START_S)
            await library.register(false)
            outcomes = [await gateway.predict(Visit(Arrival(image))) for image in images]
        assert said == [outcome.prediction.index for outcome in outcomes]
        assert {False} == {outcome.backdoor for outcome in outcomes}
        assert [0] == [entry.hits for entry in library.entries()]

        clock.forward(timedelta(days=1))
        await eventually(lambda: not library.entries())
