"""A picture for `/predict` as common clients send it: each gets what the model says of it."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp
import httpx
import pytest
import requests
import urllib3

from tests.conformance.answers import CLIENTS
from tests.files import encoded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conformance.samples import Batch
    from tests.faults.service import Service

pytestmark = pytest.mark.parametrize("dialect", ["triton"], indirect=True)

DISPOSITION = 'Content-Disposition: form-data; name="file"; filename="eight.png"'
FORMS = {
    "Go": ("boundary=6a3d0f", [DISPOSITION, "Content-Type: application/octet-stream"]),
    "Apache HttpClient": (
        "charset=ISO-8859-1; boundary=b_-1",
        [DISPOSITION, "Content-Type: image/png", "Content-Transfer-Encoding: binary"],
    ),
    "OkHttp": ("boundary=3b1c-44", [DISPOSITION, "Content-Type: image/png", "Content-Length: {}"]),
    ".NET": (
        'boundary="0f8b-1"',
        [
            "Content-Type: image/png",
            "Content-Disposition: form-data; name=file; filename=x.png; filename*=utf-8''x.png",
        ],
    ),
    "Dart": (
        "boundary=dart-http-boundary-+Tq1(x)",
        [
            "content-type: application/octet-stream",
            DISPOSITION.lower(),
        ],
    ),
    "React Native": (
        "boundary=b1",
        [
            'content-disposition: form-data; name="photo"; filename="p.jpg"',
            "content-type: image/jpeg",
        ],
    ),
}
"""Forms as other languages' clients write them: the boundary, and the head of the file's part."""

CURL = (
    ("--form", "file=@{}"),
    ("--form", "image=@{};type=image/png", "--form", "note=ignored"),
    ("--data-binary", "@{}"),
    ("--data-binary", "@{}", "--header", "Content-Type:"),
    ("--data-binary", "@{}", "--header", "Transfer-Encoding: chunked"),
    ("--data-binary", "@{}", "--header", "Expect: 100-continue"),
    ("--request", "POST", "--upload-file", "{}"),
    ("--http1.0", "--form", "file=@{}"),
)


@pytest.fixture
def picture(clean: Batch, tmp_path: Path) -> Path:
    """Return a file with a clean image."""
    path = tmp_path / "eight.png"
    path.write_bytes(encoded(clean.samples[0].image))
    return path


def by_requests(url: str, picture: Path) -> list[Any]:
    """Post with requests."""
    body = picture.read_bytes()
    text = base64.encodebytes(body).decode()
    with requests.Session() as session, picture.open("rb") as file:
        session.trust_env = False
        answers = [
            session.post(url, files={"file": file}),
            session.post(url, files={"image": ("木.png", body, "image/png")}, data={"a": "b"}),
            session.post(url, data=body),
            session.post(url, data=iter([body[:99], body[99:]])),
            session.post(url, json={"image": text}),
        ]
    return [answer.json() for answer in answers]


def by_httpx(url: str, picture: Path) -> list[Any]:
    """Post with httpx."""
    body = picture.read_bytes()
    with httpx.Client(trust_env=False) as client, picture.open("rb") as file:
        answers = [
            client.post(url, files={"file": file}),
            client.post(url, files={"upload": body}, data={"a": "b"}),
            client.post(url, content=body),
            client.post(url, content=iter([body])),
            client.post(url, json={"image": base64.urlsafe_b64encode(body).decode().rstrip("=")}),
        ]
    return [answer.json() for answer in answers]


def by_urllib3(url: str, picture: Path) -> list[Any]:
    """Post with urllib3."""
    body = picture.read_bytes()
    with urllib3.PoolManager() as pool:
        answers = [
            pool.request("POST", url, fields={"file": ("eight.png", body)}),
            pool.request("POST", url, body=body),
        ]
    return [json.loads(answer.data) for answer in answers]


def by_aiohttp(url: str, picture: Path) -> list[Any]:
    """Post with aiohttp."""
    return asyncio.run(_by_aiohttp(url, picture.read_bytes()))


async def _by_aiohttp(url: str, body: bytes) -> list[Any]:
    form = aiohttp.FormData({"note": "ignored"})
    form.add_field("file", body, filename="eight.png", content_type="image/png")
    async with aiohttp.ClientSession() as session:
        said = []
        for data in (form, body):
            async with session.post(url, data=data) as answer:
                said.append(await answer.json())
    return said


@pytest.mark.parametrize("send", [by_requests, by_httpx, by_urllib3, by_aiohttp])
def test_python(
    gateway: Service, clean: Batch, picture: Path, send: Callable[[str, Path], list[Any]]
) -> None:
    """Forms with a file, bodies with a type or none, chunks and JSON: all are the picture."""
    answers = send(f"{gateway.url}/predict", picture)
    expected = [clean.labels()[0]] * len(answers)
    assert expected == [answer["prediction"]["index"] for answer in answers]


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_other_languages(gateway: Service, clean: Batch, picture: Path, form: str) -> None:
    """Quoted boundaries or not, headers in any order and case, names without quotes."""
    parameters, head = FORMS[form]
    body = picture.read_bytes()
    boundary = parameters.partition("boundary=")[2].strip('"')
    part = "\r\n".join([f"--{boundary}", *head, "", ""]).format(len(body))
    sent = part.encode() + body + f"\r\n--{boundary}--\r\n".encode()
    place = urlsplit(gateway.url)
    connection = http.client.HTTPConnection(str(place.hostname), place.port)
    headers = {"Content-Type": f"multipart/form-data; {parameters}"}
    connection.request("POST", "/predict", sent, headers)
    answer = json.loads(connection.getresponse().read())
    connection.close()
    assert clean.labels()[0] == answer["prediction"]["index"]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl isn't installed")
@pytest.mark.parametrize("words", CURL, ids=" ".join)
def test_curl(gateway: Service, clean: Batch, picture: Path, words: tuple[str, ...]) -> None:
    """With its own content types, which say nothing of the body, or with none."""
    options = [word.replace("{}", str(picture)) for word in words]
    answer = _printed("curl", "--silent", *options, f"{gateway.url}/predict")
    assert clean.labels()[0] == answer["prediction"]["index"]


@pytest.mark.skipif(shutil.which("node") is None, reason="Node isn't installed")
def test_fetch(gateway: Service, clean: Batch, picture: Path) -> None:
    """FormData, blobs, streams and text, as browsers' `fetch` sends them."""
    told = _printed("node", str(CLIENTS / "upload.mjs"), gateway.url, str(picture))
    assert dict.fromkeys(told, clean.labels()[0]) == told
    assert 8 == len(told)


@pytest.mark.skipif(shutil.which("java") is None, reason="Java isn't installed")
def test_java(gateway: Service, clean: Batch, picture: Path) -> None:
    """Java's HttpClient, which offers HTTP/2 with its first request."""
    told = _printed("java", str(CLIENTS / "Upload.java"), gateway.url, str(picture))
    said = {way: answer["prediction"]["index"] for way, answer in told.items()}
    assert dict.fromkeys(told, clean.labels()[0]) == said
    assert 4 == len(told)


def _printed(*command: str) -> Any:
    ended = subprocess.run(command, capture_output=True, check=True, timeout=120)
    return json.loads(ended.stdout)
