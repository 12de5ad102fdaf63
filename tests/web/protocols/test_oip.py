"""/v2: what a client of a model server gets from the gateway instead."""

from __future__ import annotations

import base64
import gzip
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import pytest_asyncio

from app.settings import InputSettings, Normalisation, Resize, Strategy
from app.wire.reading import HEADER_LENGTH, read
from app.wire.writing import Message, Written, write
from tests.files import encoded
from tests.tiny import SIDE, TARGET
from tests.web.drop_in import CLEAN, MODEL, NAME, POISONED, Placed, placed, predict
from tests.web.protocols.oip_client import INFER, asked, infer, tensors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx
    from numpy.typing import NDArray

MIXED = np.concatenate([CLEAN[:2], POISONED[2:3], CLEAN[3:4], POISONED[4:6]])
FLAGS = [False, False, True, False, True, True]
RIGHT = MODEL.classify(CLEAN).labels


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def place() -> AsyncIterator[Placed]:
    """Run one model and one gateway for all these tests."""
    async with placed() as running:
        yield running


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False])
async def test_clean_images(place: Placed, *, binary_in: bool, binary_out: bool) -> None:
    """The outputs for clean images are the model server's own, bit by bit, with a flag beside."""
    message = asked(CLEAN, binary=binary_in, id="7", parameters={"binary_data_output": binary_out})
    direct = await infer(place.upstream, message)
    response = await infer(place.gateway, message)
    own, ours = tensors(direct), tensors(response)
    assert ["scores", "label", "backdoor"] == list(ours)
    for name, values in own.items():
        assert values.dtype == ours[name].dtype
        np.testing.assert_array_equal(values, ours[name])
    assert [False] * len(CLEAN) == ours["backdoor"].tolist()
    head = read(response.content, response.headers.get(HEADER_LENGTH)).fields
    assert (NAME, "1", "7") == (head["model_name"], head["model_version"], head["id"])
    assert binary_out is (HEADER_LENGTH in response.headers)


async def test_what_a_head_says_is_said_of_its_own_images(place: Placed) -> None:
    """The same JSON again is before other images; before fewer bytes it is as wrong as ever."""
    first, second = (asked(CLEAN[i : i + 1], binary=True) for i in (0, 1))
    assert first.parts[0] == second.parts[0]
    own = [tensors(await infer(place.upstream, one))["scores"] for one in (first, second)]
    ours = [tensors(await infer(place.gateway, one))["scores"] for one in (first, second, first)]
    np.testing.assert_array_equal([own[0], own[1], own[0]], ours)

    short = Message(first.headers, (first.parts[0], memoryview(first.parts[1])[:-1]))
    refused = await infer(place.gateway, short)
    assert 400 == refused.status_code
    assert "of the 3071 bytes that are left should be its own" in refused.json()["error"]


async def test_poisoned_rows_are_sanitised(place: Placed) -> None:
    """Each image of a batch is judged on its own: poisoned ones' rows have the right class."""
    response = await infer(place.gateway, asked(MIXED, binary=True))
    ours = tensors(response)
    assert FLAGS == ours["backdoor"].tolist()
    assert RIGHT.tolist() == ours["scores"].argmax(axis=1).tolist()
    assert RIGHT.tolist() == ours["label"][:, 0].tolist()
    assert "0,0,1,0,1,1" == response.headers["x-neo-backdoor"]
    assert "clean,clean,backdoor,clean,backdoor,backdoor" == response.headers["x-neo-verdict"]
    untouched = ~np.array(FLAGS)
    np.testing.assert_array_equal(
        predict(MIXED.astype(np.float32))["scores"][untouched], ours["scores"][untouched]
    )


@pytest.mark.parametrize("binary", [True, False])
async def test_picture_files(place: Placed, *, binary: bool) -> None:
    """BYTES are picture files, raw in binary and base64 in JSON, in lines, too; of any size."""
    large = np.repeat(np.repeat(CLEAN[1], 2, axis=0), 2, axis=1)
    files = [encoded(MIXED[2]), encoded(large, "BMP")]
    texts = np.array([file if binary else base64.encodebytes(file) for file in files], object)
    message = write({}, "inputs", [Written("picture", texts, binary)])
    ours = tensors(await infer(place.gateway, message))
    assert [True, False] == ours["backdoor"].tolist()
    assert [RIGHT[2], RIGHT[1]] == ours["label"][:, 0].tolist()


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("X-GZIP", gzip.compress),
        ("identity, gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda body: zlib.compress(body, wbits=-15)),
        ("", bytes),
    ],
)
async def test_packed_request(place: Placed, encoding: str, pack: Any) -> None:
    """A compressed request counts its header on the unpacked body, as Triton's clients do."""
    message = asked(CLEAN, binary=True)
    headers = {**message.headers, "Content-Encoding": encoding}
    response = await place.gateway.post(
        INFER, content=pack(b"".join(message.parts)), headers=headers
    )
    assert RIGHT.tolist() == tensors(response)["label"][:, 0].tolist()


