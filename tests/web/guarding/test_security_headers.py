"""What browsers are told, and what other sites can't do."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
import pytest_asyncio

from tests.files import encoded
from tests.tiny import clean_images, tiny_trigger
from tests.web.served import Served, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")  # one application for all tests

IMAGE = encoded(clean_images(1, np.random.default_rng(0))[0])
FORMS = ("/", "/page/dismiss/t-1")
PATHS = (
    *FORMS,
    *("/docs", "/docs/assets/swagger-ui-bundle.js", "/openapi.json", "/healthz", "/readyz"),
    *("/trigger", "/trigger/t-1", "/trigger/t-1.png", "/trigger/none", "/nowhere", "/predict"),
    *("/v2", "/v2/models/tiny", "/v2/models/other", "/v1/models", "/v2/health/ready"),
)
ALWAYS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
EVIL = "https://evil.example"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[Served]:
    """Run the application with the usual settings."""
    async with serving() as running:
        yield running


@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_has_the_headers(served: Served, path: str) -> None:
    """No page, picture, JSON or error may be guessed at, framed or kept."""
    await served.library.register(tiny_trigger())
    response = await served.http.get(path)
    assert ALWAYS.items() <= dict(response.headers).items()
    told = "same-origin" if path in FORMS else "no-referrer"  # forms are told by their origin
    assert [told] == response.headers.get_list("referrer-policy")
    assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
    assert 1 == len(response.headers.get_list("content-security-policy"))


async def test_so_have_predictions_refusals_and_defects(served: Served) -> None:
    """Answers that are made outside the framework have the headers too."""

    async def fail() -> None:
        raise RuntimeError

    served.app.add_api_route("/raise", fail)
    async with serving(api_keys=("k",)) as locked:
        responses = [
            await served.http.post(
                "/predict", content=IMAGE, headers={"Content-Type": "image/png"}
            ),
            await served.http.post("/predict", content=b"x"),
            await served.http.get("/raise"),
            await locked.http.post("/predict"),
            await locked.http.get("/"),
        ]
    assert [200, 415, 500, 401, 401] == [response.status_code for response in responses]
    for response in responses:
        assert ALWAYS.items() <= dict(response.headers).items()


async def test_only_the_scripts_of_the_documentation_run(served: Served) -> None:
    """The policy names the script on the page by its digest; no other one within a page may run."""
    response = await served.http.get("/docs")
    policy = dict(
        directive.strip().split(" ", 1)
        for directive in response.headers["content-security-policy"].split(";")
    )
    (script,) = re.findall(r"<script>(.*?)</script>", response.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"'self' 'sha256-{digest}'" == policy["script-src"]
    assert "'none'" == policy["default-src"]
    assert "'self'" == policy["connect-src"]
    assert not re.search(r"<[^>]+\son\w+=", response.text)  # no handler that the digest misses


@pytest.mark.parametrize("path", [*PATHS, "/v2/models/tiny/infer", "/v1/models/tiny:predict"])
async def test_other_sites_read_nothing(served: Served, path: str) -> None:
    """No answer lets another origin read it, and no preflight is granted (CORS is off)."""
    asked = {
        "Origin": EVIL,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    for method in ("GET", "HEAD", "POST", "OPTIONS", "DELETE"):
        response = await served.http.request(method, path, headers=asked)
        assert [] == [name for name in response.headers if name.startswith("access-control-")]
    assert (await served.http.options(path, headers=asked)).status_code in {404, 405}


@pytest.mark.parametrize(
    "path",
    [
        *PATHS,
        *("/predict/", "/trigger/", "/docs/", "/docs/assets", "/docs/assets/", "/healthz/"),
        *("/v1/models/", "/v2/models/tiny/", "//evil.example", "//evil.example/", "/%2F/evil"),
        *("/\\evil.example", "/docs/assets//evil.example", "/docs/assets/../", "/docs/%2e%2e/"),
    ],
)
@pytest.mark.parametrize("host", ["evil.example", "evil.example@gateway", "evil.example/docs"])
async def test_no_path_redirects_or_repeats_the_host(served: Served, path: str, host: str) -> None:
    """Whatever host a request names, and whatever prefix a proxy: neither is in the answer."""
    headers = {
        "Host": host,
        "X-Forwarded-Host": host,
        "X-Forwarded-Proto": "gopher",
        "X-Forwarded-Prefix": "/evil.example",
        "Forwarded": f"host={host};proto=gopher",
        "X-Original-URL": "/evil.example",
    }
    for method in ("GET", "HEAD", "POST"):
        response = await served.http.request(method, path, headers=headers)
        assert response.status_code not in range(300, 400)
        assert "location" not in response.headers
        assert "evil" not in response.text
        assert not any("evil" in value for value in response.headers.values())
