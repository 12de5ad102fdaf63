"""A digest of the code that a figure depends on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.evaluation.field.code import ROOT, code_digest
from app.evaluation.field.defences import Other, Ours

if TYPE_CHECKING:
    from pathlib import Path


def test_any_file_in_the_folders_counts_and_no_other(tmp_path: Path) -> None:
    """A changed, a further and a moved file make another digest; one beside the folders doesn't."""

    def digest() -> str:
        code_digest.cache_clear()  # a program's own code doesn't change while it runs
        return code_digest(("own", "also"), tmp_path)

    (tmp_path / "own" / "inner").mkdir(parents=True)
    (tmp_path / "own" / "inner" / "a.py").write_text("a = 1")
    seen = [digest()]
    (tmp_path / "b.py").write_text("b = 1")
    assert seen == [digest()]
    (tmp_path / "own" / "inner" / "a.py").write_text("a = 2")
    seen.append(digest())
    (tmp_path / "also").mkdir()
    (tmp_path / "also" / "c.py").write_text("c = 1")
    seen.append(digest())
    (tmp_path / "also" / "c.py").rename(tmp_path / "own" / "c.py")
    seen.append(digest())
    assert len(set(seen)) == len(seen)


def test_what_defences_consist_of_is_there() -> None:
    """A folder that was renamed would make every digest that of nothing."""
    for folder in (*Ours.code, *Other.code):
        assert list((ROOT / folder).rglob("*.py")), folder
