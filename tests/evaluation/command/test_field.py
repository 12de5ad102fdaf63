"""`neo-gateway evaluate --suite field`, from its options to its files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from click.testing import CliRunner

from app.cli import main
from tests.evaluation.field.folders import tiny_field

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


def _evaluated(*more: str) -> Result:
    return CliRunner().invoke(main, ["evaluate", "--suite", "field", *more])


def test_chosen_cells_are_measured_once_and_written(tmp_path: Path) -> None:
    """Two defences on an attack and on the clean model; again all is read from the folder."""
    folder = tiny_field(tmp_path / "models")
    told = ("--json", str(tmp_path / "out.json"), "--report", str(tmp_path / "out.html"))
    chosen = ("--only", "badnets,scale-up", "--only", "badnets,fast", "--images", "30")
    ended = _evaluated("--folder", str(folder), *chosen, *told)
    assert (0, "") == (ended.exit_code, ended.stderr)
    assert "tiny, mean: what is caught" in ended.output
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
    assert 0 == again.exit_code
    assert kept == {path: path.stat().st_mtime_ns for path in (folder / "measured").iterdir()}
