"""What the project is made of is locked by hashes, and listed in each image."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
LOCKS = sorted(ROOT.glob("requirements*.lock"))
LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)(?: ; ([^\\]+))?", re.MULTILINE)


def locked(lock: str) -> set[tuple[str, str]]:
    """Return the names and versions in *lock* that are for this machine."""
    entries = LOCKED.findall((ROOT / lock).read_text())
    return {
        (canonicalize_name(name), version)
        for name, version, marker in entries
        if not marker or Marker(marker.strip()).evaluate()
    }


def listed(document: Path) -> set[tuple[str, str]]:
    """Return the names and versions in a CycloneDX *document*."""
    found: dict[str, Any] = json.loads(document.read_text())
    assert "CycloneDX" == found["bomFormat"]
    assert "neo-gateway" == found["metadata"]["component"]["name"]
    return {(canonicalize_name(one["name"]), one["version"]) for one in found["components"]}


def tool(command: str, output: Path) -> list[str]:
    """Return a *command* of the Dockerfile or the Makefile, run from here and writing *output*."""
    program, *arguments = shlex.split(command)
    assert program.endswith("cyclonedx-py")
    arguments[arguments.index("--output-file") + 1] = str(output)
    return [sys.executable, "-m", "cyclonedx_py", *arguments]


def test_images_list_their_packages(tmp_path: Path) -> None:
    """The command of the image build writes a document with all that the gateway has."""
    (command, other) = re.findall(
        r"^RUN (cyclonedx-py .*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE
    )
    assert command == other
    run = tool(command.replace(" /venv", f" {sys.prefix}"), tmp_path / "sbom.json")
    # Validating takes ten seconds for the many packages that are here; the image build does it.
    subprocess.run([*run, "--no-validate"], cwd=ROOT, check=True)
    assert locked("requirements.lock") <= listed(tmp_path / "sbom.json")


@pytest.mark.slow
def test_make_sbom_lists_what_is_locked(tmp_path: Path) -> None:
    """`make sbom` writes a valid document of the whole lock file."""
    recipe = re.search(
        r"\$\(BIN\)/(cyclonedx-py .*?)\n\n", (ROOT / "Makefile").read_text(), re.DOTALL
    )
    assert recipe is not None
    command = recipe[1].replace("\\\n", "")
    subprocess.run(tool(command, tmp_path / "sbom.json"), cwd=ROOT, check=True)
    assert locked("requirements.lock") <= listed(tmp_path / "sbom.json")


@pytest.mark.parametrize("lock", LOCKS, ids=[lock.name for lock in LOCKS])
def test_locks_are_complete(lock: Path) -> None:
    """Each package has a version and a hash, and no file names where it comes from."""
    text = lock.read_text()
    entries = re.split(r"^(?=\S)", text.partition("make lock\n")[2], flags=re.MULTILINE)[1:]
    assert entries
    assert all(" \\\n    --hash=sha256:" in entry for entry in entries)
    assert "://" not in text


def test_tool_that_lists_is_the_one_that_is_tested() -> None:
    """The image build lists packages by the same versions as these tests."""
    assert locked("requirements-sbom.lock") <= locked("requirements-dev.lock")
    tested = distribution("cyclonedx-bom").version
    assert ("cyclonedx-bom", tested) in locked("requirements-sbom.lock")


def test_threat_model_names_tests_that_are_there() -> None:
    """What the threat model says is shown by a test is shown by one."""
    text = (ROOT / ".github" / "THREAT-MODEL.md").read_text()
    named = re.findall(r"`((?:[a-z]+/)*test_\w+)`", text)
    assert named
    assert [] == [name for name in named if not (ROOT / "tests" / f"{name}.py").exists()]
