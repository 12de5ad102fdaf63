"""POST /predict: a picture in three forms, and every bad one."""

from __future__ import annotations

import base64
import gzip
import zlib
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest

from app.ports import (
    UpstreamAnswerError,
    UpstreamError,
    UpstreamStatusError,
    UpstreamTimeoutError,
    UpstreamUnreachableError,
)
from tests.files import animated, encoded, huge_png, noise
from tests.tiny import TinyModel, clean_images
from tests.web.served import MAX_BODY, Served, assert_problem, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, MutableMapping

IMAGES = clean_images(12, np.random.default_rng(2))
PNG = {"Content-Type": "image/png"}


async def test_answer_is_the_contracts(served: Served) -> None:
    """The answer has the fields of the contract and the model's own prediction."""
    image = IMAGES[served.model.classify(IMAGES).labels == 1][0]
    said = served.model.classify(image[None])
    assert said.scores is not None
    predicted = {
        "label": "green",
        "index": 1,
        "score": pytest.approx(said.scores[0, 1]),
    }
    response = await served.http.post(
        "/predict", content=encoded(image), headers=PNG | {"X-Request-Id": "r-1"}
    )
    assert 200 == response.status_code
    assert "application/json" == response.headers["content-type"]
    assert "clean" == response.headers["x-neo-verdict"]
    assert {
        "prediction": predicted,
        "backdoor": False,
        "upstream_prediction": predicted,
        "trigger_id": None,
        "screening": "off",
        "probes": 1,
        "model": "tiny",
        "request_id": "r-1",
    } == response.json()


async def test_class_without_a_name_is_its_index(served: Served) -> None:
    """The label of a class beyond the names is its index as text."""
    image = IMAGES[served.model.classify(IMAGES).labels == 3][0]
    response = await served.http.post("/predict", content=encoded(image), headers=PNG)
    assert "3" == response.json()["prediction"]["label"]


async def test_score_is_null_where_the_model_gives_none() -> None:
    """A model that answers labels alone has predictions without a score."""
    async with serving(TinyModel(scored=False), labels=None) as served:
        response = await served.http.post("/predict", content=encoded(IMAGES[0]), headers=PNG)
    index = int(served.model.classify(IMAGES[:1]).labels[0])
    assert {"label": str(index), "index": index, "score": None} == response.json()["prediction"]


@pytest.mark.parametrize("content_type", ["image/png", "image/jpeg", "image/x-whatever; a=b"])
async def test_format_is_told_from_the_content(served: Served, content_type: str) -> None:
    """Any image type will do: the bytes say what they are."""
    response = await served.http.post(
        "/predict", content=encoded(IMAGES[0], "WEBP"), headers={"Content-Type": content_type}
    )
    assert 200 == response.status_code


async def test_all_three_forms_give_the_same_prediction(served: Served) -> None:
    """The body itself, a form's file and base64 in JSON are the same picture."""
    body = encoded(IMAGES[1])
    text = base64.b64encode(body).decode()
    responses = [
        await served.http.post("/predict", content=body, headers=PNG),
        await served.http.post("/predict", files={"file": body}, data={"note": "ignored"}),
        await served.http.post("/predict", json={"image": text}),
    ]
    assert [200] * 3 == [response.status_code for response in responses]
    assert 1 == len({str(response.json()["prediction"]) for response in responses})


FORMS: tuple[dict[str, Any], ...] = (
    {"content": encoded(IMAGES[1]), "headers": PNG},
    {"files": {"file": encoded(IMAGES[1])}, "data": {"note": "ignored"}},
    {"json": {"image": base64.b64encode(encoded(IMAGES[1])).decode()}},
)
"""One picture in all three forms."""


@pytest.mark.parametrize("form", FORMS, ids=["body", "form", "JSON"])
@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)]
)
async def test_packed_upload(
    served: Served, encoding: str, pack: Callable[[bytes], bytes], form: dict[str, Any]
) -> None:
    """Each form may come packed; another coding is refused by its name."""
    plain = httpx.Request("POST", "http://gateway/predict", **form)
    headers = {"Content-Type": plain.headers["content-type"]}
    prediction = (await served.http.post("/predict", **form)).json()["prediction"]
    packed = await served.http.post(
        "/predict", content=pack(plain.read()), headers=headers | {"Content-Encoding": encoding}
    )
    assert prediction == packed.json()["prediction"]
    refused = await served.http.post(
        "/predict", content=plain.read(), headers=headers | {"Content-Encoding": "br"}
    )
    assert_problem(refused, 415, "'br' is not taken; gzip and deflate are")
    assert "gzip, deflate" == refused.headers["accept-encoding"]


