"""Tensors that callers send: what they show, and that they go upstream as they came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from app.detection.geometry import Box
from app.detection.origins import FOREIGN, WHOLE, within
from app.ports import ArrivalError, Caller, InputSize
from app.settings import InputSettings, Layout, Normalisation, Protocol
from app.wire.bf16 import narrowed, widened
from app.wire.tensors import DATATYPES, UNTYPED, TensorSpec
from tests.served_apps import running
from tests.upstream.odd_server import OddServer, described, first_pixels, odd

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from starlette.requests import Request

    from tests.upstream.conftest import Connect, Serve

SIZE = InputSize(6, 5, 3)
IMAGES = np.random.default_rng(2).integers(0, 256, (4, 6, 5, 3), dtype=np.uint8)
IMAGENET = Normalisation(1 / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


class Model:
    """Keeps what it is asked."""

    def __init__(self) -> None:
        self.seen: list[NDArray[Any]] = []

    def __call__(self, batch: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
        """Score each image by its first three numbers."""
        self.seen.append(batch)
        scores = batch.reshape(len(batch), -1)[:, :3]
        return {"label": scores.argmax(axis=1), "probabilities": scores}


def spec(shape: tuple[int, ...], datatype: str = "FP32", name: str = "input") -> TensorSpec:
    """Describe a caller's batch of four."""
    return TensorSpec(name, datatype, (4, *shape))


@pytest.mark.parametrize("layout", [Layout.NHWC, Layout.NCHW])
async def test_normalised_tensor(serve: Serve, connect: Connect, layout: Layout) -> None:
    """A normalised tensor shows its pixels, and goes upstream bit by bit as it came."""
    shape = (6, 5, 3) if layout is Layout.NHWC else (3, 6, 5)
    upright = (IMAGES / 255 - np.array(IMAGENET.mean)) / np.array(IMAGENET.std)
    tensor = upright if layout is Layout.NHWC else upright.transpose(0, 3, 1, 2)
    sent = np.ascontiguousarray(tensor, np.float32) + np.float32(1e-4)
    asked = Model()
    model = await connect(serve(asked, shape=shape), InputSettings(normalisation=IMAGENET))

    arrivals = await model.arrivals(spec(shape), sent)
    await model.answer(arrivals[1].image[None], Caller(arrival=arrivals[1], origins=[WHOLE]))

    np.testing.assert_array_equal(IMAGES, [arrival.image for arrival in arrivals])
    np.testing.assert_array_equal(sent[1:2], asked.seen[0])


async def test_transplants_are_in_the_tensors_own_space(serve: Serve, connect: Connect) -> None:
    """A part of a tensor on another image keeps its own numbers; the rest are those of pixels."""
    asked = Model()
    model = await connect(serve(asked, shape=(6, 5, 3)), InputSettings(normalisation=IMAGENET))
    plain = (IMAGES / 255 - np.array(IMAGENET.mean)) / np.array(IMAGENET.std)
    sent = plain.astype(np.float32) + np.float32(1e-4)
    (arrival, *_) = await model.arrivals(spec((6, 5, 3)), sent)

    same = np.repeat(arrival.image[None], 2, axis=0)  # as another image may be, by its levels
    origins = [within([Box(0, 0, 2, 2)]), FOREIGN]
    await model.answer(same, Caller(arrival=arrival, origins=origins))
    await model.answer(same[:1])

    (pasted, foreign), (plainly,) = asked.seen
    np.testing.assert_array_equal(sent[0, :2, :2], pasted[:2, :2])
    np.testing.assert_array_equal(plainly[2:], pasted[2:])
    np.testing.assert_array_equal(plainly, foreign)


SMALL = np.array([1e-40, -1e-40, 1e-30, 1e-320], np.float64)
"""What FP32 can't hold in full, and what it can."""


