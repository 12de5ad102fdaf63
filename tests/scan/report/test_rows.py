"""Rows that can't be written, and nothing half written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from app.scan.report.rows import write_rows, written
from app.scan.state.file import MEMORY, opened_state
from app.scan.state.state import State

if TYPE_CHECKING:
    from pathlib import Path


def test_a_full_disk_is_told_with_the_name_of_the_file() -> None:
    """The system's own words don't say which one."""
    words = re.escape("/dev/full: No space left on device")
    with opened_state(MEMORY) as connection, pytest.raises(OSError, match=f"^{words}$"):
        write_rows(State(connection), "/dev/full", "csv")


def test_what_was_there_stays_until_all_is_written(tmp_path: Path) -> None:
    """And no part is left."""
    file = tmp_path / "page.html"
    file.write_bytes(b"before")
    with pytest.raises(ZeroDivisionError):
        _end_half_way(str(file))
    assert [("page.html", b"before")] == [
        (one.name, one.read_bytes()) for one in tmp_path.iterdir()
    ]


def _end_half_way(file: str) -> None:
    with written(file) as page:
        page.write(b"half")
        raise ZeroDivisionError