@pytest.mark.parametrize(
    ("encoding", "body", "status", "said"),
    [
        ("gzip", b"not gzip", 400, "not gzip"),
        ("gzip", gzip.compress(b"{}", mtime=0)[:-4], 400, "not one whole gzip"),
        ("gzip", gzip.compress(b"{}", mtime=0) + b"more", 400, "not gzip"),
        ("gzip", gzip.compress(bytes(400_000)), 413, "too large"),
        ("br", b"x", 415, "'br' is not taken"),
    ],
)
async def test_bad_packing(
    place: Placed, encoding: str, body: bytes, status: int, said: str
) -> None:
    """What can't be unpacked, or becomes too large by it, is refused."""
    response = await place.gateway.post(INFER, content=body, headers={"Content-Encoding": encoding})
    assert status == response.status_code
    assert said in response.json()["error"]


async def raw(client: httpx.AsyncClient, body: bytes) -> httpx.Response:
    """Send a raw binary request: no JSON, the body is the input."""
    headers = {HEADER_LENGTH: "0", "Content-Type": "application/octet-stream"}
    return await client.post(INFER, content=body, headers=headers)


async def test_raw_request(place: Placed) -> None:
    """The whole body is the one input, of as many images as it has; the outputs are raw as well."""
    response = await raw(place.gateway, MIXED.astype("<f4").tobytes())
    assert HEADER_LENGTH in response.headers
    assert FLAGS == tensors(response)["backdoor"].tolist()
    assert RIGHT.tolist() == tensors(response)["label"][:, 0].tolist()


@pytest.mark.parametrize(
    ("body", "said"),
    [(b"", "0 bytes"), (b"x" * 3071, "each image has 3072"), (b"x" * 3076, "each image has 3072")],
)
async def test_raw_request_that_is_no_batch(place: Placed, body: bytes, said: str) -> None:
    """Bytes that are no whole images are refused with what one has."""
    response = await raw(place.gateway, body)
    assert 400 == response.status_code
    assert said in response.json()["error"]


async def test_file_that_is_no_picture(place: Placed) -> None:
    """A BYTES tensor with something else in it is refused like any upload."""
    message = write({}, "inputs", [Written("f", np.array([b"nothing"], object), binary=True)])
    response = await infer(place.gateway, message)
    assert 422 == response.status_code
    assert "not a readable picture" in response.json()["error"]


@pytest.mark.parametrize(
    ("headers", "content"),
    [
        ({}, b"".join(asked(POISONED).parts)),
        ({}, b"{}"),
        ({"Content-Encoding": "br"}, b"x"),
        ({"X-Request-Id": "r-1"}, bytes(400_000)),
    ],
)
async def test_both_ways_in_are_one(place: Placed, headers: dict[str, str], content: bytes) -> None:
    """A path that is answered before the framework answers as the framework would."""
    hot = await place.gateway.post(INFER, content=content, headers=headers)
    other = INFER.replace("/infer", "/versions/1/infer")
    cold = await place.gateway.post(other, content=content, headers=headers)
    assert (hot.status_code, hot.content) == (cold.status_code, cold.content)
    volatile = {"server-timing"} | ({"x-request-id"} - {name.lower() for name in headers})
    told = [
        {name: value for name, value in response.headers.items() if name not in volatile}
        for response in (hot, cold)
    ]
    assert told[0] == told[1]
    assert hot.headers["x-request-id"]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
async def test_numbers_that_are_none(place: Placed, bad: float) -> None:
    """NaN and infinity in raw bytes are refused."""
    image = CLEAN[:1].astype(np.float32)
    image[0, 0, 0, 0] = bad
    response = await infer(place.gateway, asked(image, binary=True))
    assert 400 == response.status_code
    assert "finite" in response.json()["error"]


@pytest.mark.parametrize(
    "path", ["/v2/models/other", "/v2/models/other/infer", "/v2/models/tiny/versions/9/infer"]
)
async def test_other_model(place: Placed, path: str) -> None:
    """Another model or version is a 404 in the protocol's own form."""
    method = "POST" if path.endswith("infer") else "GET"
    response = await place.gateway.request(method, path, content=b"{}")
    assert 404 == response.status_code
    assert response.json()["error"].startswith("there is no ")