@pytest.mark.parametrize(
    ("datatype", "expected"), [("FP32", [0, 0, 1e-30, 0]), ("FP64", [0, 0, 1e-30, 0])]
)
async def test_subnormal_numbers(
    serve: Serve, connect: Connect, datatype: str, expected: list[float]
) -> None:
    """A number too small for a model to hold is 0, to the model as well."""
    asked, dtype = Model(), DATATYPES[datatype]
    model = await connect(serve(asked, shape=(6, 5, 3), datatype=datatype))
    sent = IMAGES.astype(dtype)
    sent[0, 0, 0], sent[0, 0, 1, 0] = SMALL[:3], SMALL[3]
    (arrival, *_) = await model.arrivals(spec((6, 5, 3), datatype), sent)
    await model.answer(arrival.image[None], Caller(arrival=arrival, origins=[WHOLE]))
    seen = asked.seen[0][0, 0]
    assert np.array(expected, dtype).tolist() == [*seen[0].tolist(), seen[1, 0]]


async def test_halves_own_small_numbers(serve: Serve, connect: Connect) -> None:
    """FP16's small numbers are common in normalised images, and go as they came."""
    asked = Model()
    model = await connect(serve(asked, shape=(6, 5, 3), datatype="FP16"))
    sent = IMAGES.astype(np.float16)
    sent[0, 0, 0, 0] = np.float16(1e-7)
    (arrival, *_) = await model.arrivals(spec((6, 5, 3), "FP16"), sent)
    await model.answer(arrival.image[None], Caller(arrival=arrival, origins=[WHOLE]))
    np.testing.assert_array_equal(sent[:1], asked.seen[0])


@pytest.mark.parametrize("layout", [Layout.NHWC, Layout.NCHW])
@pytest.mark.parametrize("datatype", ["FP16", "FP32"])
async def test_the_range_is_each_channels_own(
    serve: Serve, connect: Connect, datatype: str, layout: Layout
) -> None:
    """Black and white as anybody's arithmetic has them are taken, and no more of any channel."""
    shape = (6, 5, 3) if layout is Layout.NHWC else (3, 6, 5)
    asked = serve(Model(), shape=shape, datatype=datatype)
    model = await connect(asked, InputSettings(normalisation=IMAGENET))
    dtype = DATATYPES[datatype]
    ends = ((np.array([[0], [1]]) - np.array(IMAGENET.mean)) / np.array(IMAGENET.std)).astype(dtype)
    upright = np.stack([np.broadcast_to(end, (6, 5, 3)) for end in [*ends, *ends]])
    sent = upright if layout is Layout.NHWC else upright.transpose(0, 3, 1, 2)
    shown = await model.arrivals(spec(shape, datatype), np.ascontiguousarray(sent))
    assert [0, 255, 0, 255] == [int(one.image.max()) for one in shown]
    beyond = np.array(upright)
    beyond[1, 0, 0, 0] = ends[1, 1]  # white to the second channel is beyond white to the first
    sent = beyond if layout is Layout.NHWC else beyond.transpose(0, 3, 1, 2)
    with pytest.raises(
        ArrivalError, match=r"image 1 .* -2\.11\d+ to 2\.2\d+, -2\.03\d+ to 2\.4\d+,"
    ):
        await model.arrivals(spec(shape, datatype), np.ascontiguousarray(sent))


@pytest.mark.parametrize("number", [-1, 256, -(2**31), 2**31 - 1])
async def test_whole_numbers_beyond_pixels(serve: Serve, connect: Connect, number: int) -> None:
    """Whole numbers have the same range."""
    model = await connect(serve(Model(), shape=(6, 5, 3), datatype="INT32"))
    sent = IMAGES.astype(np.int32)
    sent[3, 0, 0, 0] = number
    with pytest.raises(ArrivalError, match=r"image 3 .* outside"):
        await model.arrivals(spec((6, 5, 3), "INT32"), sent)


async def test_whole_pixels_need_no_tensor(serve: Serve, connect: Connect) -> None:
    """What the pixels say exactly is known by them, so that it shares batches with all others."""
    model = await connect(serve(Model(), shape=(6, 5, 3)))
    arrivals = await model.arrivals(spec((6, 5, 3)), IMAGES.astype(np.float32))
    assert [None] * 4 == [arrival.row for arrival in arrivals]
    np.testing.assert_array_equal(IMAGES, [arrival.image for arrival in arrivals])


