"""The model port against a real server."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from app.ports import (
    InputSize,
    OtherModelError,
    UpstreamStatusError,
    UpstreamUnreachableError,
)
from app.settings import InputSettings, Layout, Normalisation
from app.upstream.http.limits import Limits
from app.wire.tensors import TensorSpec
from tests.upstream.odd_server import OddServer, described, odd

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tests.upstream.conftest import Connect, Serve

IMAGES = np.random.default_rng(2).integers(0, 256, (23, 6, 5, 1), dtype=np.uint8)
LABEL = TensorSpec("label", "INT64", (-1,))
OUTPUT = {"name": "y", "datatype": "FP32"}


def first_pixels(batch: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
    """Score each image by its first three numbers: an answer that is nobody else's."""
    scores = batch.reshape(len(batch), -1)[:, :3]
    return {"label": scores.argmax(axis=1), "probabilities": scores}


EXPECTED = first_pixels(IMAGES.astype(np.float32))


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("datatype", ["FP32", "FP64", "UINT8"])
async def test_answers(serve: Serve, connect: Connect, datatype: str, *, binary: bool) -> None:
    """Every image gets its own scores, in binary and in JSON."""
    model = await connect(serve(first_pixels, datatype=datatype, binary=binary))

    answers = await model.answer(IMAGES)

    np.testing.assert_array_equal(answers.labels, EXPECTED["label"])
    np.testing.assert_array_equal(answers.scores, EXPECTED["probabilities"])
    assert (InputSize(6, 5, 1), 23, 1) == (model.size, model.asked, model.round_trips)


@pytest.mark.parametrize("binary", [True, False])
async def test_labels_only(serve: Serve, connect: Connect, *, binary: bool) -> None:
    """A model that gives class indices only is answered without scores."""
    model = await connect(serve(first_pixels, outputs=(LABEL,), binary=binary))

    answers = await model.answer(IMAGES)

    np.testing.assert_array_equal(answers.labels, EXPECTED["label"])
    assert answers.scores is None


