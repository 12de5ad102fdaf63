"""The settings blocks of the model servers can be used as they are printed."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from app.settings import read_settings
from tests.conformance.dialects import DIALECTS
from tests.docs.pages import ROOT

SECTION = re.compile(r"^## ([^\n]+)\n\n```\n(.+?)\n```", re.MULTILINE | re.DOTALL)
BLOCKS = dict(SECTION.findall((ROOT / "docs" / "servers.md").read_text()))
TRIED = {
    "KServe": "kserve-v2",
    "Triton": "triton",
    "MLServer": "mlserver-proba",
    "MLflow": "mlflow",
}
PROTOCOL = {"NEO_UPSTREAM_PROTOCOL": "oip"}
ITS_OWN = {"NEO_UPSTREAM_URL", "NEO_MODEL", "NEO_REFERENCE", "NEO_INPUT_SIZE"}


@pytest.mark.parametrize("server", BLOCKS)
def test_a_block_is_accepted(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `.env` with the block is all that the settings need, beside the files that it names."""
    for name in [name for name in os.environ if name.upper().startswith("NEO_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    Path("clean-images").mkdir()
    Path("labels.txt").write_text("stop\nyield\n")
    Path("token.txt").write_text("secret\n")
    Path(".env").write_text(BLOCKS[server])

    assert Path("clean-images") == read_settings().reference


@pytest.mark.parametrize("server", TRIED)
def test_a_block_is_what_was_tried(server: str) -> None:
    """What conformance sets for a server is what the page tells, but for sizes and addresses."""
    block = dict(line.split("=", 1) for line in BLOCKS[server].splitlines())
    expected = PROTOCOL | dict(DIALECTS[TRIED[server]].settings)

    assert settled(expected) == settled(PROTOCOL | block)
    assert ("NEO_INPUT_SIZE" in expected) is ("NEO_INPUT_SIZE" in block)


def settled(settings: dict[str, str]) -> dict[str, str]:
    """Return those that are the same for every model of a kind of server."""
    return {name: value for name, value in settings.items() if name not in ITS_OWN}


def test_every_server_has_a_block() -> None:
    """The eight of the table are those with a block."""
    table = (ROOT / "docs" / "servers.md").read_text().partition("| server | protocol |")[2]
    rows = re.findall(r"^\| \[(.+?)\]", table.partition("\n\n")[0], re.MULTILINE)

    assert list(BLOCKS) == rows
