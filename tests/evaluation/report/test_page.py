"""The report: one HTML file, read by a parser."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from PIL import Image as Pillow

from app.evaluation.report.page import page
from tests.evaluation.report.evaluations import FACTS, SUBJECT, all_results, an_evaluation

if TYPE_CHECKING:
    from app.evaluation.runs.evaluating import Evaluation

VOID = {"meta", "img"}
DATA = "data:image/png;base64,"


class Opened(HTMLParser):
    """What a browser would make of it: tags, the addresses that it would load, the words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.words = ""
        self._open: list[str] = []
        self.feed(text)
        assert [] == self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag and its addresses."""
        self.tags.append(tag)
        self.addresses += [
            value or "" for name, value in attrs if name in {"src", "href", "xlink:href", "srcset"}
        ]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Check that it closes what was opened last."""
        if tag not in VOID:
            assert tag == self._open.pop()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag without content."""
        del attrs
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        """Collect the words."""
        self.words += data


def _page(evaluation: Evaluation) -> str:
    return page(evaluation, all_results(evaluation), FACTS)


@pytest.fixture(scope="module")
def opened() -> Opened:
    """Open the report of a complete evaluation."""
    return Opened(_page(an_evaluation()))


def test_it_loads_nothing(opened: Opened) -> None:
    """Every address on the page is a picture's own data, and there is no script."""
    assert [] == [one for one in opened.addresses if not one.startswith(DATA)]
    assert "script" not in opened.tags
    assert "url(" not in _page(an_evaluation())


def test_its_pictures_are_pictures(opened: Opened) -> None:
    """`fast` shows the true trigger and the two found, with examples; `off` the true one alone."""
    pictures = [
        Pillow.open(io.BytesIO(base64.b64decode(one.removeprefix(DATA))))
        for one in opened.addresses
    ]
    assert {"PNG"} == {picture.format for picture in pictures}
    # fast: the stamp and its place, two found ones and theirs, 4 examples each; off: the stamp.
    assert 2 + 2 * (2 + 4) + 2 == len(pictures)


def test_it_has_the_plots(opened: Opened) -> None:
    """The page plots detection over the stream, and each strategy's inferences."""
    assert 3 == opened.tags.count("svg")


def test_words_from_outside_are_words(opened: Opened) -> None:
    """A subject's and a class's name with markup in them appear as they are."""
    assert SUBJECT in opened.words
    assert "class 7 <i>" in opened.words
    assert 0 == opened.tags.count("b") + opened.tags.count("i")


def test_it_says_what_was_looked_for(opened: Opened) -> None:
    """The page says how large a trigger was looked for, unless a gateway doesn't tell."""
    told = replace(FACTS, trigger_max=None, search=None)
    evaluation = an_evaluation()
    gateways = Opened(page(evaluation, all_results(evaluation), told)).words
    looked_for = "of up to 0.316 of the image's side are looked for; the search stops after"
    assert (True, False) == (looked_for in opened.words, "looked for" in gateways)


def test_it_says_that_something_is_missing() -> None:
    """After Ctrl-C the page says that runs are missing."""
    assert (
        "2 of the runs that were planned were not done"
        in Opened(_page(an_evaluation(missing=2))).words
    )


def test_it_is_a_page_even_if_nothing_was_done() -> None:
    """A run stopped before its first image still makes a page."""
    nothing = Opened(_page(an_evaluation(missing=20)))
    assert "20 of the runs" in nothing.words
    assert "table" not in nothing.tags
