"""The page of the HTTP interface knows every error that there is."""

from __future__ import annotations

import re
from pathlib import Path

from app.gateway.outcome import Screening
from app.serving.http import refusals
from app.web.answering.problems import KINDS, Kind

PAGE = (Path(__file__).parents[2] / "docs" / "http.md").read_text()


def test_every_error_is_on_the_page() -> None:
    """Each type of problem is there with its status, and no other."""
    before = [kind for kind in vars(refusals).values() if isinstance(kind, Kind)]
    expected = {(str(kind.status), kind.name) for kind in (*KINDS.values(), *before)}

    assert expected == set(re.findall(r"^\| (\d{3}) \| `([\w-]+)` \|", PAGE, re.MULTILINE))


def test_every_word_of_screening_is_on_the_page() -> None:
    """Each way in which an image was examined has its row."""
    table = PAGE.partition("| `screening` | means |")[2].partition("\n\n")[0]

    assert [str(word) for word in Screening] == re.findall(
        r"^\| `([\w-]+)` \|", table, re.MULTILINE
    )
