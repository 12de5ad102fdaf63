"""How the tests run: how long hypothesis looks (HYPOTHESIS_PROFILE), which ones come first."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parent
LONG = ("demo", "serving", "faults", "fuzz", "library", "bench", "evaluation")
"""Folders with files that take long: begun last, one of them would keep the others waiting."""

os.environ.setdefault("OMP_NUM_THREADS", "1")  # the files that run at once are the parallelism

settings.register_profile("default", max_examples=25, derandomize=True, deadline=None)
settings.register_profile("long", max_examples=2_000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or "default")


@pytest.fixture(autouse=True)
def levels() -> Iterator[None]:
    """Leave the levels of the log as they were: a test may run a command, which sets its own."""
    loggers = [logging.getLogger(name) for name in (None, "app")]
    before = [one.level for one in loggers]
    yield
    for one, level in zip(loggers, before, strict=True):
        one.setLevel(level)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the folders that take long, else in the order of names."""
    items.sort(key=lambda item: _rank(item.path.relative_to(TESTS).parts[0]))


def _rank(folder: str) -> int:
    return LONG.index(folder) if folder in LONG else len(LONG)
