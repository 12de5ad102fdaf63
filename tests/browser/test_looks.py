"""The page as people see it: in each size and colour scheme, with and without scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import ADMIN, CLIENT
from tests.browser.visitor import NARROW, WIDE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.browser.visitor import Visitor
    from tests.faults.service import Service


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_axe_finds_nothing(
    visit: Callable[..., Visitor], service: Service, scheme: str, width: int
) -> None:
    """The page, unfolded, the question, a trigger alone: readable, named, no wider than it may."""
    visitor = visit(service, scheme=scheme, width=width)
    for summary in visitor.page.locator("summary").all():
        summary.click()
    visitor.page.locator("img.examples").first.wait_for()
    assert [] == visitor.findings()
    assert 0 == visitor.overflow()
    visitor.page.get_by_role("link", name="Dismiss trigger").first.click()
    visitor.page.get_by_role("button", name="Dismiss it").wait_for()
    assert [] == visitor.findings()
    assert 0 == visitor.overflow()
    visitor.page.goto(visitor.page.url.replace("/dismiss/", "/trigger/"))
    assert [] == visitor.findings()
    assert 0 == visitor.overflow()


def test_every_picture_is_there(visit: Callable[..., Visitor], service: Service) -> None:
    """No picture of a trigger is broken, the examples included."""
    page = visit(service).page
    page.get_by_text("Examples before and after").first.click()
    shown = "[...document.images].filter((one) => one.checkVisibility())"
    page.evaluate(f"Promise.all({shown}.map((one) => one.decode()))")  # a broken one is an error
    assert 3 <= page.evaluate(f"{shown}.length")


def test_a_white_trigger_shows(visit: Callable[..., Visitor], service: Service) -> None:
    """The trigger is all white; what is around it on the page isn't, whatever the scheme."""
    page = visit(service).page
    ground = page.locator(".checkered").first
    image = ground.locator("img").bounding_box()
    around = ground.bounding_box()
    assert image is not None
    assert around is not None
    assert image["width"] < around["width"]
    assert "repeating-conic-gradient" in ground.evaluate(
        "(one) => getComputedStyle(one).background"
    )


def test_without_scripts_all_is_there(visit: Callable[..., Visitor], service: Service) -> None:
    """The page shows the same, and its forms work: a trigger goes and comes back."""
    page = visit(service, scripts=False).page
    page.get_by_role("heading", name="Last hour").wait_for()
    name = page.locator("article.trigger code").first.inner_text()
    page.locator("article.trigger").first.get_by_role("link", name="Dismiss").click()
    page.get_by_role("button", name="Dismiss it").click()
    page.locator(f"#gone > #{name}").get_by_role("link", name="Restore").click()
    page.get_by_role("button", name="Restore it").click()
    page.locator(f"article.trigger#{name}").wait_for()


def test_keys_decide_what_is_shown(visit: Callable[..., Visitor], keyed: Service) -> None:
    """An admin sees triggers and counts; who has another key sees the state, and may try."""
    admin, client = visit(keyed, key=ADMIN).page, visit(keyed, key=CLIENT).page
    assert admin.get_by_role("heading", name="Triggers").is_visible()
    assert not client.get_by_role("heading", name="Triggers").is_visible()
    assert client.get_by_text("shown to holders of an admin key").is_visible()
    assert client.get_by_role("button", name="Ask the gateway").is_visible()
