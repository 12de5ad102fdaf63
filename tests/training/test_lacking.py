"""Whoever trains models without what it takes is told what to install, not shown a traceback."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.benchmarks.training.lacking import give_up
from tests.docs.pages import ROOT

MODULES = ("tests.benchmarks.training", "tests.benchmarks.training.field")


@pytest.mark.parametrize("module", MODULES)
def test_without_torch_one_line_says_what_to_install(module: str) -> None:
    """It ends as wrong usage does, with 2, and a line that can be pasted."""
    lacking = f"import runpy, sys; sys.modules['torch'] = None; runpy.run_module('{module}', "
    code = f"{lacking}run_name='__main__')"
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )

    said = f"python -m {module} needs torch, in an environment of its own: pip install torch"
    assert 2 == ended.returncode
    assert [True] == [line.startswith(said) for line in ended.stderr.splitlines()]


def test_a_module_of_ours_that_is_missing_is_a_fault() -> None:
    """It is raised as it is: nothing that can be installed would mend it."""
    with pytest.raises(ModuleNotFoundError, match="gone"):
        give_up("python -m any", ModuleNotFoundError("gone", name="tests.gone"))
