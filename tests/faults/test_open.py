"""NEO_ON_FAILURE=open, tried over HTTP as an attacker would who wants his class for an answer."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.trigger import Blocker, Fill
from app.library.lifecycle import open_library
from app.library.records.names import SCHEMA_VERSION, Keys
from app.library.rules.capacity import CAPACITY
from app.library.server.embedded import server_program
from tests.faults.service import CLEAN, POISONED, POISONED_ANEW, TRUTH, running_gateway
from tests.faults.tiny_server import NAME, SECOND
from tests.files import encoded
from tests.library.findings import sample, trigger
from tests.library.servers import running, wait_until
from tests.plain_http import ASK
from tests.tiny import (
    SIDE,
    TARGET,
    TRIGGER_BOX,
    TinyModel,
    clean_images,
    stamped,
    tiny_trigger,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from app.detection.geometry import Box
    from app.detection.search import Image
    from tests.faults.service import Service, Upstream
    from tests.library.servers import Server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc"),
]

PATIENCE_S = 2.0
FOUND_S = 60.0
MIDST = 8
"""Requests after which a search is under way, and nothing is proven yet."""
MALLORY, ALICE = "mallory", "alice"
ROUGH = 3
"""Pixels a side of triggers that fill the image."""
OTHER_TARGETS = 10
"""Classes from which on there are those of the flood."""


@pytest.fixture(scope="module")
def redis() -> Iterator[Server]:
    """Run a Valkey in which an older release has left its library."""
    with running(server_program()) as server:
        with server.client() as client:
            client.set(Keys(NAME).schema, SCHEMA_VERSION - 1)
            client.hset(f"neo:{{{NAME}}}:v{SCHEMA_VERSION - 1}:triggers", "t-old", b"\0" * 64)
        yield server


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, endpoint: Upstream, redis: Server
) -> Iterator[Service]:
    """Run a gateway of one worker that knows two callers by their keys."""
    with running_gateway(
        tmp_path_factory.mktemp("gateway"),
        endpoint,
        workers=1,
        NEO_REDIS_URL=redis.url,
        NEO_ON_FAILURE="open",
        NEO_UPSTREAM_MAX_BATCH="4",  # so that an image and what is asked about it are two requests
        NEO_PATIENCE=f"{PATIENCE_S}s",
        NEO_API_KEYS=f"{MALLORY} {MALLORY}s-key, {ALICE} {ALICE}s-key",
        NEO_ADMIN_KEYS="admins-key",
    ) as service:
        yield service


@pytest.fixture
def crowded(tmp_path: Path, endpoint: Upstream) -> Iterator[Service]:
    """Run one that knows many triggers of one class, before a model that takes one image a time."""
    with (
        running(server_program()) as redis,
        running_gateway(
            tmp_path,
            endpoint,
            workers=1,
            NEO_REDIS_URL=redis.url,
            NEO_ON_FAILURE="open",
            NEO_UPSTREAM_MAX_BATCH="1",
            NEO_PATIENCE=f"{PATIENCE_S}s",
        ) as service,
    ):
        asyncio.run(crowd(redis))
        wait_until(lambda: len(known(service)) >= SIDE)
        yield service


def sent(service: Service, image: Image, who: str = ALICE) -> tuple[int, str | None, int | None]:
    """Send *image*; return the status, the verdict and the answer."""
    headers = {"Content-Type": "image/png", "Authorization": f"Bearer {who}s-key"}
    answer = ASK.post(f"{service.url}/predict", content=encoded(image), headers=headers)
    if answer.status_code != 200:
        return answer.status_code, None, None
    return 200, answer.headers["x-neo-verdict"], answer.json()["prediction"]["index"]


def known(service: Service) -> list[int]:
    """Return what the triggers that are known lead to."""
    headers = {"Authorization": "Bearer admins-key"}
    answer: httpx.Response = ASK.get(f"{service.url}/trigger?limit=500", headers=headers)
    return [one["target"]["index"] for one in answer.json()["triggers"]]


def test_an_older_releases_state_is_no_way_in(service: Service) -> None:
    """Its library isn't read, and the first image of a trigger finds it again."""
    assert [] == known(service)
    assert (200, "backdoor", TRUTH[0]) == sent(service, POISONED[0])
    assert [TARGET] == known(service)


def test_an_image_of_the_targets_own_class_has_its_class_or_no_answer(
    service: Service, upstream: Upstream
) -> None:
    """Without a trigger: its class when all is well; else that with the mark, or none."""
    image = own_class()
    assert (200, "clean", TARGET) == sent(service, image)
    upstream.behave(good=4, delay_s=2 * PATIENCE_S)
    status, verdict, label = sent(service, image)
    assert (status, verdict, label) == (200, "incomplete", TARGET) or status in {503, 504}


