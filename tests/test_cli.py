"""The program: it starts in no time, and says what it lacks."""

from __future__ import annotations

import subprocess
import sys

import pytest

WITHOUT = "import sys; sys.modules[sys.argv.pop()] = None; from app.cli import main; main()"
"""A program that runs the command it is given as if the last word's package weren't installed."""
SLOW = {"fastapi", "numpy", "PIL", "pydantic", "rich", "sklearn", "uvicorn"}
"""Packages whose import takes longer than a help text may."""


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize(
    "words",
    [["--version"], ["serve"], ["check"], ["demo"], ["evaluate"], ["bench"], ["scan"]],
    ids=" ".join,
)
def test_help_loads_no_large_package(words: list[str]) -> None:
    """Each command's help, and the version, come without what the commands work with."""
    options = words if words == ["--version"] else [*words, "--help"]
    run = _run("-X", "importtime", "-m", "app.cli", *options)
    imported = {line.rpartition("|")[2].strip() for line in run.stderr.splitlines()}
    assert 0 == run.returncode
    assert "click" in imported
    assert set() == imported & SLOW


@pytest.mark.parametrize(
    ("command", "package", "extra"),
    [
        (["bench"], "rich", "bench"),
        (["evaluate", "--suite"], "rich", "evaluate"),
        (["evaluate", "--suite"], "mlxtend", "evaluate"),
        (["scan", "."], "rich", "scan"),
        (["demo"], "rich", "demo"),
        (["demo"], "mlxtend", "demo"),
        (["demo-model"], "joblib", "demo"),
        (["demo-references", "nowhere"], "mlxtend", "demo"),
    ],
)
def test_missing_extra_is_named_with_its_command(
    command: list[str], package: str, extra: str
) -> None:
    """One line says what is missing and how it is installed; the exit code is 2."""
    run = _run("-c", WITHOUT, *command, package)
    assert (2, 1) == (run.returncode, run.stderr.count("\n")), run.stderr
    assert f"needs {package}: pip install 'neo-gateway[{extra}]'" in run.stderr


def test_other_missing_packages_are_errors_of_the_installation() -> None:
    """No extra would bring what the gateway itself needs."""
    run = _run("-c", WITHOUT, "serve", "uvicorn")
    assert 1 == run.returncode
    assert "ModuleNotFoundError" in run.stderr
