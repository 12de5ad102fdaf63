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
    page = (tmp_path / "out.html").read_text()
    assert "tiny, mean: answers and price" in page
    assert "How the defences are set" in page
    assert "pixels times 1 to 11" in page
    assert "15 corruptions" not in page  # of those that were measured alone

    document = json.loads((tmp_path / "out.json").read_bytes())
    assert document["complete"]
    assert "labels" == document["defences"]["teco"]["needs"]
    assert 1200 > document["rows"][1]["preparation"]["value"] > 0
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


def test_what_was_kept_is_shown_and_nothing_measured(tmp_path: Path) -> None:
    """A long table is filled bit by bit; what is missing is named in the document."""
    folder, out = tiny_field(tmp_path / "models"), tmp_path / "out.json"
    some = ("--folder", str(folder), "--images", "30", "--only", "badnets,scale-up")
    assert 0 == _evaluated(*some).exit_code
    kept = sorted((folder / "measured").iterdir())
    ended = _evaluated(*some, "--seeds", "2", "--kept", "--json", str(out))
    assert (0, "") == (ended.exit_code, ended.stderr)
    assert "2 of 4 cells are missing; without --kept they are measured." in ended.output
    assert kept == sorted((folder / "measured").iterdir())
    document = json.loads(out.read_bytes())
    assert not document["complete"]
    assert [
        "tiny/mean/badnets-10, scale-up, seed 1",
        "tiny/mean/none, scale-up, seed 1",
    ] == document["missing"]
    assert [1, 1] == [row["runs"] for row in document["rows"]]


def test_cells_of_earlier_code_count_if_asked_for(tmp_path: Path) -> None:
    """And the table marks them: otherwise each is measured again after the code has changed."""
    folder, out = tiny_field(tmp_path / "models"), tmp_path / "out.json"
    some = ("--folder", str(folder), "--images", "30", "--only", "badnets,scale-up")
    assert 0 == _evaluated(*some).exit_code
    for path in (folder / "measured").iterdir():
        path.rename(path.with_name(f"{path.stem.rpartition('-')[0]}-earlier.json"))
    assert "2 of 2 cells are missing" in _evaluated(*some, "--kept").output
    ended = _evaluated(*some, "--earlier", "--json", str(out))
    assert 0 == ended.exit_code
    assert "scale-up *" in ended.output
    assert 2 == len(list((folder / "measured").iterdir()))
    assert [1, 1] == [row["earlier"] for row in json.loads(out.read_bytes())["rows"]]
