"""Who may do what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.files import encoded
from tests.tiny import clean_images, tiny_trigger
from tests.web.served import assert_problem, serving

if TYPE_CHECKING:
    import httpx

IMAGE = encoded(clean_images(1, np.random.default_rng(0))[0])
PREDICT = ("POST", "/predict")
READING = [
    ("GET", "/trigger"),
    ("GET", "/trigger/t-1"),
    ("GET", "/trigger/t-1.png"),
    ("GET", "/trigger/t-1/examples.png"),
    ("GET", "/trigger/t-1/examples.zip"),
]
CHANGING = [("DELETE", "/trigger/t-1"), ("POST", "/trigger/t-1/restore")]


async def asked(
    method: str,
    path: str,
    headers: dict[str, str],
    api_keys: tuple[str, ...] = ("api-1", "api-2"),
    admin_keys: tuple[str, ...] = ("admin-1", "schlüssel"),
) -> httpx.Response:
    """Send one request to an application with keys and a known trigger."""
    async with serving(api_keys=api_keys, admin_keys=admin_keys) as served:
        await served.library.register(tiny_trigger())
        headers = {"Content-Type": "image/png"} | headers
        return await served.http.request(method, path, content=IMAGE, headers=headers)


@pytest.mark.parametrize(("method", "path"), [PREDICT, *READING, *CHANGING])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": ""},
        {"X-API-Key": "wrong"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic api-1"},
        {"Authorization": "api-1"},
    ],
)
async def test_unknown_key_is_refused(method: str, path: str, headers: dict[str, str]) -> None:
    """Without a key, or with a wrong one, neither predictions nor triggers are answered."""
    response = await asked(method, path, headers)
    assert_problem(response, 401, "send a valid key")
    assert "Bearer" == response.headers["www-authenticate"]


@pytest.mark.parametrize("key", ["api-1", "api-2", "admin-1"])
@pytest.mark.parametrize("header", ["X-API-Key", "Authorization"])
async def test_any_key_opens_predictions(key: str, header: str) -> None:
    """API keys and admin keys, in either header, may ask for predictions."""
    value = f"bearer {key}" if header == "Authorization" else key
    assert 200 == (await asked(*PREDICT, {header: value})).status_code


@pytest.mark.parametrize(("method", "path"), READING + CHANGING)
async def test_triggers_are_the_admins(method: str, path: str) -> None:
    """An API key neither reads nor changes triggers; an admin key does both."""
    refused = await asked(method, path, {"X-API-Key": "api-1"})
    assert_problem(refused, 403, "admin key")
    assert 200 == (await asked(method, path, {"X-API-Key": "admin-1"})).status_code


async def test_key_may_have_any_letters() -> None:
    """A key that isn't ASCII is compared by its UTF-8 bytes."""
    async with serving(admin_keys=("schlüssel",)) as served:
        headers = [(b"X-API-Key", "schlüssel".encode())]
        assert 200 == (await served.http.get("/trigger", headers=headers)).status_code


@pytest.mark.parametrize("api_keys", [(), ("api-1",)])
@pytest.mark.parametrize("admin_keys", [(), ("admin-1",)])
async def test_one_key_closes_everything(
    api_keys: tuple[str, ...], admin_keys: tuple[str, ...]
) -> None:
    """Without any key all is open; with one of either kind nothing is."""
    expected = 401 if api_keys or admin_keys else 200
    for method, path in (PREDICT, *READING, *CHANGING):
        response = await asked(method, path, {}, api_keys, admin_keys)
        assert expected == response.status_code, path


async def test_body_is_not_read_for_a_stranger() -> None:
    """The key is looked at before the body: a stranger's huge body is a 401."""
    async with serving(api_keys=("api-1",)) as served:
        response = await served.http.post("/predict", content=bytes(200_000))
    assert_problem(response, 401, "send a valid key")
