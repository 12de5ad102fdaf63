"""Nothing that a request says is an address that the gateway goes to (SSRF)."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import orjson
import pytest

from tests.web.served import MAX_BODY, Served, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def canary() -> Iterator[socket.socket]:
    """Return a socket that nobody should connect to."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)  # noqa: FBT003  # socket's own
        yield listener


@pytest.fixture
async def gateway() -> AsyncIterator[Served]:
    """Run the application, which knows no trigger."""
    async with serving(max_body=MAX_BODY) as running:
        yield running


def _svg(url: str) -> bytes:
    return f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{url}"/></svg>'.encode()


def _forms(url: str) -> dict[str, bytes]:
    """Return *url* as files that tempt a reader of pictures to fetch something."""
    return {
        "text": url.encode(),
        "svg": _svg(url),
        "xml": f'<!DOCTYPE x [<!ENTITY e SYSTEM "{url}">]><x>&e;</x>'.encode(),
        "m3u8": f"#EXTM3U\n#EXTINF:1,\n{url}\n".encode(),
        "mvg": f"push graphic-context\nimage over 0,0 0,0 '{url}'\n".encode(),
        "postscript": f"%!PS\n({url}) (r) file\n".encode(),
    }


async def test_no_address_is_followed(gateway: Served, canary: socket.socket) -> None:
    """An address in place of a picture is refused in every form, and nobody goes there."""
    url = f"http://127.0.0.1:{canary.getsockname()[1]}/picture.png"
    tensor = {"name": "x", "datatype": "BYTES", "shape": [1]}
    infer, predict = "/v2/models/tiny/infer", "/v1/models/tiny:predict"
    documents = [
        ("/predict", {"image": url}),
        ("/predict", {"image": "", "url": url, "image_url": url}),
        ("/predict", {"image": {"url": url}}),
        ("/predict", {"image_url": url}),
        (infer, {"inputs": [tensor | {"data": [url]}]}),
        (infer, {"inputs": [tensor | {"data": [1], "parameters": {"url": url, "uri": url}}]}),
        (infer, {"inputs": [tensor | {"parameters": {"shared_memory_region": url}}]}),
        (predict, {"instances": [{"b64": url}]}),
        (predict, {"instances": [{"url": url}]}),
        (predict, {"instances": [url]}),
    ]
    for path, document in documents:
        response = await gateway.http.post(path, content=orjson.dumps(document), headers=JSON)
        assert response.status_code in {400, 422}, (path, document)
    for name, content in _forms(url).items():
        for media_type in ("image/png", "image/svg+xml"):
            sent = {"Content-Type": media_type}
            response = await gateway.http.post("/predict", content=content, headers=sent)
            assert response.status_code in {415, 422}, name
        form = await gateway.http.post("/predict", files={"file": (url, content, "image/png")})
        assert form.status_code in {415, 422}, name
    for form in (
        await gateway.http.post("/predict", files={"file": (None, url)}),
        await gateway.http.post("/predict", data={"file": url, "url": url}),
    ):
        assert form.status_code in {415, 422}
    with pytest.raises(BlockingIOError):
        canary.accept()


async def test_no_header_or_query_is_followed(gateway: Served, canary: socket.socket) -> None:
    """Neither the query nor a header names another upstream."""
    origin = f"127.0.0.1:{canary.getsockname()[1]}"
    url = f"http://{origin}/"
    headers = {
        "Host": origin,
        "X-Forwarded-Host": origin,
        "Forwarded": f"host={origin}",
        "X-Upstream-Url": url,
        "Referer": url,
        "Origin": url,
        "X-Original-URL": url,
    }
    paths = ("/", "/readyz", "/docs", "/v2/models/tiny", "/v2/models/tiny/ready", "/trigger")
    for path in paths:
        response = await gateway.http.get(path, params={"url": url}, headers=headers)
        assert 200 == response.status_code
    with pytest.raises(BlockingIOError):
        canary.accept()
