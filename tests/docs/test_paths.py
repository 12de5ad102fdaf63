"""Whatever file a document names is there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.docs.pages import PAGES, ROOT, name

if TYPE_CHECKING:
    from pathlib import Path

PATH = re.compile(r"`((?:app|tests|docs|deploy|\.github|\.ci)/[\w./-]+)`")
TEST = re.compile(r"`((?:\w+/)+test_\w+)`")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_paths_are_there(page: Path) -> None:
    """Each path of the project in a page is that of a file or a folder."""
    paths = PATH.findall(page.read_text())

    assert [] == [path for path in paths if not (ROOT / path).exists()]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_tests_are_there(page: Path) -> None:
    """Each test that a page names by its place in `tests/` is there."""
    tests = TEST.findall(page.read_text())

    assert [] == [test for test in tests if not (ROOT / "tests" / f"{test}.py").exists()]
