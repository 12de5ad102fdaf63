"""The code cites the detector's specification by sections that it has."""

from __future__ import annotations

import re
from pathlib import Path

from tests.docs.pages import ROOT, headings

SPECIFICATION = ROOT / "docs" / "detection.md"
NUMBER = r"\d+(?:\.\d+)*"
MENTION = re.compile(r"detection\.md")
MODULE = re.compile(r"`([\w/]+\.py)`")
CITATION = re.compile(rf"`docs/detection\.md`\s+({NUMBER}(?:(?:,| and)\s+{NUMBER})*)")


def sections() -> set[str]:
    """Return the numbers of the specification's sections."""
    found = (re.match(NUMBER, heading) for heading in headings(SPECIFICATION))
    return {number.group() for number in found if number}


def sources() -> list[Path]:
    """Return the code, its tests too, but for those of the pages themselves."""
    files = [*(ROOT / "app").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    return [file for file in sorted(files) if file.parent != Path(__file__).parent]


def test_each_citation_has_its_section() -> None:
    """Every section that the code cites is one of the specification's."""
    cited = {
        (file.relative_to(ROOT).as_posix(), number)
        for file in sources()
        for numbers in CITATION.findall(file.read_text())
        for number in re.findall(NUMBER, numbers)
    }
    assert cited
    known = sections()
    assert [] == sorted((file, number) for file, number in cited if number not in known)


def test_one_form() -> None:
    """The specification is cited as `docs/detection.md` with a section, never otherwise."""
    otherwise = {
        file.relative_to(ROOT).as_posix(): len(MENTION.findall(text)) - len(CITATION.findall(text))
        for file in sources()
        if (text := file.read_text())
    }
    assert {} == {file: count for file, count in otherwise.items() if count}


def test_each_module_is_there() -> None:
    """Every module that the specification names is one of the project's, or of the detector's."""
    named = MODULE.findall(SPECIFICATION.read_text())
    assert named
    places = (ROOT, ROOT / "app" / "detection")
    assert [] == [name for name in named if not any((place / name).is_file() for place in places)]
