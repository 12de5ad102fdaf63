"""What a server takes in one request: told, learnt from what it refuses, and forgotten in time."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.ports import InputSize, UpstreamStatusError
from app.settings import InputSettings, Protocol
from app.upstream.capacity import HELD_S, Capacity, Lesson
from app.upstream.http.limits import Limits
from tests.upstream.odd_server import OddServer, described, first_pixels, odd

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from numpy.typing import NDArray

    from tests.upstream.conftest import Connect

IMAGES = np.random.default_rng(2).integers(0, 256, (23, 6, 5, 1), dtype=np.uint8)
TOLD = InputSettings(InputSize(6, 5, 1))
LIMITS = Limits(in_flight=1)


def more_than(count: int, status: int = 400) -> Callable[[NDArray[Any], int], int | None]:
    """Refuse requests of more than *count* images."""
    return lambda images, _: status if len(images) > count else None


@pytest.mark.parametrize(
    ("cap", "status", "sizes"),
    [
        (8, 400, [23, 12, 6, 6, 6, 5, *[6, 6, 6, 5]]),
        (8, 422, [23, 12, 6, 6, 6, 5, 23, 12, 6, 6, 6, 5, *[6, 6, 6, 5]]),
        (1, 400, [23, 12, 6, 3, 2, *[1] * 23, *[1] * 23]),
    ],
)
async def test_images_are_learnt(
    connect: Connect, caplog: pytest.LogCaptureFixture, cap: int, status: int, sizes: list[int]
) -> None:
    """What is refused is halved until it is taken; from then on no more is sent, and it is said.

    What may be a failure of the moment has to be seen twice. A server that takes one image at a
    time works as well.
    """
    server = OddServer(refuse=more_than(cap, status))
    with odd(server) as url, caplog.at_level(logging.WARNING):
        model = await connect(url, TOLD, LIMITS)
        while len(server.sizes) < len(sizes):
            answers = await model.answer(IMAGES)
            np.testing.assert_array_equal(first_pixels(IMAGES), answers.scores)
    assert sizes == server.sizes
    assert model.note is not None
    assert "set NEO_UPSTREAM_MAX_BATCH" in model.note
    assert [model.note] == [record.getMessage() for record in caplog.records]


async def test_bytes_are_learnt(connect: Connect) -> None:
    """From a 413 bytes are learnt: images that take more of them are fewer, whatever they show."""
    server = OddServer(
        predict=lambda images: images.reshape(len(images), -1)[:, :3],
        say=lambda scores: {"predictions": scores.tolist()},
        refuse=lambda _, size: 413 if size > 1500 else None,
    )
    dark, light = np.zeros_like(IMAGES), np.full_like(IMAGES, 255)
    with odd(server) as url:
        model = await connect(url, TOLD, LIMITS, protocol=Protocol.INSTANCES)
        await model.answer(dark)
        learnt = len(server.sizes)
        await model.answer(light)
        await model.answer(dark)
    assert [23, 12] == server.sizes[:2]
    assert {5, 3} == {*server.sizes[learnt:]}  # of white ones, too, none is refused
    assert "set NEO_UPSTREAM_MAX_BODY" in (model.note or "")


@pytest.mark.parametrize(
    ("configuration", "shape", "together"),
    [({"max_batch_size": 8}, (-1, 6, 5, 1), {8, 7}), ({"max_batch_size": 0}, (8, 6, 5, 1), {8})],
)
async def test_what_the_server_says(
    connect: Connect, configuration: dict[str, int], shape: tuple[int, ...], together: set[int]
) -> None:
    """Triton's max_batch_size is kept to; a batch of a fixed size is filled up. None is refused."""
    server = OddServer(refuse=lambda images, _: None if len(images) in together else 400)
    server.pages = described(*shape) | {"/v2/models/digits/config": configuration}
    with odd(server) as url:
        model = await connect(url, None, LIMITS)
        answers = await model.answer(IMAGES)
    np.testing.assert_array_equal(first_pixels(IMAGES), answers.scores)
    assert (together, 3) == ({*server.sizes}, len(server.sizes))
    assert "the model takes 8 images in one request, as its server says" == model.note


async def test_a_bad_image_teaches_nothing(connect: Connect) -> None:
    """A refusal that one image is the cause of ends as such, and the next batch is as large."""
    server = OddServer(
        refuse=lambda images, _: 400 if (images == 255).all((1, 2, 3)).any() else None
    )
    bad = IMAGES.copy()
    bad[20] = 255
    with odd(server) as url:
        model = await connect(url, TOLD, LIMITS)
        with pytest.raises(UpstreamStatusError, match="400"):
            await model.answer(bad)
        spent = len(server.sizes)
        await model.answer(IMAGES)
    assert spent <= 1 + 2 * 5
    assert [23] == server.sizes[spent:]
    assert model.note is None


async def test_a_server_that_refuses_everything(connect: Connect) -> None:
    """A refusal that isn't about the size costs as many requests as it can be halved."""
    server = OddServer(refuse=lambda _, __: 400)
    with odd(server) as url:
        model = await connect(url, TOLD, LIMITS)
        with pytest.raises(UpstreamStatusError, match="400"):
            await model.answer(IMAGES)
    assert [23, 12, 6, 3, 2, 1] == server.sizes


async def test_a_failure_of_the_moment_teaches_nothing(connect: Connect) -> None:
    """One 500 among good answers is made up for, and nothing is learnt from it."""
    failures = iter([500])
    server = OddServer(refuse=lambda _, __: next(failures, None))
    with odd(server) as url:
        model = await connect(url, TOLD, LIMITS)
        for _ in range(2):
            await model.answer(IMAGES)
    assert [23, 12, 11, 23] == server.sizes


def test_settings_hold_beside_what_is_learnt() -> None:
    """The least of what was told and learnt holds, for callers' own forms as well; never none."""
    above = Capacity(64, 1000, 10)
    below = Capacity(64, 1000, 100, above)
    assert (64, 10) == (above.most, below.most)
    below.take_note(Lesson(10, 5, 400, 0))
    assert (64, 5) == (above.most, below.most)
    above.take_note(Lesson(60, 30, 413, 600))
    assert (30, 3) == (above.most, below.most)
    assert 1 == Capacity(64, 10, 100).most


def test_nothing_holds_for_ever() -> None:
    """After an hour more is tried again."""
    now = [0.0]
    capacity = Capacity(64, clock=lambda: now[0])
    capacity.take_note(Lesson(2, 1, 400, 0))
    assert (1, True) == (capacity.most, capacity.note is not None)
    now[0] = HELD_S
    assert (64, None) == (capacity.most, capacity.note)


@pytest.mark.parametrize(("most", "told"), [(100, True), (None, False), (100_000, False)])
async def test_a_limit_below_one_image(
    connect: Connect, caplog: pytest.LogCaptureFixture, most: int | None, *, told: bool
) -> None:
    """It is said once in the log and in `/readyz`; the image is sent all the same."""
    limits = Limits() if most is None else Limits(batch_bytes=most)
    with odd(OddServer()) as url, caplog.at_level(logging.WARNING):
        model = await connect(url, TOLD, limits)
        answers = await model.answer(IMAGES[:2])
    np.testing.assert_array_equal(first_pixels(IMAGES[:2]), answers.scores)
    said = [record.getMessage() for record in caplog.records]
    assert ([model.note] if told else []) == said
    assert not told or "NEO_UPSTREAM_MAX_BODY leaves 100 for images" in said[0]
