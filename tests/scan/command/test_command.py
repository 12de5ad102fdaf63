"""`neo-gateway scan`, as a program: against a real server, stopped, killed and started again."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from click.testing import CliRunner
from pyarrow import parquet

from app.scan.command.command import scan
from app.scan.report.rows import write_rows
from app.scan.state.file import MEMORY, opened_state
from app.scan.state.state import State
from tests.scan.tiny_scan import references, write_pictures
from tests.scan.tiny_server import served
from tests.tiny import SIDE, TARGET

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.scan.tiny_server import TinyServer

PROGRAM = (sys.executable, "-m", "app.cli", "scan")
CLEAN_ENVIRONMENT = {n: v for n, v in os.environ.items() if not n.startswith("NEO_")}
COUNT = 150
POISONED = (3, 40, 77, 120, 148)


@pytest.fixture(scope="module")
def server() -> Iterator[TinyServer]:
    """Serve the tiny model."""
    with served() as one:
        yield one


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Return a folder with references, pictures, and the classes' names."""
    np.savez(tmp_path / "references.npz", x=references())
    write_pictures(tmp_path / "pictures", COUNT, POISONED)
    (tmp_path / "labels.txt").write_text("red\ngreen\nblue\ngrey\n")
    return tmp_path


def _words(server: TinyServer, files: Path, *more: str) -> list[str]:
    return [
        *PROGRAM,
        str(files / "pictures"),
        *("--upstream", server.url, "--model", "tiny", "--trigger-max", "0.2"),
        *("--reference", str(files / "references.npz"), "--strategy", "fast", "--seed", "4"),
        *("--output", str(files / "out.jsonl"), "--processes", "1"),
        *more,
    ]