async def test_grey_model_takes_a_coloured_picture() -> None:
    """A picture in colour, of another size, is answered by a model that takes grey."""
    async with serving(TinyModel(channels=1)) as served:
        response = await served.http.post("/predict", content=encoded(noise()), headers=PNG)
    assert 200 == response.status_code


async def test_large_picture_is_decoded_like_a_small_one() -> None:
    """A picture that is decoded in a thread is answered as its small version is."""
    async with serving(max_body=10_000_000) as served:
        large = np.full((600, 600, 3), (40, 180, 40), dtype=np.uint8)
        response = await served.http.post("/predict", content=encoded(large), headers=PNG)
    assert "green" == response.json()["prediction"]["label"]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"", 422, "the picture is empty: 0 bytes"),
        (encoded(noise(), "JPEG")[:1000], 422, "the picture is broken"),
        (b"a text file called .png\n", 422, "not a readable picture"),
        (huge_png(), 422, "at most 1,000,000 are taken"),
        (huge_png(1001, 1001), 422, "1,001 x 1,001 pixels; at most 1,000,000 are taken"),
        (animated("GIF"), 415, "GIF is not taken; send PNG, JPEG, WebP and BMP"),
    ],
)
async def test_bad_picture_is_refused_and_the_model_not_asked(
    served: Served, body: bytes, status: int, said: str
) -> None:
    """Each bad picture has its status and its reason, in any of the three forms."""
    asked, text = served.model.asked, base64.b64encode(body).decode()
    forms: tuple[dict[str, Any], ...] = (
        {"content": body, "headers": PNG},
        {"files": {"file": body}},
        {"json": {"image": text}},
    )
    for form in forms:
        assert_problem(await served.http.post("/predict", **form), status, said)
    assert asked == served.model.asked


async def chunks(count: int, sent: list[int] | None = None) -> AsyncIterator[bytes]:
    """Yield *count* pieces of 10,000 bytes; note in *sent* which were taken."""
    for i in range(count):
        if sent is not None:
            sent.append(i)
        yield bytes(10_000)


@pytest.mark.parametrize(
    "content_type", ["image/png", "application/json", "multipart/form-data; boundary=x"]
)
async def test_announced_body_that_is_too_large_is_refused(
    served: Served, content_type: str
) -> None:
    """One byte more than allowed is refused by the announced size."""
    response = await served.http.post(
        "/predict", content=bytes(MAX_BODY + 1), headers={"Content-Type": content_type}
    )
    assert_problem(response, 413, "at most 100,000 bytes are taken")


async def test_chunked_body_that_is_too_large_is_not_read_whole(served: Served) -> None:
    """Chunks without an announced size are counted, and reading stops at the limit."""
    sent: list[int] = []
    response = await served.http.post("/predict", content=chunks(100, sent), headers=PNG)
    assert_problem(response, 413, "at most 100,000 bytes are taken")
    assert 11 == len(sent)


async def test_body_of_just_the_largest_size_is_read(served: Served) -> None:
    """A body of exactly the limit isn't too large: here it's merely no picture."""
    response = await served.http.post("/predict", content=bytes(MAX_BODY), headers=PNG)
    assert_problem(response, 422, "not a readable picture")


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (UpstreamUnreachableError("no connection to the model"), 502),
        (UpstreamStatusError(500, "out of memory"), 502),
        (UpstreamAnswerError("3 answers to 4 images"), 502),
        (UpstreamTimeoutError("no answer within 2 s"), 504),
    ],
)
async def test_upstream_failures_are_answered(
    served: Served, failure: UpstreamError, status: int
) -> None:
    """Each way in which the model fails has its status, and its own words."""
    served.model.failure = failure
    response = await served.http.post("/predict", content=encoded(IMAGES[0]), headers=PNG)
    assert_problem(response, status, str(failure))


async def test_client_that_leaves_early_gets_no_prediction(served: Served) -> None:
    """A body that ends before its time is never taken for a picture."""
    messages = [{"type": "http.request", "body": encoded(IMAGES[0]), "more_body": True}]
    asked, statuses = served.model.asked, []

    async def receive() -> dict[str, Any]:
        return messages.pop() if messages else {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        statuses.append(message.get("status"))

    request = httpx.Request("POST", "http://gateway/predict", headers=PNG)
    await served.app(_scope(request), receive, send)
    assert 400 == statuses[0]
    assert asked == served.model.asked


def _scope(request: httpx.Request) -> dict[str, Any]:
    return {
        "type": "http",
        "method": request.method,
        "path": request.url.path,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "query_string": b"",
    }
