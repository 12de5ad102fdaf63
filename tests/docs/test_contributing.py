"""Who changes the project finds each room."""

from __future__ import annotations

import re
import tomllib
from typing import Any

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


def test_rooms_stand_in_the_order_of_the_layers() -> None:
    """The layout goes from top to bottom as import-linter has it, and names who share a floor."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    floors = [set(layer.split(" | ")) for layer in layers_of(project)]
    layout = PAGE.partition("## Layout")[2].partition("\n\nBegin with")[0]
    told = layout.partition("These share a floor:")[2].partition(". import-linter")[0]
    assert [floor for floor in floors if len(floor) > 1] == [
        set(re.findall(r"`(\w+)`", part)) for part in told.split(";")
    ]
    rooms = re.findall(r"^\| `app/(\w+)(?:\.py)?` \|", layout, re.MULTILINE)
    assert rooms == sorted(rooms, key=lambda room: [room in floor for floor in floors].index(True))


def layers_of(project: dict[str, Any]) -> list[str]:
    """Return the layers of the first contract of *project*."""
    layers: list[str] = project["tool"]["importlinter"]["contracts"][0]["layers"]
    return layers


def test_every_command_has_its_line() -> None:
    """Each command of the Makefile that a contributor may want is in the table, or is a step."""
    commands = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert {"clean", "help"} == {name for name in commands if f"| `make {name}` |" not in PAGE}
