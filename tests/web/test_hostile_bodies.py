"""Bodies made to break the gateway: a clear 4xx each, within little memory, and it goes on."""

from __future__ import annotations

import base64
import gzip
import json
import struct
import tracemalloc
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from app.wire.reading import HEADER_LENGTH
from tests.files import encoded, huge_png, png_chunk, png_with
from tests.tiny import SIDE
from tests.web.drop_in import CLEAN, placed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.web.drop_in import Placed

MAX_BODY = 1_000_000
INFER = "/v2/models/tiny/infer"
PREDICT = "/v1/models/tiny:predict"
FORM = {"Content-Type": "multipart/form-data; boundary=b"}
JSON = {"Content-Type": "application/json"}
PNG = {"Content-Type": "image/png"}
DEEP = 100_000
TEXTS = 3 * struct.pack("<I", 0)


@pytest.fixture
async def place() -> AsyncIterator[Placed]:
    """Run a gateway that takes a megabyte."""
    async with placed(max_body=MAX_BODY) as running:
        yield running


def tensor(**changes: Any) -> dict[str, Any]:
    """Return an input of one image, with *changes*."""
    usual = {"name": "input", "datatype": "FP32", "shape": [1, SIDE, SIDE, 3]}
    return usual | changes


def raw(value: float = 0.0, **changes: Any) -> tuple[bytes, dict[str, str]]:
    """Return the body and the headers of one image in bytes, all of it *value*."""
    tail = np.full((SIDE, SIDE, 3), value, "<f4").tobytes()
    told = tensor(parameters={"binary_data_size": len(tail)}, **changes)
    body = json.dumps({"inputs": [told]}).encode()
    return body + tail, {HEADER_LENGTH: str(len(body))}


def texts(tail: bytes, count: int) -> tuple[bytes, dict[str, str]]:
    """Return the body and the headers of so many pictures in *tail*."""
    size = {"binary_data_size": len(tail)}
    told = tensor(datatype="BYTES", shape=[count], parameters=size)
    body = json.dumps({"inputs": [told]}).encode()
    return body + tail, {HEADER_LENGTH: str(len(body))}


def inputs(*tensors: dict[str, Any], **others: Any) -> tuple[bytes, dict[str, str]]:
    """Return the body and the headers of a request in JSON."""
    return json.dumps({"inputs": tensors, **others}).encode(), JSON


def image() -> dict[str, Any]:
    """Return an input that is in order."""
    return tensor(data=CLEAN[0].ravel().tolist())


def deep(before: bytes, after: bytes = b"}") -> tuple[bytes, dict[str, str]]:
    """Return JSON with a value of great depth between *before* and *after*."""
    return before + DEEP * b"[" + DEEP * b"]" + after, JSON


INFERENCES = {
    "2,000 inputs": (inputs(*2000 * [tensor(data=[1])]), 400, "at most 1000"),
    "10,000 outputs": (
        inputs(image(), outputs=10_000 * [{"name": "scores"}]),
        400,
        "at most 64 are answered",
    ),
    "no inputs": (inputs(), 400, "exactly one input"),
    "a shape of many axes": (inputs(tensor(shape=10_000 * [2**62], data=[1])), 400, "axes"),
    "a shape that overflows": (raw(shape=[1, 2**62, 2**62, 3]), 400, "came in the shape"),
    "a negative shape": (raw(shape=[1, -16, -16, 3]), 400, "came in the shape"),
    "an image too many": (raw(shape=[2, SIDE, SIDE, 3]), 400, "came in the shape"),
    "a small type": (raw(datatype="FP16"), 400, "came in the shape"),
    "an unknown type": (raw(datatype="BF32"), 400, "datatype isn't known"),
    "another type": (raw(datatype="INT32"), 400, "the model takes"),
    "NaN": (raw(float("nan")), 400, "not finite numbers"),
    "infinity": (raw(float("-inf")), 400, "not finite numbers"),
    "a lying length": ((raw()[0], {HEADER_LENGTH: "99999999"}), 400, HEADER_LENGTH),
    "a negative length": ((raw()[0], {HEADER_LENGTH: "-1"}), 400, HEADER_LENGTH),
    "a length of many digits": ((raw()[0], {HEADER_LENGTH: "9" * 5000}), 400, HEADER_LENGTH),
    "gigabytes of a text": (texts(struct.pack("<I", 2**32 - 1) + b"x", 1), 400, "longer than"),
    "more texts": (texts(TEXTS, 2), 400, "more than 2 values"),
    "fewer texts": (texts(TEXTS, 4), 400, "3 values came"),
    "empty texts": (texts(TEXTS, 3), 422, "empty"),
    "100,000 pictures": (texts(100_000 * TEXTS[:4], 100_000), 400, "more pictures"),
    "1e999": ((b'{"inputs": [{"data": [1e999]}]}', JSON), 400, "the number at character 22 is too"),
    "deep data": (deep(b'{"inputs": [{"data": ', b"}]}"), 400, "not JSON"),
    "deep parameters": (deep(b'{"inputs": [], "parameters": '), 400, "not JSON"),
    "not even JSON": ((b"\xff\xfe" * 1000, JSON), 400, "not JSON"),
    "texts": (inputs(tensor(data=["x" * 100_000, *768 * "y"])), 400, "another type"),
    "empty lists": ((b'{"inputs": [{"data": [' + 300_000 * b"[]," + b"1]}]}", JSON), 400, "empty"),
    "empty lists before bytes": (
        (b'{"inputs": [' + 300_000 * b"[]," + b"1]}", {HEADER_LENGTH: str(900_015)}),
        400,
        "empty",
    ),
    "objects": ((b'{"inputs": [' + 300_000 * b"{}," + b"{}]}", JSON), 400, "more strings"),
    "ragged data": (inputs(tensor(data=[[1.0], 2.0])), 400, "ragged"),
    "a huge integer": (inputs(tensor(data=[10**400, *767 * [0]])), 400, ""),
}


