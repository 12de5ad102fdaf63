"""Somebody at a browser, and what the browser complains about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from axe_playwright_python.sync_playwright import Axe

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

AXE = Axe()
WIDE, NARROW = 1100, 390


class Visitor:
    """A window of its own, with its own cookies, at the page of a gateway."""

    def __init__(  # noqa: PLR0913  # what windows differ in
        self,
        browser: Browser,
        url: str,
        *,
        key: str | None = None,
        width: int = WIDE,
        scheme: str = "light",
        scripts: bool = True,
        before: str = "",
    ) -> None:
        self.url = url
        self._complaints: list[str] = []
        typed = {"username": "me", "password": key} if key else None
        self._context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            java_script_enabled=scripts,
            http_credentials=typed,
        )
        self._context.set_default_timeout(20_000)
        self.page: Page = self._context.new_page()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self._complaints.append(str(error)))
        self.page.add_init_script(before)
        self.page.goto(url)

    def _heard(self, message: ConsoleMessage) -> None:
        """Keep what the browser refuses (its policy) and what fails."""
        if message.type in {"error", "warning"}:
            self._complaints.append(message.text)

    def forgive(self, words: str) -> None:
        """Forget the complaints with *words* in them."""
        self._complaints[:] = [one for one in self._complaints if words not in one]

    def findings(self) -> list[Any]:
        """Return what axe finds wrong with the page as it is."""
        return [
            (found["id"], [node["html"] for node in found["nodes"]])
            for found in AXE.run(self.page).response["violations"]
        ]

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - innerWidth"))

    def close(self) -> list[str]:
        """Close the window; return what the browser has complained about."""
        self._context.close()
        return self._complaints