async def test_two_forms_at_once(serve: Serve, connect: Connect) -> None:
    """Behind a server that says nothing each caller's own type and layout is honoured."""
    asked = Model()
    url = serve(asked, shape=(3, 6, 5), datatype="UINT8")
    model = await connect(url, InputSettings(SIZE, datatype="UINT8"), protocol=Protocol.OIP)
    planar = np.ascontiguousarray(IMAGES.transpose(0, 3, 1, 2))
    arrivals = await model.arrivals(spec((3, 6, 5), "UINT8"), planar)
    await model.answer(arrivals[0].image[None], Caller(arrival=arrivals[0]))
    np.testing.assert_array_equal(planar[:1], asked.seen[0])


@pytest.mark.parametrize(
    ("described", "values", "reason"),
    [
        (spec((6, 5, 3), "FP64"), IMAGES.astype(np.float64), "takes 'input' FP32"),
        (spec((5, 6, 3)), IMAGES.reshape(4, 5, 6, 3).astype(np.float32), "[-1, 6, 5, 3]"),
        (spec((90,)), IMAGES.reshape(4, 90).astype(np.float32), "takes 'input' FP32"),
        (spec((6, 5, 3), name="x"), IMAGES.astype(np.float32), "not 'x' FP32"),
        (spec((6, 5, 3)), np.where(IMAGES < 9, np.nan, IMAGES).astype(np.float32), "finite"),
        (spec((6, 5, 3)), np.where(IMAGES > 9, np.inf, IMAGES).astype(np.float32), "finite"),
        (spec((6, 5, 3)), IMAGES.astype(np.float32) - 256, "image 0 of the tensor 'input'"),
        (spec((6, 5, 3)), IMAGES.astype(np.float32) + 256, "pixels 0 to 255 are 0 to 255"),
    ],
)
async def test_tensor_that_the_model_does_not_take(
    serve: Serve, connect: Connect, described: TensorSpec, values: NDArray[Any], reason: str
) -> None:
    """What isn't as the server has described its input is refused, with what it should be."""
    model = await connect(serve(Model(), shape=(6, 5, 3)))
    with pytest.raises(ArrivalError) as caught:
        await model.arrivals(described, values)
    assert reason in str(caught.value)


class TestUndescribed:
    """Behind a server that says nothing of its input."""

    @pytest.fixture
    async def model(self, connect: Connect) -> Any:
        """Open a server of `instances`, which isn't asked here."""
        return await connect("http://127.0.0.1:9", InputSettings(SIZE), protocol=Protocol.INSTANCES)

    @pytest.mark.parametrize("shape", [(6, 5, 3), (3, 6, 5), (90,)])
    async def test_any_layout_of_the_size(self, model: Any, shape: tuple[int, ...]) -> None:
        """Images of the model's size are taken in any layout."""
        planar = shape == (3, 6, 5)
        values = (IMAGES.transpose(0, 3, 1, 2) if planar else IMAGES).reshape(4, *shape)
        arrivals = await model.arrivals(spec(shape, UNTYPED, ""), values)
        np.testing.assert_array_equal(IMAGES, [arrival.image for arrival in arrivals])
        assert {"FP64"} == {arrival.spec.datatype for arrival in arrivals}

    @pytest.mark.parametrize("shape", [(5, 6, 3), (6, 5, 1), (89,), (), (2, 3, 3, 5)])
    async def test_other_sizes(self, model: Any, shape: tuple[int, ...]) -> None:
        """Tensors that hold no images of the model's size are refused."""
        values = np.zeros((4, *shape), np.float64)
        with pytest.raises(ArrivalError):
            await model.arrivals(spec(shape, UNTYPED, ""), values)

    async def test_forms_without_end(self, model: Any) -> None:
        """Callers can't fill the memory with ever new names."""
        for i in range(40):
            values = IMAGES.astype(np.float32)
            await model.arrivals(spec((6, 5, 3), "FP32", f"x{i}"), values)
        assert 16 == len(model._agreement._own)  # noqa: SLF001


async def test_pictures_model_takes_whole_levels(connect: Connect) -> None:
    """A model of picture files takes tensors of whole levels, and refuses what lies between."""
    settings = InputSettings(SIZE, datatype="BYTES")
    model = await connect("http://127.0.0.1:9", settings, protocol=Protocol.IMAGE)
    values = IMAGES.astype(np.float32)
    arrivals = await model.arrivals(spec((6, 5, 3)), values)
    assert [None] * 4 == [arrival.spec for arrival in arrivals]
    with pytest.raises(ArrivalError, match="whole numbers"):
        await model.arrivals(spec((6, 5, 3)), values + np.float32(0.5))


