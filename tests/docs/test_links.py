"""The pages lead where they say, and say for whom they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.docs.pages import PAGES, ROOT, anchors, links, name

if TYPE_CHECKING:
    from pathlib import Path


def leads_nowhere(page: Path, address: str) -> bool:
    """Say if the file, or the heading in it, isn't there."""
    path, _, anchor = address.partition("#")
    there = (page.parent / path).resolve() if path else page
    return not there.exists() or bool(anchor and anchor not in anchors(there))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links(page: Path) -> None:
    """Each relative link leads to a file that is there, and to a heading in it."""
    assert [] == [address for address in links(page) if leads_nowhere(page, address)]


@pytest.mark.parametrize(
    "address", ["gone.md", "#gone", "pages.py#gone", "../docs/gone/"], ids=lambda word: word
)
def test_a_broken_link_is_seen(address: str, tmp_path: Path) -> None:
    """A link to a file or a heading that isn't there is seen in a page that has others."""
    (tmp_path / "pages.py").touch()
    page = tmp_path / "page.md"
    page.write_text(f"# A page\n\n[here](#a-page), `[no](link)`, [there]({address})\n")
    assert [address] == [one for one in links(page) if leads_nowhere(page, one)]


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=name)
def test_for_whom(page: Path) -> None:
    """Below the title of each page in docs/ the first sentence says for whom it is."""
    title, nothing, sentence = page.read_text().split("\n")[:3]
    assert ("# ", "", "For ") == (title[:2], nothing, sentence[:4])