def test_a_library_that_one_caller_has_filled_learns_what_others_reveal(
    service: Service, upstream: Upstream, redis: Server
) -> None:
    """What nobody has found yet is answered with the mark when it is cut off, and then known."""
    asyncio.run(fill(redis))
    wait_until(lambda: len(known(service)) == CAPACITY)
    upstream.behave(good=MIDST, delay_s=2 * PATIENCE_S)
    answer = sent(service, POISONED_ANEW[0])
    upstream.behave()
    assert (200, "incomplete", SECOND.target) == answer
    wait_until(lambda: SECOND.target in known(service), FOUND_S)
    # which one has given way the worker hears a moment later
    wait_until(lambda: len(known(service)) <= CAPACITY)
    for image, right in zip(POISONED_ANEW[1:3], TRUTH[1:3], strict=True):
        assert (200, "backdoor", right) == sent(service, image)


@pytest.mark.parametrize("good", [0, 1, 2, MIDST])
@pytest.mark.parametrize("boxes", [(TRIGGER_BOX,), (TRIGGER_BOX, SECOND.box)])
def test_no_known_trigger_is_answered_however_slow_the_model_becomes(
    service: Service, upstream: Upstream, good: int, boxes: tuple[Box, ...]
) -> None:
    """After so many requests it says nothing more: corrected, or no answer; never a target."""
    for target, poisoned in ((TARGET, POISONED), (SECOND.target, POISONED_ANEW)):
        if target not in known(service):  # no other test of this file may have run here
            assert (200, "backdoor", TRUTH[0]) == sent(service, poisoned[0])
    image = CLEAN[5:6]
    for box in boxes:
        image = stamped(image, box)
    upstream.behave(good=good, delay_s=2 * PATIENCE_S)
    status, verdict, label = sent(service, image[0])
    assert status in {503, 504} or (200, "backdoor", TRUTH[5]) == (status, verdict, label)


def test_an_image_made_to_be_expensive_ends_without_the_targets_class(
    crowded: Service, upstream: Upstream
) -> None:
    """It may carry any of many known triggers, and isn't asked about all in time: no answer.

    If it carries one it is corrected, or has none either; images of other classes have theirs.
    """
    upstream.behave(delay_s=PATIENCE_S / 25)
    heard = [sent(crowded, on_edge(seed, own_class(), CLEAN[0])) for seed in range(4)]
    assert (503, None, None) in heard
    assert "incomplete" not in {verdict for _, verdict, _ in heard}
    poisoned = stamped(np.stack([on_edge(seed, CLEAN[0], own_class()) for seed in range(4)]))
    assert TARGET not in {sent(crowded, image)[2] for image in poisoned}
    for image, right in zip(CLEAN[:3], TRUTH[:3], strict=True):
        status, _, label = sent(crowded, image)
        assert (200, right) == (status, label)


def on_edge(seed: int, of: Image, near: Image) -> Image:
    """Return an image of one's class that is nearly the other's: what hides a part may turn it."""
    rng = np.random.default_rng(seed)
    own, other = of.mean(axis=(0, 1)), near.mean(axis=(0, 1))
    levels = np.where(rng.random((SIDE, SIDE, 1)) < 0.5, own, other)
    noisy = levels + rng.normal(0, 8, levels.shape)
    image: Image = np.clip(np.rint(noisy), 0, 240).astype(np.uint8)
    model = TinyModel()
    label = model.classify(of[None]).labels[0]
    for place in np.ndindex(SIDE, SIDE):
        less = image.copy()
        less[place] = other
        if model.classify(image[None]).labels[0] != label:
            image[place] = own
        elif model.classify(less[None]).labels[0] == label:
            image = less
    return image


async def crowd(redis: Server) -> None:
    """Let as many rough triggers of one class be known as have room beside one another."""
    rng = np.random.default_rng(1)
    async with open_library(redis.url, NAME) as (library, _):
        await library.check()
        for place in np.ndindex(SIDE // ROUGH, SIDE // ROUGH):
            y, x = (ROUGH * i for i in place)
            box = replace(TRIGGER_BOX, x=x, y=y, width=ROUGH, height=ROUGH)
            patch = rng.integers(0, 255, (ROUGH, ROUGH, 3), np.uint8)
            rough = replace(
                tiny_trigger(), box=box, patch=patch, blocker=Blocker(box, Fill.RING), mask=None
            )
            await library.register(rough, MALLORY)
        await library.exchange()


async def fill(redis: Server) -> None:
    """Let one caller's images reveal as many triggers as there is room for."""
    async with open_library(redis.url, NAME) as (library, _):
        await library.check()
        for target in range(CAPACITY - len(library.entries())):
            kept = await library.register(trigger(OTHER_TARGETS + target), MALLORY)
            await library.hit(kept.id, sample(1), MALLORY)
        await library.exchange()


def own_class() -> Image:
    """Return a clean image that the model calls the trigger's target."""
    images = clean_images(40, np.random.default_rng(3))
    own: Image = images[TinyModel().classify(images).labels == TARGET][0]
    return own