async def test_integers_from_plain_json(connect: Connect) -> None:
    """A model of whole numbers isn't given halves."""
    settings = InputSettings(SIZE, datatype="UINT8")
    model = await connect("http://127.0.0.1:9", settings, protocol=Protocol.INSTANCES)
    arrivals = await model.arrivals(spec((6, 5, 3), UNTYPED, ""), IMAGES.astype(np.int64))
    np.testing.assert_array_equal(IMAGES, [arrival.image for arrival in arrivals])
    with pytest.raises(ArrivalError, match="whole numbers"):
        await model.arrivals(spec((6, 5, 3), UNTYPED, ""), IMAGES + 0.5)


async def _undescribed(request: Request) -> Response:
    """Answer as a server of the protocol that says nothing of its model, which takes FP32."""
    if request.method == "GET":
        return Response(b'{"name": "digits"}')
    tensor = orjson.loads(await request.body())["inputs"][0]
    if tensor["datatype"] != "FP32":
        return Response(b'{"error": "FP32, please"}', 400)
    output = {"name": "y", "datatype": "INT64", "shape": [1], "data": [3]}
    return Response(orjson.dumps({"outputs": [output]}))


UNDESCRIBED = Starlette(routes=[Route("/{path:path}", _undescribed, methods=["GET", "POST"])])


async def test_callers_form_that_the_server_refuses(connect: Connect) -> None:
    """What a server that says nothing of its input dislikes is the caller's fault, not its own."""
    with running(UNDESCRIBED) as url:
        model = await connect(url, InputSettings(SIZE))
        (arrival, *_) = await model.arrivals(spec((6, 5, 3), "INT32"), IMAGES.astype(np.int32))
        with pytest.raises(ArrivalError, match=r"^the model server refuses it \(400\)$"):
            await model.answer(arrival.image[None], Caller(arrival=arrival))
        assert [3] == (await model.answer(arrival.image[None])).labels.tolist()


async def test_plain_json_in_front_of_a_typed_server(connect: Connect) -> None:
    """Numbers without a type get the one that the owner has named, or the usual one."""
    with running(UNDESCRIBED) as url:
        model = await connect(url, InputSettings(SIZE))
        (arrival, *_) = await model.arrivals(spec((6, 5, 3), UNTYPED, ""), IMAGES.astype(float))
        answers = await model.answer(arrival.image[None], Caller(arrival=arrival))
    assert [3] == answers.labels.tolist()


async def test_bf16(connect: Connect) -> None:
    """A model of BF16 gets its own two bytes, of pictures and of callers' tensors."""
    server = OddServer(predict=lambda images: first_pixels(widened(images)))
    server.pages = described(-1, 6, 5, 3, datatype="BF16")
    server.pages["/v2"] = {"extensions": ["binary_tensor_data"]}
    with odd(server) as url:
        model = await connect(url, InputSettings(normalisation=IMAGENET))
        answers = await model.answer(IMAGES)
        sent = narrowed((IMAGES / 255 - np.array(IMAGENET.mean)) / np.array(IMAGENET.std))
        shown = await model.arrivals(spec((6, 5, 3), "BF16", "x"), sent)
        np.testing.assert_array_equal(IMAGES, np.stack([one.image for one in shown]))
        assert [None] * len(IMAGES) == [one.row for one in shown]
        sent[1, 0, 0, 0] = narrowed(np.array([1.0]))[0]
        odd_one = (await model.arrivals(spec((6, 5, 3), "BF16", "x"), sent))[1]
        told = await model.answer(odd_one.image[None], Caller(arrival=odd_one, origins=[WHOLE]))
        sent[1, 0, 0, 0] = narrowed(np.array([9.0]))[0]
        with pytest.raises(ArrivalError, match=r"image 1 .* outside"):
            await model.arrivals(spec((6, 5, 3), "BF16", "x"), sent)
    assert answers.scores is not None
    assert told.scores is not None
    np.testing.assert_array_equal(first_pixels(widened(sent))[2:], answers.scores[2:])
    assert 1.0 == told.scores[0, 0]