async def test_channels_first(serve: Serve, connect: Connect) -> None:
    """A model that takes channels first, normalised, gets them so."""
    colours = np.random.default_rng(3).integers(0, 256, (4, 6, 5, 3), dtype=np.uint8)
    seen = []

    def predict(batch: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
        seen.append(batch)
        return first_pixels(batch)

    normalisation = Normalisation(1 / 255, (0.5, 0.4, 0.3), (0.2, 0.2, 0.2))
    model = await connect(serve(predict, shape=(3, 6, 5)), InputSettings(None, None, normalisation))
    await model.answer(colours)

    expected = (colours / 255 - [0.5, 0.4, 0.3]) / 0.2
    assert InputSize(6, 5, 3) == model.size
    np.testing.assert_allclose(seen[0], expected.transpose(0, 3, 1, 2), atol=1e-5)


@pytest.mark.parametrize(
    "limits", [Limits(batch_images=5), Limits(batch_bytes=5 * 30 * 4 + 1), Limits(batch_images=1)]
)
async def test_splitting(serve: Serve, connect: Connect, limits: Limits) -> None:
    """A large batch goes in parts, by count or by bytes, and each image gets its own answer."""
    sizes = []

    def predict(batch: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
        sizes.append(len(batch))
        return first_pixels(batch)

    model = await connect(serve(predict), None, limits)
    answers = await model.answer(IMAGES)

    np.testing.assert_array_equal(answers.scores, EXPECTED["probabilities"])
    most = limits.batch_images if limits.batch_images == 1 else 5
    assert sorted([most] * (23 // most) + ([3] if most == 5 else [])) == sorted(sizes)
    assert len(sizes) == model.round_trips


async def test_splitting_by_the_bytes_of_json(serve: Serve, connect: Connect) -> None:
    """In JSON a pixel of UINT8 counts as four bytes, not one."""
    url = serve(first_pixels, datatype="UINT8", binary=False)
    model = await connect(url, None, Limits(batch_bytes=4 * 30 * 8))

    await model.answer(IMAGES)

    assert 3 == model.round_trips


async def test_in_flight(serve: Serve, connect: Connect) -> None:
    """As many requests as allowed are at the upstream at once, never more, beside a check."""
    entered, arrived, release = [], threading.Semaphore(0), threading.Event()

    def predict(batch: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
        entered.append(len(batch))
        arrived.release()
        release.wait(timeout=20)
        return first_pixels(batch)

    model = await connect(serve(predict), None, Limits(batch_images=1, in_flight=3))
    calls = asyncio.gather(model.answer(IMAGES[:11]), model.answer(IMAGES[11:]))
    for _ in range(3):
        assert await asyncio.to_thread(arrived.acquire, timeout=10)
    # A fourth infer request would have the connection that is kept for the check.
    async with asyncio.timeout(10):
        await model.check()
    at_once = len(entered)
    release.set()
    halves = await calls

    assert (3, 23) == (at_once, len(entered))
    scores = np.concatenate([half.scores for half in halves if half.scores is not None])
    np.testing.assert_array_equal(scores, EXPECTED["probabilities"])


async def test_callers_at_once(serve: Serve, connect: Connect) -> None:
    """Of many callers at the same time each gets the answers to its own images."""
    model = await connect(serve(first_pixels), None, Limits(in_flight=4))

    answers = await asyncio.gather(*[model.answer(image[None]) for image in IMAGES])

    scores = np.concatenate([answer.scores for answer in answers])
    np.testing.assert_array_equal(scores, EXPECTED["probabilities"])


async def test_unknown_model(serve: Serve, connect: Connect) -> None:
    """A model that the server doesn't have is named by the server's own words."""
    model = await connect(serve(first_pixels), name="other one")

    with pytest.raises(UpstreamStatusError, match="404: there is no model 'other one'") as caught:
        await model.check()
    assert 404 == caught.value.status


async def test_size_by_the_settings(connect: Connect) -> None:
    """The size that the owner has set is known before the server is there."""
    size = InputSize(6, 5, 1)
    assert size == (await connect("http://127.0.0.1:9", InputSettings(size, Layout.NHWC))).size


async def test_size_unknown(connect: Connect) -> None:
    """Before the server has said it, the size is an error, not a guess."""
    with pytest.raises(UpstreamUnreachableError, match="hasn't said"):
        (await connect("http://127.0.0.1:9")).size  # noqa: B018


def answer(name: str, scores: NDArray[Any], **more: Any) -> dict[str, Any]:
    """Return an answer whose only output is *name*."""
    told = {"name": name, "datatype": "FP32", "shape": scores.shape, "data": scores.ravel()}
    return {"outputs": [told], **more}


@pytest.mark.parametrize("name", ["digits", "digits_1", "digits__isvc-6b2eb0b8bf", "else", None])
async def test_names_that_servers_decorate(connect: Connect, name: str | None) -> None:
    """The answer to our own request is ours, whatever it calls the model (Seldon, ModelMesh)."""
    server = OddServer(say=lambda scores: answer("y", scores, model_name=name))
    server.pages = described(-1, 6, 5, 1, outputs=[{**OUTPUT, "shape": [-1, 3]}])
    with odd(server) as url:
        answers = await (await connect(url)).answer(IMAGES)
    np.testing.assert_array_equal(EXPECTED["probabilities"], answers.scores)


@pytest.mark.parametrize(
    ("name", "classes", "reason"),
    [("z", 3, "has no output 'y', which its metadata"), ("y", 2, r"in the shape \(23, 2\), and")],
)
async def test_another_models_outputs(
    connect: Connect, name: str, classes: int, reason: str
) -> None:
    """Another output than the described one, or another number of classes, is another model's."""
    server = OddServer(say=lambda scores: answer(name, scores[:, :classes], model_name="digits"))
    server.pages = described(-1, 6, 5, 1, outputs=[{**OUTPUT, "shape": [-1, 3]}])
    with odd(server) as url:
        model = await connect(url)
        with pytest.raises(OtherModelError, match=reason):
            await model.answer(IMAGES)
    assert model.is_strange
