"""A virtual environment for each kind of model server, made on first use and kept."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

SERVERS = Path(__file__).with_name("servers")
DIRECTORY = Path(
    os.environ.get("CONFORMANCE_ENVIRONMENTS", Path(__file__).parents[2] / ".venv-conformance")
)


class UninstallableError(Exception):
    """Pip can't install the server here; the message is what it said last."""


def python_of(server: str) -> str:
    """Return the Python with the packages of *server*; where they have changed, it is made anew.

    Raises UninstallableError.
    """
    DIRECTORY.mkdir(exist_ok=True)
    (DIRECTORY / ".gitignore").write_text("*\n")
    with (DIRECTORY / f"{server}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # for another test run at the same time
        environment = DIRECTORY / server
        python = str(environment / "bin" / "python")
        requirements = SERVERS / f"{server}.txt"
        wanted, stamp = sys.version + requirements.read_text(), environment / "installed"
        if not stamp.exists() or stamp.read_text() != wanted:
            shutil.rmtree(environment, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
            _install(python, requirements)
            stamp.write_text(wanted)
        return python


def _install(python: str, requirements: Path) -> None:
    pip = [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    ended = subprocess.run(
        [*pip, "--requirement", str(requirements)], capture_output=True, text=True, check=False
    )
    if ended.returncode:
        raise UninstallableError((ended.stderr.strip().splitlines() or ["pip failed"])[-1])