def _scanned(server: TinyServer, files: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _words(server, files, *more),
        env=CLEAN_ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def _rows(files: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (files / "out.jsonl").read_text().splitlines()]


def _flagged(files: Path) -> list[int]:
    return [i for i, row in enumerate(_rows(files)) if row["verdict"] == "backdoor"]


@pytest.mark.slow
def test_a_scan_ends_with_rows_and_a_summary(server: TinyServer, files: Path) -> None:
    """Rows in order, with names of classes; 3 where a trigger is to fail; nothing on stdout."""
    (files / "pictures" / "z<b>.gif").write_bytes(b"GIF89a")
    os.utime(files / "pictures" / "0003.png", (0, 0))
    labels = ("--labels", str(files / "labels.txt"))
    page = ("--report", str(files / "page.html"))
    ended = _scanned(server, files, "--fail-on-trigger", *labels, *page)
    assert (3, "") == (ended.returncode, ended.stdout), ended.stderr
    rows = _rows(files)
    *paths, gif = [row["path"] for row in rows]
    assert [f"{files}/pictures/{i:04}.png" for i in range(COUNT)] == paths
    assert (f"{files}/pictures/z<b>.gif", "unreadable") == (gif, rows[-1]["verdict"])
    assert list(POISONED) == _flagged(files)
    assert (TARGET, "blue") == tuple(rows[3]["prediction"][key] for key in ("index", "label"))
    assert "Plan: all 151 images are screened in full: about " in ended.stderr
    assert "t-1" in ended.stderr
    html = (files / "page.html").read_text()
    assert "z&lt;b&gt;.gif" in html
    assert "1970-01-01" in html
    assert len(POISONED) == html.count(f'alt="{files}/pictures/0')
    assert ["default-src 'none'"] == re.findall(r"default-src '\w+'", html)
    assert [] == re.findall(r"(?:src|href)=\"(?!data:)", html)

    asked = server.asked
    again = _scanned(server, files, *labels)
    assert 0 == again.returncode
    assert rows == _rows(files)
    assert server.asked - asked < 100  # the model is looked at again, no picture is
    for changed in (["--trigger-max", "0.3"], ["--in-full"]):
        other = _scanned(server, files, *changed, *labels)
        assert (2, 1) == (other.returncode, other.stderr.count("\n"))
        assert "the settings changed since the scan in it began: --restart begins" in other.stderr


@pytest.mark.slow
def test_a_scan_is_killed_again_and_again(server: TinyServer, files: Path) -> None:
    """SIGKILL at random times: nothing is lost, nothing is twice, and its processes end, too."""
    assert 0 == _scanned(server, files).returncode
    whole = _rows(files)
    (files / "out.jsonl").unlink()
    (files / "out.jsonl.state").unlink()

    rng = np.random.default_rng()
    for _ in range(6):
        server.expect(int(rng.integers(1, 3000)))
        with subprocess.Popen(
            _words(server, files), env=CLEAN_ENVIRONMENT, stderr=subprocess.DEVNULL
        ) as program:
            server.reached.wait(60)
            program.send_signal(signal.SIGKILL)
    assert 0 == _scanned(server, files).returncode
    assert whole == _rows(files)


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_done(server: TinyServer, files: Path) -> None:
    """After a SIGINT the rows so far are there, and the same command goes on from them."""
    server.expect(3500)  # calibrating takes less, and all pictures more
    with subprocess.Popen(
        _words(server, files),
        env=CLEAN_ENVIRONMENT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as program:
        assert server.reached.wait(60)
        os.killpg(program.pid, signal.SIGINT)  # as a terminal does it: all of its processes
        _, errors = program.communicate(timeout=60)
    assert 130 == program.returncode, errors
    assert "Stopped before the end; the same command goes on." in errors
    assert len(_rows(files)) < COUNT
    asked = server.asked
    again = _scanned(server, files)
    assert 0 == again.returncode
    assert re.search(r"screened in full: about [\d,]+ inferences, about \d+ ", again.stderr)
    assert list(POISONED) == _flagged(files)
    assert server.asked - asked < 3000  # that's less than all pictures take: it went on


def _interrupted(program: subprocess.Popen[bytes]) -> int | None:
    """Press Ctrl-C until it ends: what comes just as Python begins to read it doesn't hear."""
    for _ in range(60):
        program.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            return program.wait(1)
    return None


@pytest.mark.slow
def test_ctrl_c_at_the_question(server: TinyServer, files: Path) -> None:
    """A large scan asks at a terminal; who doesn't want it stops it there, and nothing is left."""
    np.savez(files / "many.npz", x=np.zeros((40_000, SIDE, SIDE, 3), np.uint8))
    words = _words(server, files)
    words[words.index(str(files / "pictures"))] = str(files / "many.npz")
    controller, terminal = os.openpty()
    with subprocess.Popen(
        [*words, "--plan", "full"], stdin=terminal, stderr=terminal, env=CLEAN_ENVIRONMENT
    ) as program:
        os.close(terminal)
        shown = b""
        while b"Begin?" not in shown:
            shown += os.read(controller, 4096)
        try:
            assert 130 == _interrupted(program)
        finally:
            program.kill()
    os.close(controller)
    assert not (files / "out.jsonl").exists()


@pytest.mark.slow
def test_rows_on_the_standard_output(server: TinyServer, files: Path) -> None:
    """With - nothing else is there, and no file is left."""
    ended = _scanned(server, files, "--output", "-", "--format", "csv")
    lines = ended.stdout.splitlines()
    assert (0, COUNT + 1) == (ended.returncode, len(lines))
    assert lines[0].startswith("path,sha256,verdict,screening,prediction,prediction_label,")
    assert {"labels.txt", "pictures", "references.npz"} == {path.name for path in files.iterdir()}


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ((), "--upstream (or --onnx FILE): NEO_UPSTREAM_URL is not set"),
        (("--onnx", "pictures/0000.png"), "--reference: NEO_REFERENCE is not set"),
        (
            ("--onnx", "pictures/0000.png", "--model", "m", "--reference", "pictures"),
            "--model doesn't go with --onnx",
        ),
        (
            ("--onnx", "pictures/0000.png", "--reference", "pictures", "--output", "no/where"),
            "--output no/where: there is no folder",
        ),
        (
            ("--onnx", "pictures/0000.png", "--reference", "pictures", "--strategy", "off"),
            "a scan takes --strategy full or fast",
        ),
        (
            ("--onnx", "pictures/0000.png", "--reference", "pictures"),
            "nowhere: there is nothing of this name",
        ),
        (("--engine", "ray"), "--engine ray needs ray: pip install 'neo-gateway[scan,ray]'"),
        (("--ray-address", "auto"), "--ray-address doesn't go with --engine local"),
    ],
)
def test_what_is_refused(
    files: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], problem: str
) -> None:
    """Before anything is asked, the last line names the option and the mend."""
    monkeypatch.chdir(files)
    monkeypatch.setitem(sys.modules, "ray", None)  # as if it weren't installed
    for name in [name for name in os.environ if name.startswith("NEO_")]:
        monkeypatch.delenv(name)
    ended = CliRunner().invoke(scan, ["nowhere", *words])
    assert 2 == ended.exit_code
    assert problem in ended.stderr.splitlines()[-1]


@pytest.mark.slow
def test_each_format_has_the_same_rows(server: TinyServer, files: Path) -> None:
    """A finished scan is written again in any format, with nothing asked."""
    assert 0 == _scanned(server, files).returncode
    state = ("--state", f"{files}/out.jsonl.state")
    for name in ("a.csv", "a.parquet", "a.sarif"):
        assert 0 == _scanned(server, files, "--output", str(files / name), *state).returncode
    rows = _rows(files)
    table = parquet.read_table(files / "a.parquet").to_pylist()
    lines = list(csv.DictReader((files / "a.csv").read_text().splitlines()))
    for read in (table, lines):
        assert [row["path"] for row in rows] == [row["path"] for row in read]
        assert [row["trigger"] or "" for row in rows] == [row["trigger"] or "" for row in read]
    said = [row["prediction"]["index"] for row in rows]
    assert said == [row["prediction"] for row in table] == [int(row["prediction"]) for row in lines]

    (run,) = json.loads((files / "a.sarif").read_bytes())["runs"]
    places = [one["locations"][0]["physicalLocation"]["artifactLocation"] for one in run["results"]]
    assert [{"uri": rows[i]["path"]} for i in POISONED] == places


def test_a_pipe_or_a_device_is_written_into(tmp_path: Path) -> None:
    """It is not replaced by a file of its name."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    try:
        with opened_state(MEMORY) as connection:
            write_rows(State(connection), str(pipe), "csv")
        assert os.read(end, 1000).startswith(b"path,sha256,verdict,")
    finally:
        os.close(end)
    assert pipe.is_fifo()
    assert [pipe] == list(tmp_path.iterdir())
