"""`neo-gateway bench`, as a program: before a real server, and interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from app.demo.endpoint import create_endpoint
from app.wire.tensors import TensorSpec
from tests.served_apps import running
from tests.tiny import SIDE, TinyModel, clean_images, stamped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

PROGRAM = (sys.executable, "-c", "from app.bench.command import bench; bench()")
IMAGES = clean_images(60, np.random.default_rng(5))


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Serve the tiny model over the Open Inference Protocol; give the address."""
    model = TinyModel()

    def predict(batch: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
        scores = model.classify(batch.astype(np.uint8)).scores
        assert scores is not None
        return {"scores": scores}

    outputs = [TensorSpec("scores", "FP32", (-1, 4))]
    with running(create_endpoint("tiny", predict, shape=(SIDE, SIDE, 3), outputs=outputs)) as url:
        yield url


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    """Return a file of clean images."""
    np.savez(tmp_path / "reference.npz", x=IMAGES)
    return tmp_path / "reference.npz"


@pytest.fixture
def temporary() -> Iterator[Path]:
    """Return a directory for the program's own files; its path is short, as sockets need it."""
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory)


def _started(temporary: Path, *options: str, **environment: str) -> subprocess.Popen[str]:
    usual = {n: v for n, v in os.environ.items() if not n.startswith("NEO_")}
    return subprocess.Popen(
        [*PROGRAM, *options],
        env=usual | {"TMPDIR": str(temporary)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_both_ways_are_measured(server: str, reference: Path, temporary: Path) -> None:
    """The table has each number of clients, both ways, a strategy's inferences and the flags."""
    np.savez(reference.with_name("images.npz"), x=stamped(IMAGES[:4]))
    wanted = ("--requests", "8", "--clients", "1,3", "--strategy", "full", "--strategy", "off")
    paths = ("--images", str(reference.with_name("images.npz")), "--json", str(temporary / "out"))
    named = ("--upstream", server, "--model", "tiny")
    program = _started(temporary, *named, *wanted, *paths, NEO_REFERENCE=str(reference))
    shown, errors = program.communicate(timeout=120)
    assert 0 == program.returncode, errors
    assert "of 16 images were flagged: false alarms, if all are clean" in shown
    full, more, off, _ = json.loads((temporary / "out").read_bytes())["figures"]
    assert ["full", 1, "full", 3, "off", 1] == [
        one[name] for one in (full, more, off) for name in ("strategy", "clients")
    ]
    assert (8, 0, 1.0) == (off["requests"], off["flagged"], off["inferences"])
    assert (8, {}) == (full["requests"], full["refused"])
    assert 8 >= full["flagged"] > 0
    for way in (full["direct"], full["gateway"]):
        assert 0 < way["p50_ms"] <= way["p95_ms"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"--model": "tiny"}, "--upstream: NEO_UPSTREAM_URL is not set"),
        ({"--reference": "nowhere"}, "--reference: NEO_REFERENCE is wrong: there is no nowhere"),
        ({"--images": "nowhere"}, "--images: nowhere: no such file"),
        ({"--upstream": "http://127.0.0.1:1"}, "--upstream: 127.0.0.1:1: no connection"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    given: dict[str, str], said: str, server: str, reference: Path, temporary: Path
) -> None:
    """Before anything starts, one line names the option and what is wrong with it."""
    usual = {"--upstream": server, "--model": "tiny", "--reference": str(reference)}
    options = given if "not set" in said else usual | given
    program = _started(temporary, *(word for option in options.items() for word in option))
    _, errors = program.communicate(timeout=60)
    assert (2, 1) == (program.returncode, errors.count("\n"))
    assert said in errors


@pytest.mark.slow
def test_ctrl_c_stops_what_was_started(server: str, reference: Path, temporary: Path) -> None:
    """A SIGINT midway ends it with exit code 130, and leaves no process and no file."""
    named = ("--upstream", server, "--model", "tiny", "--reference", str(reference))
    program = _started(temporary, *named, "--strategy", "off", "--requests", "1000000")
    assert program.stderr is not None
    while "images each way" not in program.stderr.readline():
        assert program.poll() is None
    program.send_signal(signal.SIGINT)
    program.communicate(timeout=60)
    assert 130 == program.returncode
    assert [] == list(temporary.iterdir())
    assert [] == _processes_in(temporary)


def _processes_in(directory: Path) -> list[str]:
    """Return the ids of the processes whose temporary files lie in *directory*."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            environment = (path / "environ").read_bytes() + (path / "cmdline").read_bytes()
        except OSError:  # it has just ended
            continue
        if str(directory).encode() in environment:
            found.append(path.name)
    return found