@pytest.mark.parametrize(("sent", "status", "said"), INFERENCES.values(), ids=INFERENCES)
async def test_inference_that_lies(
    place: Placed, sent: tuple[bytes, dict[str, str]], status: int, said: str
) -> None:
    """Each lie is refused in the protocol's own form, which says what is wrong in few words."""
    body, headers = sent
    response = await place.gateway.post(INFER, content=body, headers=headers)
    assert status == response.status_code, response.text
    assert said in response.json()["error"]
    assert len(response.content) < 2000


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (deep(b'{"instances": ')[0], "not JSON"),
        (b'{"instances": ["' + 500_000 * b"x" + b'"' + 1000 * b',"y"' + b"]}", "is not base64"),
        (b'{"instances": [' + 300_000 * b"[]," + b"[]]}", "empty lists"),
        (b'{"instances": [' + 200_000 * b"[ ]," + b"[]]}", "empty lists"),
        (b'{"instances": [' + 20_000 * b"[]," + b"[]]}", "the model takes"),
        (b'{"instances": [' + 300_000 * b"{}," + b"{}]}", "more strings and objects"),
        (b'{"instances": [' + 300_000 * b'"",' + b'""]}', "more strings and objects"),
        (b'{"instances": [' + 20_000 * b"{}," + b"{}]}", "exactly one input"),
        (b'{"instances": [' + 900 * b'{"a":' + b"1" + 900 * b"}" + b"]}", "no input 'a'"),
        (b'{"instances": ' + 40 * b"[" + b"1" + 40 * b"]" + b"}", "more than 32 deep"),
        (b'{"instances": [1e999]}', "the number at character 15 is too large"),
        (b'{"instances": [[[1]], [1]]}', "ragged"),
        (b'{"instances": [' + 400 * b"9" + b"]}", ""),
    ],
)
async def test_instances_that_lie(place: Placed, body: bytes, said: str) -> None:
    """Each lie is refused in the protocol's own form."""
    response = await place.gateway.post(PREDICT, content=body, headers=JSON)
    assert 400 == response.status_code, response.text
    assert said in response.json()["error"]
    assert len(response.content) < 2000


def field(text: bytes) -> bytes:
    """Return a form with one field, which is no file."""
    return b'--b\r\nContent-Disposition: form-data; name="\xff"\r\n\r\n' + text + b"\r\n--b--"


