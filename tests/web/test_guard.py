"""What is answered without a key once keys are set: health, and nothing else."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.tiny import tiny_trigger
from tests.web.served import Served, assert_problem, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from httpx import Response

HEALTH = (
    *("/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"),
    *("/v2/models/tiny/ready", "/v2/models/tiny/versions/1/ready", "/v1/models/tiny"),
    "/v1/models/tiny/versions/1",
)
PAGES = ("/", "/docs")
CLOSED = (
    *("/openapi.json", "/docs/assets/swagger-ui.css", "/docs/assets/nothing.js", "/docs/assets"),
    *("/metrics", "/v2", "/v2/", "/v2/models/tiny", "/v2/models/tiny/versions/1", "/v1/models"),
    *("/v2/models/other/ready", "/v1/models/other", "/v2/models/tiny/versions/a/b/ready"),
    *("/v2/models/tiny/versions//ready", "/v2/models/tiny/versions/ready"),
    *("/v1/models/tiny/versions/1/metadata", "/v1/models/tiny/metadata", "/v1/models/tiny/labels/"),
    *("/trigger", "/trigger/t-1.png", "/nowhere", "/healthz/", "//healthz", "/healthz/../docs"),
)
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE")


pytestmark = pytest.mark.asyncio(loop_scope="module")  # one application for all tests


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def locked() -> AsyncIterator[Served]:
    """Run the application with keys and a known trigger."""
    async with serving(api_keys=("api-1",), admin_keys=("admin-1",)) as running:
        await running.library.register(tiny_trigger())
        yield running


def basic(key: str) -> dict[str, str]:
    """Return what a browser sends once a person has given *key* as the password."""
    return {"Authorization": f"Basic {base64.b64encode(f'me:{key}'.encode()).decode()}"}


def assert_refused(response: Response) -> None:
    """Check that *response* says that a key is wanted, and nothing else."""
    assert 401 == response.status_code, response.url
    assert "Bearer" == response.headers.get_list("www-authenticate")[0]
    if response.request.method != "HEAD":
        assert "send a valid key" in response.text


@pytest.mark.parametrize("path", HEALTH)
async def test_health_needs_no_key(locked: Served, path: str) -> None:
    """Probes of an orchestrator carry no key."""
    assert 200 == (await locked.http.get(path)).status_code
    assert (await locked.http.head(path)).status_code == 200


@pytest.mark.parametrize("path", [*PAGES, *CLOSED])
async def test_nothing_else_is_answered_without_a_key(locked: Served, path: str) -> None:
    """Every other path is refused alike, with any method, whether there is such a path or not."""
    for method in METHODS:
        assert_refused(await locked.http.request(method, path))


@pytest.mark.parametrize("path", HEALTH)
async def test_health_is_only_read_without_a_key(locked: Served, path: str) -> None:
    """Without a key health can be read, and nothing else done with it."""
    for method in set(METHODS) - {"GET", "HEAD"}:
        assert_refused(await locked.http.request(method, path))


@pytest.mark.parametrize(
    "host", ["gateway/healthz?", "gateway/healthz#", "x/v2/health/live?", "/healthz", "@healthz"]
)
async def test_host_opens_nothing(locked: Served, host: str) -> None:
    """What stands in the Host header is no path, though it would be one in the request's URL."""
    assert_refused(await locked.http.get("/trigger", headers={"Host": host}))


async def test_a_right_key_is_told_what_there_is(locked: Served) -> None:
    """With a key a path that isn't there is a 404, and a method that it doesn't have a 405."""
    key = {"X-API-Key": "api-1"}
    assert_problem(await locked.http.get("/nowhere", headers=key), 404, "Not Found")
    assert_problem(await locked.http.put("/predict", headers=key), 405, "Method Not Allowed")
    for path in (*PAGES, "/openapi.json", "/docs/assets/swagger-ui.css", "/v2/models/tiny"):
        assert 200 == (await locked.http.get(path, headers=key)).status_code


async def test_without_keys_all_is_open() -> None:
    """As long as no key is set nothing asks for one."""
    async with serving() as served:
        for path in (*PAGES, *HEALTH, "/trigger", "/v2"):
            assert 200 == (await served.http.get(path)).status_code


@pytest.mark.parametrize("shown", ["document", "image"])
async def test_people_are_asked_for_what_a_browser_shows(locked: Served, shown: str) -> None:
    """Pictures on a page that was opened first, and JSON in a window of its own."""
    refused = await locked.http.get("/trigger/t-1.png", headers={"Sec-Fetch-Dest": shown})
    assert 2 == len(refused.headers.get_list("www-authenticate"))
    program = await locked.http.get("/trigger/t-1.png", headers={"Sec-Fetch-Dest": "empty"})
    assert ["Bearer"] == program.headers.get_list("www-authenticate")


@pytest.mark.parametrize("path", PAGES)
async def test_people_are_asked_for_a_key_by_their_browser(locked: Served, path: str) -> None:
    """A page asks for a password, which is a key; what programs ask for doesn't."""
    refused = await locked.http.get(path)
    wanted = ["Bearer", 'Basic realm="NEO Gateway", charset="UTF-8"']
    assert wanted == refused.headers.get_list("www-authenticate")
    assert 200 == (await locked.http.get(path, headers=basic("api-1"))).status_code
    program = await locked.http.get("/trigger")
    assert ["Bearer"] == program.headers.get_list("www-authenticate")


async def test_password_is_as_good_as_the_key(locked: Served) -> None:
    """An admin's password shows the triggers and their pictures, another key's doesn't."""
    for path in ("/trigger", "/trigger/t-1.png"):
        assert 200 == (await locked.http.get(path, headers=basic("admin-1"))).status_code
        refused = await locked.http.get(path, headers=basic("api-1"))
        assert_problem(refused, 403, "admin key")
    assert "t-1" in (await locked.http.get("/", headers=basic("admin-1"))).text
    assert "t-1" not in (await locked.http.get("/", headers=basic("api-1"))).text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/predict"),
        ("POST", "/v2/models/tiny/infer"),
        ("DELETE", "/trigger/t-1"),
        ("POST", "/trigger/t-1/restore"),
    ],
)
async def test_password_is_for_reading(locked: Served, method: str, path: str) -> None:
    """A browser sends its password with what other sites ask for, so it changes nothing."""
    assert_refused(await locked.http.request(method, path, headers=basic("admin-1")))
    assert not locked.library.entry("t-1").dismissed


@pytest.mark.parametrize("token", ["", "!", "YQ", "YTo", "bWU=", "bWU6", "bWU6YXBpLTE", "ü"])
async def test_password_that_is_none(locked: Served, token: str) -> None:
    """Whatever else follows the word Basic is no key."""
    headers = [(b"Authorization", f"Basic {token}".encode())]
    assert_refused(await locked.http.get("/", headers=headers))


async def test_key_in_a_header_goes_before_the_password(locked: Served) -> None:
    """What a page sends on purpose counts, not what the browser adds."""
    headers = basic("api-1") | {"X-API-Key": "admin-1"}
    assert 200 == (await locked.http.get("/trigger", headers=headers)).status_code
