"""The project's pages, as a reader's browser resolves them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PLACES = (".", "docs", ".github", ".github/decisions", "deploy")
PAGES = sorted(page for place in PLACES for page in (ROOT / place).glob("*.md"))
HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
FENCED = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\]\(([^()\s]+)\)")


def name(page: Path) -> str:
    """Return the page's path in the repository."""
    return page.relative_to(ROOT).as_posix()


def headings(page: Path) -> list[str]:
    """Return the words of all headings, with their marks."""
    return HEADING.findall(FENCED.sub("", page.read_text()))


def anchors(page: Path) -> set[str]:
    """Return what `page.md#…` may name: the headings in small letters, with hyphens for spaces."""
    found: set[str] = set()
    for heading in headings(page):
        words = re.sub(r"[^\w\- ]", "", LINK.sub("]", heading).lower()).replace(" ", "-")
        again = sum(1 for other in found if re.fullmatch(re.escape(words) + r"(-\d+)?", other))
        found.add(f"{words}-{again}" if again else words)
    return found


def links(page: Path) -> Iterator[str]:
    """Yield the relative addresses that the page links to, pictures too; none of those in code."""
    for address in LINK.findall(CODE.sub("`", FENCED.sub("", page.read_text()))):
        if "://" not in address and not address.startswith("mailto:"):
            yield address
