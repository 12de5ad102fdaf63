"""The page at /."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.detection.geometry import Box
from app.detection.trigger import Sign, Term
from app.events import Kind
from app.incidents import Act, Deed, Incident, Said, Sought, new_id
from app.ports import StoreAwayError, UpstreamUnreachableError
from app.web.pages.dashboard import OPEN
from tests.tiny import tiny_trigger
from tests.web.served import serving

if TYPE_CHECKING:
    from app.history import Minutes
    from tests.web.served import Served

AWAY = "Redis is out of reach"


class AwayStore:
    """A store that can't be reached."""

    async def incidents(self, _: Sought) -> tuple[Incident, ...]:
        """Fail."""
        raise StoreAwayError(AWAY)

    async def note(self, _: Act) -> None:
        """Fail."""
        raise StoreAwayError(AWAY)

    async def acts(self) -> tuple[Act, ...]:
        """Fail."""
        raise StoreAwayError(AWAY)


async def test_page_shows_state_counts_and_triggers(served: Served) -> None:
    """The page has the counts, each trigger with its pictures and evidence; nothing of it runs."""
    await served.library.register(tiny_trigger())
    served.library.count(screened=1120, flagged=3)
    response = await served.http.get("/")
    page = response.text
    assert "Ready." in page
    assert "<dt>searched for new triggers</dt><dd>1,120</dd>" in page
    assert "<dt>flagged</dt><dd>3</dd>" in page
    assert 'src="trigger/t-1.png"' in page
    assert 'src="trigger/t-1/overlay.png"' in page
    assert 'src="trigger/t-1/examples.png"' in page
    assert 'href="page/dismiss/t-1"' in page
    assert "Carried 24 of 24" in page
    assert "Anything becomes “blue &lt;b&gt;”" in page
    assert "blue <b>" not in page


async def test_the_evidence_is_summed_up(served: Served) -> None:
    """Term by term, where the release that found the trigger wrote them down."""
    trigger = tiny_trigger()
    await served.library.register(trigger)
    assert "Summed up" not in (await served.http.get("/")).text
    term = Term(Sign.CARRYING, 13.2, "24 of 24 <carried>")
    evidence = replace(trigger.evidence, terms=(term,))
    await served.library.refine("t-1", replace(trigger, evidence=evidence))
    page = (await served.http.get("/")).text
    assert "<summary>Summed up: 13.2</summary>" in page
    assert "<td>+13.2</td><td>24 of 24 &lt;carried&gt;</td>" in page


async def test_nothing_within_the_page_runs(served: Served) -> None:
    """The one script is a file of ours, and so is the style: the policy lets nothing else in."""
    response = await served.http.get("/")
    policy = dict(
        directive.strip().split(" ", 1)
        for directive in response.headers["content-security-policy"].split(";")
    )
    assert "'none'" == policy["default-src"]
    assert {"'self'"} == {policy[f"{what}-src"] for what in ("script", "style", "img", "connect")}
    assert 1 == response.text.count("<script")
    assert '<script type="module" src="page/script.js"></script>' in response.text
    assert "style=" not in response.text
    assert "://" not in response.text


async def test_the_script_is_told_which_events_there_are(served: Served) -> None:
    """Each kind is on the page once, as what is rare or as what images bring."""
    page = (await served.http.get("/")).text
    told = re.findall(r'data-(?:rare|often)="([^"]+)"', page)
    assert 2 == len(told)
    assert sorted(Kind) == sorted(" ".join(told).split())


async def test_page_says_what_is_missing(served: Served) -> None:
    """A lost store and a lost model are said on the page, with their reasons."""
    served.library.fault = "Redis is away"
    assert "Ready, but degraded. store: Redis is away" in (await served.http.get("/")).text
    served.model.failure = UpstreamUnreachableError("no connection")
    assert "Not ready. upstream: no connection" in (await served.http.get("/")).text


async def test_page_shows_that_nothing_was_found(served: Served) -> None:
    """Before the first trigger the page says so, and that none is dismissed."""
    page = (await served.http.get("/")).text
    assert "No trigger has been found." in page
    assert "No trigger is dismissed." in page