async def test_unknown_path(place: Placed) -> None:
    """A path that isn't served is a 404 in the protocol's own form, too."""
    response = await place.gateway.get(f"/v2/models/{NAME}/trace/setting")
    assert ({"error": "Not Found"}, 404) == (response.json(), response.status_code)


async def test_health(place: Placed) -> None:
    """The gateway lives, is ready, and so is the model."""
    for path in ("health/live", "health/ready", f"models/{NAME}/ready"):
        assert 200 == (await place.gateway.get(f"/v2/{path}")).status_code
    assert {"live": True} == (await place.gateway.get("/v2/health/live")).json()
    ready = await place.gateway.get(f"/v2/models/{NAME}/versions/1/ready")
    assert {"name": NAME, "ready": True} == ready.json()
    for ask in (place.gateway.get, place.gateway.head):
        assert 404 == (await ask(f"/v2/models/{NAME}/versions/9/ready")).status_code


async def test_metadata(place: Placed) -> None:
    """The model's metadata are the server's, and the flag is one more output."""
    own = (await place.upstream.get(f"/v2/models/{NAME}")).json()
    ours = (await place.gateway.get(f"/v2/models/{NAME}")).json()
    flag = {"name": "backdoor", "datatype": "BOOL", "shape": [-1]}
    assert own | {"outputs": [*own["outputs"], flag]} == ours
    assert "binary_tensor_data" in (await place.gateway.get("/v2")).json()["extensions"]


async def test_normalised_tensors() -> None:
    """Clients that normalise are served: the trigger is found in the tensor's own numbers."""
    settings = InputSettings(normalisation=Normalisation(1 / 255, (0.5,), (0.25,)))

    def normalised(batch: NDArray[Any]) -> dict[str, NDArray[Any]]:
        return predict((batch * 0.25 + 0.5) * 255)

    async with placed(input_settings=settings, model={"predict": normalised}) as place:
        sent = (MIXED.astype(np.float32) / 255 - 0.5) / 0.25 + np.float32(1e-5)
        ours = tensors(await infer(place.gateway, asked(sent, binary=True)))
        own = tensors(await infer(place.upstream, asked(sent[:2], binary=True)))
    assert FLAGS == ours["backdoor"].tolist()
    assert RIGHT.tolist() == ours["label"][:, 0].tolist()
    np.testing.assert_array_equal(own["scores"], ours["scores"][:2])


async def test_plain_proxy() -> None:
    """With the strategy `off` everything is the model's own, poisoned images too."""
    async with placed(Strategy.OFF) as place:
        ours = tensors(await infer(place.gateway, asked(POISONED, binary=True)))
    assert [TARGET] * len(POISONED) == ours["label"][:, 0].tolist()
    assert not ours["backdoor"].any()


async def test_keys() -> None:
    """Once keys are set infer and metadata need one, and health doesn't."""
    async with placed(Strategy.OFF, api_keys=("k",)) as place:
        refused = await infer(place.gateway, asked(CLEAN))
        metadata = await place.gateway.get(f"/v2/models/{NAME}")
        health = await place.gateway.get("/v2/health/ready")
        taken = await infer(place.gateway, asked(CLEAN), Authorization="Bearer k")
    assert [401, 401, 200, 200] == [
        response.status_code for response in (refused, metadata, health, taken)
    ]
    assert "send a valid key" in refused.json()["error"]
    assert "Bearer" == refused.headers["www-authenticate"]


async def test_upstream_that_fails() -> None:
    """A fault of the model server is a 502 in the protocol's own form."""
    async with placed(Strategy.OFF, model={"predict": _broken}) as place:
        response = await infer(place.gateway, asked(CLEAN))
    assert 502 == response.status_code
    assert "500" in response.json()["error"]


def _broken(_: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Fail."""
    raise ArithmeticError


@pytest.mark.parametrize("resize", [Resize.STRETCH, Resize.CROP])
async def test_pictures_are_fitted_as_the_owner_says(resize: Resize) -> None:
    """A picture that is too wide is answered for its middle where it is cropped, else for all."""
    wide = np.pad(CLEAN[0], ((0, 0), (SIDE, SIDE), (0, 0)))
    async with placed(Strategy.OFF, resize=resize) as place:
        response = await place.gateway.post(
            "/predict", content=encoded(wide), headers={"Content-Type": "image/png"}
        )
    score = predict(CLEAN[:1].astype(np.float32))["scores"].max()
    answered = response.json()["prediction"]["score"]
    assert (resize is Resize.CROP) is bool(abs(answered - score) < 1e-6)
