"""The picture in a request: in each form and under each type, and what is none."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest

from tests.files import animated, encoded
from tests.tiny import clean_images
from tests.web.served import Served, assert_problem

IMAGES = clean_images(12, np.random.default_rng(2))
PNG = {"Content-Type": "image/png"}


@pytest.mark.parametrize("content_type", ["text/plain", "video/png"])
async def test_other_content_types_are_refused(served: Served, content_type: str) -> None:
    """A body of another content type is refused, and the message says what to send."""
    headers = {"Content-Type": content_type}
    response = await served.http.post("/predict", content=encoded(IMAGES[0]), headers=headers)
    assert_problem(response, 415, "send the picture as image/png")


UNTOLD = [
    {},
    {"Content-Type": ""},
    {"Content-Type": "Application/Octet-Stream; a=b"},
    {"Content-Type": "application/x-image"},
    {"Content-Type": "application/x-www-form-urlencoded"},
]
"""None, and those that say nothing of the body: the last are SageMaker's, and curl's for any."""


@pytest.mark.parametrize("headers", UNTOLD)
@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "BMP"])
async def test_body_without_a_type_is_told_from_its_content(
    served: Served, headers: dict[str, str], file_format: str
) -> None:
    """Each format that is taken is known by its beginning, and JSON by its brace."""
    body = encoded(IMAGES[1], file_format)
    text = json.dumps({"image": base64.b64encode(body).decode()}, indent=1)
    told = [
        await served.http.post("/predict", content=content, headers=said)
        for content, said in ((body, PNG), (body, headers), (f"\n  {text}", headers))
    ]
    assert [200] * 3 == [response.status_code for response in told]
    assert 1 == len({str(response.json()["prediction"]) for response in told})


@pytest.mark.parametrize("headers", UNTOLD)
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "is not taken for what is no picture; send the picture as image/png"),
        (b"words", "is not taken for what is no picture; send the picture as image/png"),
        (b"<svg/>", "is not taken for what is no picture; send the picture as image/png"),
        (animated("GIF"), "GIF is not taken; send PNG, JPEG, WebP and BMP"),
    ],
)
async def test_no_other_body_is_taken_without_a_type(
    served: Served, headers: dict[str, str], body: bytes, said: str
) -> None:
    """What isn't told by its beginning has no type, and other formats stay refused."""
    response = await served.http.post("/predict", content=body, headers=headers)
    assert_problem(response, 415, said)


async def test_base64_as_clients_write_it(served: Served) -> None:
    """In lines, of the other alphabet, unpadded or in a data URL it is the same picture."""
    text = base64.encodebytes(encoded(IMAGES[1])).decode()
    bare = text.replace("\n", "").translate({ord("+"): "-", ord("/"): "_"}).rstrip("=")
    told = [
        await served.http.post("/predict", json={"image": one})
        for one in (text, bare, f"data:image/png;base64,{text}")
    ]
    assert [200] * 3 == [response.status_code for response in told]
    assert 1 == len({str(response.json()["prediction"]) for response in told})


@pytest.mark.parametrize(
    "content_type", ["text/json", "text/plain;charset=UTF-8", "application/vnd.a.b+json", ""]
)
async def test_json_by_other_names(served: Served, content_type: str) -> None:
    """Browsers call a text plain; JSON of a kind of its own is JSON, with a mark before it, too."""
    text = json.dumps({"image": base64.b64encode(encoded(IMAGES[1])).decode()}).encode()
    for body in (text, b"\xef\xbb\xbf" + text):
        headers = {"Content-Type": content_type}
        response = await served.http.post("/predict", content=body, headers=headers)
        assert 200 == response.status_code, response.text


