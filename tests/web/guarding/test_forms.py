"""Who sends a form, as browsers tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.tiny import tiny_trigger
from tests.web.pages.browsing import sent, token
from tests.web.served import assert_problem

if TYPE_CHECKING:
    from tests.web.served import Served

DISMISS = "/page/dismiss/t-1"


@pytest.fixture
async def found(served: Served) -> Served:
    """Return an application that has found a trigger."""
    await served.library.register(tiny_trigger())
    return served


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://behind.a.proxy"}, 303),
        ({"Origin": "http://gateway"}, 303),
        ({"Origin": "https://named.example", "X-Forwarded-Host": "named.example"}, 303),
        ({"Origin": "http://gateway:81"}, 403),
        ({"Origin": "http://gateway.evil.example"}, 403),
        ({"Origin": "http://[gateway"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://gateway"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://gateway"}, 403),
        ({}, 403),
    ],
)
async def test_only_our_own_pages_send_forms(
    found: Served, headers: dict[str, str], status: int
) -> None:
    """The browser's own word counts first; where it gives none, the origin that it names."""
    form = token((await found.http.get(DISMISS)).text)
    answer = await found.http.post(DISMISS, headers=headers, files={"form": (None, form)})
    assert status == answer.status_code


@pytest.mark.parametrize(("method", "path"), [("DELETE", ""), ("POST", "/restore")])
async def test_no_other_sites_page_changes_a_trigger(found: Served, method: str, path: str) -> None:
    """Also without any key: a page elsewhere can make the browser send this, and is refused."""
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        answer = await found.http.request(method, f"/trigger/t-1{path}", headers=headers)
        assert_problem(answer, 403, "a page of another site")
    assert 200 == (await found.http.request(method, f"/trigger/t-1{path}")).status_code


async def test_the_cookie_is_the_browsers_alone(found: Served) -> None:
    """No script reads it, no other site's request brings it, and under TLS nothing else does."""
    plain = await found.http.get("/")
    cookie = plain.headers["set-cookie"].lower()
    assert cookie.startswith("neo-form=")
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "secure" not in cookie
    secret = await found.http.get("/", headers={"X-Forwarded-Proto": "https"})
    assert secret.headers["set-cookie"].startswith("__Host-neo-form=")
    assert "secure" in secret.headers["set-cookie"].lower()


async def test_a_browser_keeps_its_number(found: Served) -> None:
    """Two tabs have one number, so that neither's form becomes too old by the other."""
    first = token((await found.http.get(DISMISS)).text)
    assert first == token((await found.http.get(DISMISS)).text)
    found.http.cookies.set("neo-form", "short")
    assert first != token((await found.http.get(DISMISS)).text)


async def test_a_form_without_its_cookie_does_nothing(found: Served) -> None:
    """The token alone, out of a page that was seen elsewhere, opens nothing."""
    form = token((await found.http.get(DISMISS)).text)
    found.http.cookies.clear()
    headers = {"Sec-Fetch-Site": "same-origin"}
    answer = await found.http.post(DISMISS, headers=headers, files={"form": (None, form)})
    assert 403 == answer.status_code
    assert 303 == (await sent(found.http, DISMISS)).status_code
