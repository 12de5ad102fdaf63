"""The page on `neo-gateway evaluate` is about the options and attacks that there are."""

from __future__ import annotations

import re

from app.evaluation.command.command import evaluate
from app.evaluation.subjects.suite import suite
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "evaluate.md").read_text()


def test_options() -> None:
    """The page names every option of the command, and no other."""
    options = {
        word for option in evaluate.params for word in (*option.opts, *option.secondary_opts)
    }
    assert options - {"--strip"} == set(re.findall(r"--[a-z][a-z-]*", PAGE))


def test_kinds() -> None:
    """The page names every attack of the suite."""
    assert [] == [one.name for one in suite() if f"`{one.name}`" not in PAGE]
