"""What people do on the page: by keyboard, with a typed key, by dropping an image."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.browser.conftest import ADMIN, CLIENT
from tests.faults.service import CLEAN, POISONED, POISONED_ANEW
from tests.files import encoded

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from app.detection.search import Image
    from tests.browser.visitor import Visitor
    from tests.faults.service import Service

LOOKED_AGAIN = """(before) => {
  document.dispatchEvent(new Event("visibilitychange"));
  return !before.isConnected;
}"""
"""More than once: what is drawn within one second is the same, and nothing is replaced by it."""

DROP = """([form, bytes]) => {
  const data = new DataTransfer();
  data.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], "one.png"));
  form.dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}));
}"""


def drop(page: Page, image: bytes) -> None:
    """Drop the file *image* on the form."""
    form = page.locator("#try-form").element_handle()
    page.evaluate(DROP, [form, base64.b64encode(image).decode()])


def test_a_trigger_goes_and_comes_back_by_keyboard(
    visit: Callable[..., Visitor], service: Service
) -> None:
    """Tab and Enter are enough: from the skip link to the buttons, and the focus always shows."""
    page = visit(service).page
    page.keyboard.press("Tab")
    assert "Skip to the content" == page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    assert "main" == page.evaluate("document.activeElement.id")
    name = page.locator("article.trigger").first.get_attribute("id")
    _tab_to(page, "Dismiss")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Dismiss it").wait_for()
    _tab_to(page, "Dismiss it")
    page.keyboard.press("Enter")
    page.locator(f"#gone > #{name}").wait_for()
    _tab_to(page, "Restore")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Restore it").wait_for()
    _tab_to(page, "Restore it")
    page.keyboard.press("Enter")
    page.locator(f"article.trigger#{name}").wait_for()


def _tab_to(page: Page, words: str) -> None:
    """Press Tab until what begins with *words* has the focus; each stop on the way is outlined."""
    for _ in range(60):
        page.keyboard.press("Tab")
        text, outline = page.evaluate(
            "[document.activeElement.textContent, getComputedStyle(document.activeElement).outline]"
        )
        if document_left(page):
            continue
        assert "none" not in outline, text
        if text.strip().startswith(words):
            return
    pytest.fail(f"Tab doesn't lead to {words!r}")


def document_left(page: Page) -> bool:
    """Return whether the focus has gone round, to the browser's own."""
    return bool(page.evaluate("document.activeElement === document.body"))


def test_an_admins_typed_key_dismisses_and_restores(
    visit: Callable[..., Visitor], keyed: Service
) -> None:
    """The browser sends the key with the form, and the gateway takes it there."""
    key = {"X-API-Key": ADMIN, "Content-Type": "image/png"}
    found = httpx.post(f"{keyed.url}/predict", content=encoded(POISONED[0]), headers=key).json()
    page = visit(keyed, key=ADMIN).page
    article = page.locator(f"#{found['trigger_id']}")
    article.get_by_role("link", name="Dismiss").click()
    page.get_by_role("button", name="Dismiss it").click()
    page.locator("#gone > article").wait_for()
    assert page.url.endswith(f"/#{found['trigger_id']}")
    article.get_by_role("link", name="Restore").click()
    page.get_by_role("button", name="Restore it").click()
    page.locator("article.trigger").wait_for()


def test_a_question_can_be_opened_first(visit: Callable[..., Visitor], keyed: Service) -> None:
    """An address that was sent around opens with its pictures, and leads back to the page."""
    key = {"X-API-Key": ADMIN, "Content-Type": "image/png"}
    found = httpx.post(f"{keyed.url}/predict", content=encoded(POISONED[2]), headers=key).json()
    visitor = visit(keyed, f"/page/dismiss/{found['trigger_id']}", key=ADMIN)
    visitor.page.evaluate("Promise.all([...document.images].map((one) => one.decode()))")
    visitor.forgive("401")  # how a browser learns that it is asked for a key
    visitor.page.get_by_role("link", name="Cancel").click()
    visitor.page.locator("article.trigger").wait_for()