UPLOADS = {
    "deep": (deep(b'{"image": ')[0], JSON),
    "many values": (b'{"image": "", "a": [' + 300_000 * b"[]," + b"1]}", JSON),
    "deep beside": (deep(b'{"image": "", "a": ')[0], JSON),
    "two of a name": (b'{"image": "AAAA", "image": 5}', JSON),
    "not only letters": (b'{"image": "\xc3\xa9"}', JSON),
    "no picture": (b'{"image": "' + 900_000 * b"A" + b'"}', JSON),
    "a number": (b'{"image": 1e999}', JSON),
    "many headers": (b"--b\r\n" + 100_000 * b"A: b\r\n" + b"\r\nx\r\n--b--", FORM),
    "many fields": (
        100 * b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n' + b"--b--",
        FORM,
    ),
    "no end": (b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\nx', FORM),
    "no boundary": (b"x", {"Content-Type": "multipart/form-data"}),
    "a long text": (field(b"x" * 10_000), FORM),
    "an odd boundary": (b"x", {"Content-Type": 'multipart/form-data; boundary="\\"'}),
    "a long boundary": (b"x", {"Content-Type": f"multipart/form-data; boundary={'b' * 71}"}),
    **{
        f"{charset} of {len(text)} bytes": (
            field(text),
            {"Content-Type": f"multipart/form-data; charset={charset}; boundary=b"},
        )
        for charset in ("idna", "punycode", "undefined", "utf-16", "utf-7", "none-such")
        for text in (b"\xff", b"xn--" + b"a" * 8000, b"xn--" + b"a" * 900_000)
    },
    "a header of pixels": (huge_png(), PNG),
    "chunks": (png_with(b"", 8, 8, 50_000 * png_chunk(b"abCd", b"")), PNG),
}


@pytest.mark.parametrize(("body", "headers"), UPLOADS.values(), ids=UPLOADS)
async def test_upload_that_lies(place: Placed, body: bytes, headers: dict[str, str]) -> None:
    """Each lie is refused with a problem that says why."""
    response = await place.gateway.post("/predict", content=body, headers=headers)
    assert 422 == response.status_code, response.text
    assert response.json()["detail"]


BOMB = bytes(20_000_000)


@pytest.mark.parametrize(
    ("encoding", "body", "status", "said"),
    [
        ("gzip", gzip.compress(BOMB), 413, "too large"),
        ("deflate", zlib.compress(BOMB), 413, "too large"),
        ("gzip", gzip.compress(gzip.compress(BOMB)), 400, "not JSON"),
        ("gzip, gzip", gzip.compress(gzip.compress(BOMB)), 415, "is not taken"),
        ("gzip", gzip.compress(b"{}", mtime=0) + b"{}", 400, "is not gzip"),
        ("gzip", 5000 * gzip.compress(b"", mtime=0), 400, "not one whole gzip"),
        ("gzip", 200 * gzip.compress(BOMB[:200_000], mtime=0), 413, "too large"),
        ("deflate", 2 * zlib.compress(b"{}"), 400, "not one whole deflate"),
        ("gzip", gzip.compress(b"{}", mtime=0)[:-1], 400, "not one whole gzip"),
        ("gzip", b"{}", 400, "is not gzip"),
        ("br", b"{}", 415, "is not taken"),
        ("zstd", b"{}", 415, "is not taken"),
        ("x" * 5000, b"{}", 415, "is not taken"),
    ],
)
@pytest.mark.parametrize("path", [INFER, PREDICT, "/predict"])
async def test_packed_body(  # noqa: PLR0913, PLR0917  # what is sent and what comes back
    place: Placed, path: str, encoding: str, body: bytes, status: int, said: str
) -> None:
    """What unpacks to 20 MB is never unpacked beyond the limit; chains and halves are refused."""
    tracemalloc.start()
    try:
        headers = JSON | {"Content-Encoding": encoding}
        response = await place.gateway.post(path, content=body, headers=headers)
        answer = response.json()
        if "detail" in answer and said == "not JSON":  # a picture is wanted there
            status = 422
        assert status == response.status_code, response.text
        assert said in answer.get("error", answer.get("detail"))
        assert ("accept-encoding" in response.headers) == (status == 415)
        assert len(response.content) < 2000
        assert tracemalloc.get_traced_memory()[1] < 6 * MAX_BODY
    finally:
        tracemalloc.stop()


async def test_packed_body_grows_a_hundredfold_at_most() -> None:
    """What few bytes become is bounded by them, not by the largest body alone."""
    gigantic = gzip.compress(b" " * 5_000_000)
    async with placed(max_body=10_000_000) as place:
        for body, status in ((gigantic, 413), (gzip.compress(b" " * 1_000_000), 400)):
            response = await place.gateway.post(
                PREDICT, content=body, headers={"Content-Encoding": "gzip"}
            )
            assert status == response.status_code, response.text


@pytest.mark.parametrize("path", [INFER, PREDICT, "/predict"])
async def test_announced_gigabytes_are_refused_unread(place: Placed, path: str) -> None:
    """An announced length is believed: nothing of such a body is read."""
    headers = JSON | {"Content-Length": str(3 * 1024**3)}
    response = await place.gateway.post(path, content=b"{}", headers=headers)
    assert 413 == response.status_code


async def test_gateway_goes_on_afterwards(place: Placed) -> None:
    """After each kind of lie an honest request is answered as ever."""
    for body, headers in (sent for sent, _, _ in INFERENCES.values()):
        assert 500 > (await place.gateway.post(INFER, content=body, headers=headers)).status_code
    honest = {"inputs": [image()]}
    assert 200 == (await place.gateway.post(INFER, json=honest)).status_code
    picture = {"image": base64.b64encode(encoded(CLEAN[0])).decode()}
    assert 200 == (await place.gateway.post("/predict", json=picture)).status_code
