"""Dismissing and restoring a trigger on the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.tiny import tiny_trigger
from tests.web.pages.browsing import SAME_ORIGIN, sent, token, typed
from tests.web.served import assert_problem, serving

if TYPE_CHECKING:
    from tests.web.served import Served

DISMISS, RESTORE = "/page/dismiss/t-1", "/page/restore/t-1"


@pytest.fixture
async def found(served: Served) -> Served:
    """Return an application that has found a trigger."""
    await served.library.register(tiny_trigger())
    return served


async def test_a_trigger_is_dismissed_and_restored(found: Served) -> None:
    """The form that is asked for does it, and leads back to the page; the audit list has it."""
    gone = await sent(found.http, DISMISS)
    assert (303, "../../#t-1") == (gone.status_code, gone.headers["location"])
    assert ["t-1"] == [entry.id for entry in found.library.dismissed()]
    back = await sent(found.http, RESTORE)
    assert 303 == back.status_code
    assert ["t-1"] == [entry.id for entry in found.library.entries()]
    acts = (await found.http.get("/audit")).json()["acts"]
    assert ["restore", "dismiss"] == [one["deed"] for one in acts]


async def test_the_question_changes_nothing(found: Served) -> None:
    """Opening the form says what will be, and does nothing."""
    asked = await found.http.get(DISMISS)
    assert "Dismiss trigger <code>t-1</code>?" in asked.text
    assert ["t-1"] == [entry.id for entry in found.library.entries()]


async def test_other_pages_forms_do_nothing(found: Served) -> None:
    """Without the token, another act's token or another trigger's, nothing is done; it is said."""
    other = token((await found.http.get(RESTORE)).text)
    for fields in ({}, {"form": (None, "")}, {"form": (None, other)}, {"form": (None, "é" * 64)}):
        refused = await found.http.post(
            DISMISS, headers=SAME_ORIGIN, files={"x": (None, "y"), **fields}
        )
        assert 403 == refused.status_code
        assert 'role="alert"' in refused.text
    assert ["t-1"] == [entry.id for entry in found.library.entries()]


async def test_a_form_that_is_no_form_does_nothing(found: Served) -> None:
    """A body of another type has no token in it."""
    await found.http.get(DISMISS)
    refused = await found.http.post(DISMISS, headers=SAME_ORIGIN, content=b"form=1")
    assert 403 == refused.status_code
    assert_problem(
        await found.http.post(
            DISMISS, headers={"Content-Type": "multipart/form-data"}, content=b"x"
        ),
        422,
        "the form can't be read",
    )


async def test_an_unknown_trigger_is_not_asked_about(found: Served) -> None:
    """There is no form for what isn't there."""
    assert_problem(await found.http.get("/page/dismiss/t-9"), 404, "t-9")
    assert_problem(await found.http.post("/page/dismiss/t-9"), 404, "t-9")
    assert_problem(await found.http.get("/page/delete/t-1"), 404, "Not Found")


async def test_a_store_that_is_away_is_said(found: Served) -> None:
    """The page says why it can't be done, and has the form for another try."""
    found.library.fault = "Redis is out of reach"
    refused = await sent(found.http, DISMISS)
    assert 503 == refused.status_code
    assert '<p role="alert" class="state bad">Redis is out of reach</p>' in refused.text
    assert token(refused.text)


async def test_a_typed_admin_key_opens_the_forms() -> None:
    """A key that was typed into the browser does it, if it is an admin's."""
    async with serving(api_keys=("api-1",), admin_keys=("admin-1",)) as served:
        await served.library.register(tiny_trigger())
        assert 403 == (await served.http.get(DISMISS, headers=typed("api-1"))).status_code
        asked = await served.http.get(DISMISS)
        assert 'Basic realm="NEO Gateway"' in asked.headers["www-authenticate"]
        assert 303 == (await sent(served.http, DISMISS, headers=typed("admin-1"))).status_code
        assert ["t-1"] == [entry.id for entry in served.library.dismissed()]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
async def test_a_typed_key_serves_no_other_site(headers: dict[str, str]) -> None:
    """Of a request that isn't our page's a typed key is no key, also with the right token."""
    async with serving(admin_keys=("admin-1",)) as served:
        await served.library.register(tiny_trigger())
        form = token((await served.http.get(DISMISS, headers=typed("admin-1"))).text)
        refused = await served.http.post(
            DISMISS, headers=typed("admin-1") | headers, files={"form": (None, form)}
        )
        assert_problem(refused, 401, "send a valid key")
        assert ["t-1"] == [entry.id for entry in served.library.entries()]


async def test_a_typed_key_changes_nothing_elsewhere() -> None:
    """The API takes it for reading alone, whatever page asks."""
    async with serving(admin_keys=("admin-1",)) as served:
        await served.library.register(tiny_trigger())
        headers = typed("admin-1") | SAME_ORIGIN
        for method, path in (
            ("DELETE", "/trigger/t-1"),
            ("POST", "/trigger/t-1/restore"),
            ("POST", "/predict"),
        ):
            assert 401 == (await served.http.request(method, path, headers=headers)).status_code


async def test_a_form_is_of_one_key() -> None:
    """What one admin's page was given another admin's key can't use."""
    async with serving(admin_keys=("admin-1", "admin-2")) as served:
        await served.library.register(tiny_trigger())
        form = token((await served.http.get(DISMISS, headers=typed("admin-1"))).text)
        refused = await served.http.post(
            DISMISS, headers=typed("admin-2") | SAME_ORIGIN, files={"form": (None, form)}
        )
        assert 403 == refused.status_code
