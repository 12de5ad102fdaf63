"""The page of settings says what the settings say of themselves."""

from __future__ import annotations

import difflib
from pathlib import Path

from tests.docs.settings_table import rows

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
COMPOSE = Path(__file__).parents[2] / "docker-compose.yml"


def test_the_page_has_each_setting_as_the_code_has_it() -> None:
    """Names, defaults and meanings are those of the fields, in their order."""
    expected = rows()
    actual = [line for line in PAGE.read_text().splitlines() if line.startswith("| NEO_")]

    difference = difflib.unified_diff(actual, expected, "the page", "the settings", lineterm="")
    assert expected == actual, "\n".join(difference)


def test_the_compose_file_passes_each_setting_on() -> None:
    """What is set around `docker compose` reaches the gateway, whatever it is."""
    expected = {row.split()[1] for row in rows()}
    actual = {
        line.partition(":")[0].strip()
        for line in COMPOSE.read_text().splitlines()
        if line.startswith("      NEO_")
    }

    assert expected == actual