def test_a_form_without_its_token_is_refused(
    visit: Callable[..., Visitor], service: Service
) -> None:
    """What a script on our own page could send without the token does nothing, and says why."""
    page = visit(service, scripts=False).page
    page.locator("article.trigger").first.get_by_role("link", name="Dismiss").click()
    name = page.url.rpartition("/")[2]
    cookies = {one["name"]: one["value"] for one in page.context.cookies()}
    answer = httpx.post(
        page.url,
        files={"form": (None, "0" * 64)},
        cookies=cookies,
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert 403 == answer.status_code
    assert name in [one["id"] for one in service.triggers()]


def test_another_sites_form_is_refused(visit: Callable[..., Visitor], service: Service) -> None:
    """A page elsewhere posts, in a browser that has our cookie: nothing is dismissed."""
    visitor = visit(service)
    page = visitor.page
    name = page.locator("article.trigger").first.get_attribute("id")
    address = f"{service.url}/trigger/{name}/restore"
    form = f"<form method=post action='{address}'><button>go</form>"
    page.route(
        "http://evil.example/",
        lambda route: route.fulfill(content_type="text/html", body=form),
    )
    page.goto("http://evil.example/")
    with page.expect_navigation() as navigation:
        page.get_by_role("button", name="go").click()
    answer = navigation.value
    assert answer is not None
    assert 403 == answer.status
    visitor.forgive("403")


@pytest.mark.parametrize(("image", "verdict"), [(CLEAN[1], "Clean"), (POISONED[1], "Backdoor")])
def test_an_image_is_dropped(
    visit: Callable[..., Visitor], service: Service, image: Image, verdict: str
) -> None:
    """Its answer appears below: the verdict, the class, what the model said, what it cost."""
    visitor = visit(service)
    page = visitor.page
    drop(page, encoded(image))
    said = page.locator("#tried .verdict")
    said.wait_for()
    assert said.inner_text().startswith(f"{verdict}: “")
    assert page.locator("#tried dt", has_text="Inferences").is_visible()
    assert [] == visitor.findings()


def test_an_image_is_sent_without_scripts(visit: Callable[..., Visitor], keyed: Service) -> None:
    """The form alone does it, with any key; what is no image is said."""
    page = visit(keyed, key=CLIENT, scripts=False).page
    chosen = {"name": "one.png", "mimeType": "image/png", "buffer": encoded(CLEAN[0])}
    page.locator("#try-file").set_input_files(chosen)
    page.get_by_role("button", name="Ask the gateway").click()
    page.locator(".verdict").wait_for()
    page.get_by_role("link", name="Back to the page").click()
    page.get_by_role("heading", name="Try an image").wait_for()


def test_a_new_trigger_appears_by_itself(visit: Callable[..., Visitor], service: Service) -> None:
    """Somebody else's image reveals one: the page hears of it, shows it, and says so."""
    visitor = visit(service, before="window.setInterval = () => 0")  # it doesn't just look again
    page = visitor.page
    known = page.locator("article.trigger").count()
    page.get_by_text("Examples before and after").first.click()
    first = service.predict(POISONED_ANEW[0]).json()
    page.locator(f"article.trigger#{first['trigger_id']}").wait_for()
    assert known + 1 == page.locator("article.trigger").count()
    assert "New trigger: " in page.locator("#news").inner_text()
    assert page.locator("details[open]").first.is_visible()


def test_what_is_open_and_focused_stays(visit: Callable[..., Visitor], service: Service) -> None:
    """The page renews itself around people: what they have opened and where they are stays."""
    page = visit(service).page
    page.get_by_text("Examples before and after").first.click()
    page.get_by_role("link", name="All that is known").first.focus()
    before = page.locator("#minutes").element_handle()
    service.predict(CLEAN[2]).raise_for_status()
    page.wait_for_function(LOOKED_AGAIN, arg=before, polling=200)
    assert page.locator("details[open]").first.is_visible()
    assert page.evaluate("document.activeElement.textContent").startswith("All that is known")
