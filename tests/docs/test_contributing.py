"""Who changes the project finds each room."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT

PAGE = (ROOT / ".github" / "CONTRIBUTING.md").read_text()


def test_every_room_has_its_line() -> None:
    """Each folder of `app/` and each file beside them is in the layout, and no other."""
    app = ROOT / "app"
    folders = {str(file.parent.relative_to(ROOT)) for file in app.glob("*/**/__init__.py")}
    files = {str(file.relative_to(ROOT)) for file in app.glob("*.py")} - {"app/__init__.py"}

    layout = PAGE.partition("## Layout")[2].partition("\n\nBegin with")[0]
    rows = [row.partition(" | ")[0] for row in layout.splitlines() if row.startswith("| ")]
    assert folders | files == set(re.findall(r"`(app/[\w/.]+)`", "\n".join(rows)))


def test_every_command_has_its_line() -> None:
    """Each command of the Makefile that a contributor may want is in the table, or is a step."""
    commands = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert {"clean", "help"} == {name for name in commands if f"| `make {name}` |" not in PAGE}
