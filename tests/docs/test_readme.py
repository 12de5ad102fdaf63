"""The README stays short, and explains its words where they first appear."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import FENCED, ROOT

README = ROOT / "README.md"


def test_it_is_short() -> None:
    """It has at most 10 KB and 150 lines; the rest is under docs/."""
    text = README.read_text()

    assert len(text.encode()) <= 10 * 1024
    assert len(text.splitlines()) <= 150


@pytest.mark.parametrize("word", ["probe", "carry rate", "heal rate"])
def test_words_are_defined_where_they_first_appear(word: str) -> None:
    """The first time, a word is set in bold, in the sentence that says what it is."""
    prose = FENCED.sub("", README.read_text())
    first = re.search(rf"\**{word}", prose, re.IGNORECASE)

    assert first is not None
    assert f"**{word}" == first[0]


def test_every_page_is_led_to() -> None:
    """Each page of docs/ is one click away."""
    pages = {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")}

    assert set() == pages - set(re.findall(r"\]\(([^)#]+)", README.read_text()))