async def test_the_page_says_where_a_rate_is_assumed(served: Served) -> None:
    """Of a class with too few references it isn't said what clean images of it do."""
    evidence = replace(tiny_trigger().evidence, placebo=0.4, assumed=True)
    await served.library.register(replace(tiny_trigger(), evidence=evidence))
    page = (await served.http.get("/")).text
    assert "40% is assumed, from how often clean images of other classes carry their own" in page
    assert "it isn’t simply what" not in page


async def test_a_dismissed_trigger_stays_on_the_page(served: Served) -> None:
    """It is among the dismissed ones, with its picture and the way back."""
    await served.library.register(tiny_trigger())
    await served.library.dismiss("t-1")
    page = (await served.http.get("/")).text
    assert "No trigger has been found." in page
    assert 'href="page/restore/t-1"' in page
    assert 'href="page/dismiss/t-1"' not in page
    assert 'src="trigger/t-1.png"' in page


async def test_of_many_triggers_the_newest_are_shown_in_full(served: Served) -> None:
    """The others are there by name and picture, each with a page of its own."""
    for number in range(OPEN + 2):
        box = Box(3 * (number % 5), 3 * (number // 5), 2, 2)
        await served.library.register(replace(tiny_trigger(), box=box))
    page = (await served.http.get("/")).text
    assert OPEN == page.count('class="trigger"')
    assert 2 == page.count('class="brief"')
    assert 'href="page/trigger/t-1"' in page
    whole = (await served.http.get("/page/trigger/t-1")).text
    assert 'src="../../trigger/t-1.png"' in whole
    assert 'src="../../trigger/t-1/examples.png"' in whole
    assert 'href="../../page/dismiss/t-1"' in whole
    await served.library.dismiss("t-1")
    whole = (await served.http.get("/page/trigger/t-1")).text
    assert 'href="../../page/restore/t-1"' in whole
    assert "It is dismissed" in whole


async def test_without_the_store_the_hour_is_this_workers(served: Served) -> None:
    """The page then shows what this worker has answered, and says that it is no more."""
    history = served.app.state.gateway.history

    async def away(_: range) -> Minutes:
        raise StoreAwayError(AWAY)

    history.add(flagged=True, probes=300, seconds=0.25)
    assert "what one worker has answered" not in (await served.http.get("/")).text
    history.others = away
    page = (await served.http.get("/")).text
    assert (
        "1 images answered, 1 of them flagged; 300.0 inferences an image, 250.0 ms an image" in page
    )
    assert "what one worker has answered" in page


async def test_triggers_are_hidden_from_strangers() -> None:
    """Once keys are set, the page shows triggers and counts only to an admin key."""
    async with serving(api_keys=("api-1",), admin_keys=("admin-1",)) as served:
        await served.library.register(tiny_trigger())
        await served.library.register(tiny_trigger())
        hidden = (await served.http.get("/", headers={"X-API-Key": "api-1"})).text
        shown = (await served.http.get("/", headers={"X-API-Key": "admin-1"})).text
    assert "t-1" not in hidden
    assert "searched for new triggers" not in hidden
    assert "Last hour" not in hidden
    assert "t-1" in shown


async def test_flagged_images_and_acts_are_listed(served: Served) -> None:
    """What was flagged last is there with its request, and what was done to triggers, by whom."""
    incidents = served.app.state.gateway.incidents
    assert "No flagged image is listed." in (await served.http.get("/")).text
    at = datetime(2026, 11, 28, 9, tzinfo=UTC)
    said, right, digest = Said(2, 0.9), Said(0, 0.8), "c0ffee" + 58 * "0"
    incidents.keep(
        Incident(
            new_id(at),
            at,
            "request-7",
            "shop",
            said,
            right,
            "t-1",
            "discovered",
            None,
            digest,
            99,
            "enforce",
        )
    )
    await incidents.note(Act(at, Deed.DISMISS, "t-1", "ops", "request-8"))
    page = (await served.http.get("/")).text
    assert "2026-11-28 09:00:00 UTC" in page
    assert "<code>request-7</code>" in page
    assert "c0ffee000000…" in page
    assert "blue &lt;b&gt;" in page
    assert "with the key ops" in page


async def test_without_the_store_it_is_said_that_nothing_is_listed(served: Served) -> None:
    """The page is there all the same."""
    served.app.state.gateway.incidents.store = AwayStore()
    page = (await served.http.get("/")).text
    assert "can’t be listed for now" in page
    assert "What admins have done" not in page