@pytest.mark.parametrize(
    ("coding", "body", "status"),
    [
        ("Base64", base64.encodebytes(encoded(IMAGES[1])), 200),
        ("binary", encoded(IMAGES[1]), 200),
        ("base64", b"not base64!", 422),
        ("base64", encoded(IMAGES[1]), 422),
    ],
)
async def test_a_forms_file_in_base64(
    served: Served, coding: str, body: bytes, status: int
) -> None:
    """A part may say that it is base64, as in a mail; then it is nothing else."""
    disposition = b'Content-Disposition: form-data; name="file"; filename="x.png"'
    head = b"%b\r\nContent-Transfer-Encoding: %b" % (disposition, coding.encode())
    form = b"--b\r\n%b\r\n\r\n%b\r\n--b--\r\n" % (head, body)
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    response = await served.http.post("/predict", content=form, headers=headers)
    assert status == response.status_code, response.text


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the body is not JSON"),
        (b'{"image": ', "the body is not JSON"),
        (b"\xff\xfe", "the body is not JSON"),
        (b"[1, 2]", 'the JSON must be {"image": "<base64>"}'),
        (b"{}", 'the JSON must be {"image": "<base64>"}'),
        (b'{"image": 7}', 'the JSON must be {"image": "<base64>"}'),
        (b'{"image": "not base64!"}', "'image' is not base64"),
        (b'{"image": "AAAAA"}', "'image' is not base64"),
        (b'{"image": "data:image/png,AAAA"}', "a data URL must say ;base64"),
        ('{"image": "Ünïcode"}'.encode(), "'image' is not base64"),
        (b'{"image": ""}', "the picture is empty"),
    ],
)
async def test_bad_json_is_refused(served: Served, body: bytes, said: str) -> None:
    """JSON that is broken, of another shape, or without base64 in it is refused."""
    headers = {"Content-Type": "application/json; charset=utf-8"}
    assert_problem(await served.http.post("/predict", content=body, headers=headers), 422, said)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"files": [("file", b"1"), ("file", b"2")]}, "one named 'file'; it has 2"),
        ({"files": {"a": b"1", "b": b"2"}}, "exactly one file, or one named 'file'; it has 2"),
        ({"files": {"picture": (None, b"1")}}, "exactly one file, or one named 'file'; it has 0"),
        ({"files": {"file": (None, b"1")}}, "'file' is text; send it as a file"),
        ({"files": [(f"f{i}", b"1") for i in range(17)]}, "the form can't be read: Too many files"),
    ],
)
async def test_bad_form_is_refused(served: Served, form: dict[str, Any], said: str) -> None:
    """Forms with two files, none, text instead of a file, or too many parts are refused."""
    assert_problem(await served.http.post("/predict", **form), 422, said)


@pytest.mark.parametrize(
    "others",
    [{}, {"file": (None, b"a text")}, {"mask": ("", b"")}],
    ids=["alone", "beside a text", "beside a field without a file"],
)
async def test_only_file_of_a_form_may_have_any_name(
    served: Served, others: dict[str, Any]
) -> None:
    """Clients call it image, picture, upload: there is no other it could be."""
    picture = ("eight.png", encoded(IMAGES[1]))
    response = await served.http.post("/predict", files={"image": picture, **others})
    assert 200 == response.status_code, response.text
    named = await served.http.post("/predict", files={"file": picture, "mask": ("m", b"1")})
    assert response.json()["prediction"] == named.json()["prediction"]


@pytest.mark.parametrize(
    "parameters",
    ["boundary=b", 'Boundary="b"', "charset=utf-8; boundary=b", "boundary=b ; charset=utf-16"],
)
async def test_form_is_read_as_utf_8(served: Served, parameters: str) -> None:
    """Whatever charset a form says, the names in it are UTF-8, and its file is the picture."""
    disposition = 'Content-Disposition: form-data; name="file"; filename="Bäume, 木.png"'
    body = b"--b\r\n%b\r\n\r\n%b\r\n--b--\r\n" % (disposition.encode(), encoded(IMAGES[1]))
    headers = {"Content-Type": f"multipart/form-data; {parameters}"}
    response = await served.http.post("/predict", content=body, headers=headers)
    assert 200 == response.status_code, response.text


@pytest.mark.parametrize("body", [b"", b"--x\r\n", b"no boundary at all"])
@pytest.mark.parametrize("parameter", ["; boundary=x", ""])
async def test_broken_form_is_refused(served: Served, body: bytes, parameter: str) -> None:
    """A form that isn't one is refused."""
    headers = {"Content-Type": f"multipart/form-data{parameter}"}
    assert_problem(await served.http.post("/predict", content=body, headers=headers), 422, "form")
