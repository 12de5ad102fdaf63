"""`neo-gateway evaluate --suite field`, as a program."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.evaluation.field.folders import tiny_field

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = (sys.executable, "-m", "app.cli", "evaluate", "--suite", "field")


def _evaluated(*more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *more], capture_output=True, text=True, check=False, timeout=120
    )


def test_chosen_cells_are_measured_once_and_written(tmp_path: Path) -> None:
    """Two defences on an attack and on the clean model; again all is read from the folder."""
    folder = tiny_field(tmp_path / "models")
    told = ("--json", str(tmp_path / "out.json"), "--report", str(tmp_path / "out.html"))
    chosen = ("--only", "badnets,scale-up", "--only", "badnets,fast", "--images", "30")
    ended = _evaluated("--folder", str(folder), *chosen, *told)
    assert (0, "") == (ended.returncode, ended.stderr)
    assert "tiny, mean: what is caught" in ended.stdout
    assert "tiny, mean: answers and price" in (tmp_path / "out.html").read_text()

    document = json.loads((tmp_path / "out.json").read_bytes())
    assert document["complete"]
    assert [
        ("badnets", "fast"),
        ("badnets", "scale-up"),
        ("none", "fast"),
        ("none", "scale-up"),
    ] == [(row["attack"], row["defence"]) for row in document["rows"]]
    kept = {path: path.stat().st_mtime_ns for path in (folder / "measured").iterdir()}
    assert 4 == len(kept)
    again = _evaluated("--folder", str(folder), *chosen)
    assert 0 == again.returncode
    assert kept == {path: path.stat().st_mtime_ns for path in (folder / "measured").iterdir()}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--folder", "/nowhere"), "--folder /nowhere: there is no such folder"),
        (("--strategy", "fast"), "--strategy doesn't go with --suite field"),
        (("--only", "mnist,,sig"), "has an empty word"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(more: tuple[str, ...], said: str) -> None:
    """Wrong options end with 2 and name the mend."""
    ended = _evaluated(*more)
    assert 2 == ended.returncode
    assert said in ended.stderr
