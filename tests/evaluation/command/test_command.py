"""`neo-gateway evaluate`, as a program: against a real server, and interrupted."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from app.demo.endpoint import create_endpoint
from app.wire.tensors import TensorSpec
from tests.evaluation.tiny_subjects import WHITE, tiny_subject
from tests.files import encoded
from tests.served_apps import running
from tests.tiny import SIDE, TARGET, TRIGGER_BOX, TinyModel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

PROGRAM = (sys.executable, "-m", "app.cli", "evaluate")
CORNER = f"{TRIGGER_BOX.x},{TRIGGER_BOX.y}"


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
def files(tmp_path: Path) -> Path:
    """Return a folder with references, test images, a trigger and the classes' names."""
    subject = tiny_subject()
    np.savez(tmp_path / "references.npz", x=subject.references)
    np.savez(tmp_path / "test.npz", x=subject.test, y=subject.labels)
    (tmp_path / "white.png").write_bytes(encoded(WHITE.rgba))
    (tmp_path / "labels.txt").write_text("\n".join(subject.class_names))
    return tmp_path


def _evaluated(server: str, files: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *PROGRAM,
            *("--upstream", server, "--model", "tiny", "--trigger-max", "0.2", "--images", "30"),
            *("--reference", str(files / "references.npz"), "--test", str(files / "test.npz")),
            *more,
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.slow
def test_all_experiments_on_a_model_behind_a_server(server: str, files: Path) -> None:
    """All experiments print tables and write figures and a report; the target goes by its name."""
    trigger = ("--trigger", str(files / "white.png"), "--at", CORNER, "--target", "blue")
    wanted = ("--experiment", "all", "--strategy", "fast", "--strategy", "off")
    paths = ("--json", str(files / "out.json"), "--report", str(files / "out.html"))
    names = ("--labels", str(files / "labels.txt"))
    ended = _evaluated(server, files, *trigger, *wanted, *paths, *names)
    assert (0, "") == (ended.returncode, ended.stderr)
    assert [] == [rq for rq in ("RQ1", "RQ2", "RQ3", "RQ4") if f"{rq}: " not in ended.stdout]

    told = json.loads((files / "out.json").read_bytes())
    fast, off = told["results"]["detections"]
    assert ((3, 3), (0, 3)) == (
        (fast["flagged"]["tp"], fast["poisoned"]),
        (off["flagged"]["tp"], off["poisoned"]),
    )
    assert {TARGET} == {one["target"] for one in told["results"]["reconstructions"][0]["found"]}
    assert "blue" in (files / "out.html").read_text()


@pytest.mark.slow
def test_a_model_without_a_known_trigger_shows_its_false_alarms(server: str, files: Path) -> None:
    """Without a known trigger the default experiments say nothing about poisoned images."""
    ended = _evaluated(server, files, "--no-strip")
    assert (0, "") == (ended.returncode, ended.stderr)
    assert "None was found." in ended.stdout
    assert "STRIP" not in ended.stdout


def test_a_trigger_beyond_the_image_is_refused(server: str, files: Path) -> None:
    """Before the model is asked anything, one line says what is wrong and how to mend it."""
    trigger = ("--trigger", str(files / "white.png"), "--at", "15,15", "--target", "2")
    ended = _evaluated(server, files, *trigger)
    assert (2, 1) == (ended.returncode, ended.stderr.count("\n"))
    assert "give another --at X,Y" in ended.stderr


def test_a_target_that_is_no_class_is_refused(server: str, files: Path) -> None:
    """A target given by name needs the file of names."""
    trigger = ("--trigger", str(files / "white.png"), "--at", CORNER, "--target", "blue")
    ended = _evaluated(server, files, *trigger)
    assert (2, 1) == (ended.returncode, ended.stderr.count("\n"))
    assert "--target 'blue' is not a class" in ended.stderr


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_done(tmp_path: Path) -> None:
    """After a SIGINT in the second run, tables and files are written, and the exit code is 130."""
    paths = [tmp_path / "out.json", tmp_path / "out.html"]
    words = ("--suite", "patch", "--strategy", "off", "--strategy", "fast", "--no-strip")
    controller, terminal = os.openpty()
    with subprocess.Popen(
        [*PROGRAM, *words, "--json", str(paths[0]), "--report", str(paths[1])],
        stdout=terminal,
        stderr=subprocess.PIPE,
        env={**os.environ, "COLUMNS": "160", "TERM": "xterm", "NO_COLOR": "1"},
    ) as program:
        os.close(terminal)
        shown = _shown_until(re.compile(rb"patch, fast, mixed.* [1-9]\d*/500"), controller)
        program.send_signal(signal.SIGINT)
        shown += _shown_until(None, controller)
        _, errors = program.communicate(timeout=60)
    os.close(controller)
    assert (130, b"") == (program.returncode, errors)
    assert b"Stopped: 1 of 2 runs are missing, 1 of them begun" in shown

    told = json.loads(paths[0].read_bytes())
    off, fast = (run["series"]["said"] for run in told["runs"])
    assert (500, False, "fast") == (len(off), told["complete"], told["missing"][0]["strategy"])
    assert 0 < len(fast) < 500
    assert "1 of the runs that were planned were not done" in paths[1].read_text()


def _shown_until(wanted: re.Pattern[bytes] | None, terminal: int) -> bytes:
    """Read what a program writes to its terminal until *wanted* is there, or it ends."""
    shown = b""
    with contextlib.suppress(OSError):  # Linux: the program has closed it
        while wanted is None or not wanted.search(shown):
            part = os.read(terminal, 4096)
            if not part:
                break
            shown += part
    return shown
