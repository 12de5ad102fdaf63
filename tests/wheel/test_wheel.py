"""The wheel as users install it, into an empty environment: without extras, then with `demo`.

The tests run in this order: the extra goes into the environment of the first ones. Versions are
those of the lock, so that pip has most of them in its cache.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest

from tests.faults.service import free_port, status
from tests.library.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
WAIT_S = 60.0
PINNED = re.compile(r"^\S+==[^\\\n]+", re.MULTILINE)
ENVIRONMENT = {n: v for n, v in os.environ.items() if not n.startswith(("NEO_", "PYTHON"))}


class Installed:
    """An environment with the wheel in it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._python = directory / "venv" / "bin" / "python"
        subprocess.run(
            [sys.executable, "-m", "venv", "--without-pip", "venv"], cwd=directory, check=True
        )
        subprocess.run([*PIP, "wheel", "--no-deps", "--wheel-dir", directory, ROOT], check=True)
        self._constraints = directory / "constraints.txt"
        locked = PINNED.findall((ROOT / "requirements-dev.lock").read_text())
        self._constraints.write_text("\n".join(locked))

    def install(self, extra: str = "") -> None:
        """Install the wheel with this *extra*, as `[demo]`."""
        (wheel,) = self.directory.glob("neo_gateway-*.whl")
        install = (*PIP, "--python", self._python, "install", "--no-compile")
        subprocess.run([*install, "--constraint", self._constraints, f"{wheel}{extra}"], check=True)

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """Start the program with these *words*, far from the clone."""
        return subprocess.Popen(
            [self._python.with_name("neo-gateway"), *words],
            cwd=self.directory,
            env=ENVIRONMENT | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Install the wheel without extras."""
    installed = Installed(tmp_path_factory.mktemp("wheel"))
    installed.install()
    return installed


@pytest.fixture(scope="module")
def serving(bare: Installed) -> Iterator[str]:
    """Run the gateway before a model server that isn't there; give its address."""
    np.savez(bare.directory / "references.npz", x=np.zeros((64, 8, 8, 3), np.uint8))
    port = free_port()
    settings = {
        "NEO_UPSTREAM_URL": f"http://127.0.0.1:{free_port()}",
        "NEO_MODEL": "none",
        "NEO_REFERENCE": "references.npz",
        "XDG_STATE_HOME": str(bare.directory / "state"),
    }
    process = bare.start("serve", "--port", str(port), **settings)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: process.poll() is not None or status(f"{url}/healthz") == 200, WAIT_S)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=WAIT_S)
    assert 0 == process.returncode, said


def test_without_extras_it_serves(serving: str) -> None:
    """It lives, says that the model server is missing, and has its pages with it."""
    readiness = httpx.get(f"{serving}/readyz")
    problem: dict[str, Any] = readiness.json()
    assert (503, True) == (readiness.status_code, problem["detail"].startswith("upstream: "))
    page = httpx.get(f"{serving}/")
    assert (200, True) == (page.status_code, "NEO Gateway: none" in page.text)


def test_without_the_extra_the_demo_says_what_it_needs(bare: Installed) -> None:
    """One line, with what to type."""
    said, _ = (process := bare.start("demo", "--once")).communicate(timeout=WAIT_S)
    assert (2, 1) == (process.returncode, said.count("\n"))
    assert said.startswith("neo-gateway: demo needs ")
    assert said.endswith(": pip install 'neo-gateway[demo]'\n")


def test_with_the_extra_the_demo_runs(bare: Installed) -> None:
    """It finds the trigger and ends with 0."""
    bare.install("[demo]")
    said, _ = (process := bare.start("demo", "--once")).communicate(timeout=4 * WAIT_S)
    assert 0 == process.returncode, said
    assert "overlap with the true trigger" in said
