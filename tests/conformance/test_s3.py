"""Flagged images kept on S3, and images there scanned, by a real server of it."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.conformance.environments import UninstallableError, python_of
from tests.scan.command.test_command import CLEAN_ENVIRONMENT, PROGRAM
from tests.scan.tiny_scan import references, write_pictures
from tests.scan.tiny_server import served

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
CLIENTS = Path(__file__).parent / "clients"
MANY = 1100


def test_quarantine_on_s3(tmp_path: Path) -> None:
    """Images are kept and found, never more than there may be; what is old goes; S3 may go away."""
    told = _told("quarantine_on_s3.py", tmp_path)
    assert told["address"].startswith("s3://bucket/quarantine/key=bank/trigger=t-1/")
    assert told["content"]
    assert 150 == told["addresses"]
    assert 32_000 < told["most"] <= 64_000
    assert told["lost"] is None
    assert told["problem"].startswith("NEO_QUARANTINE can't be written to: ")


def test_scan_of_s3(tmp_path: Path) -> None:
    """Files and archives there are read; an empty file is one, and one that is gone says so."""
    told = _told("scan_on_s3.py", tmp_path)
    assert {
        "s3://bucket/a/0.png": 7,
        "s3://bucket/a/b/1.png": 8,
        "s3://bucket/a/empty.png": 0,
        "s3://bucket/a/packed.zip!/2.png": 9,
    } == told["sizes"]
    assert "No such file or directory" == told["gone"]
    assert "s3://nowhere: No such file or directory" == told["nowhere"]


def test_a_scan_of_more_than_a_page_goes_on(tmp_path: Path) -> None:
    """A store lists a thousand objects a page; killed, it goes on; what is no picture is a row."""
    pictures = tmp_path / "pictures"
    write_pictures(pictures, MANY, range(3, MANY, 50))
    (pictures / "9999.png").write_bytes(b"none")
    np.savez(tmp_path / "references.npz", x=references())
    with served() as model, _bucket(pictures) as environment:
        words = [
            *(*PROGRAM, "s3://bucket/images", "--upstream", model.url, "--model", "tiny"),
            *("--reference", str(tmp_path / "references.npz"), "--trigger-max", "0.2"),
            *("--strategy", "fast", "--seed", "4", "--plan", "two-pass", "--prevalence", "3%"),
            *("--output", str(tmp_path / "out.jsonl"), "--processes", "1"),
        ]
        model.expect(4000)  # calibrating takes less, and the sample more
        with subprocess.Popen(words, env=environment, stderr=subprocess.DEVNULL) as program:
            assert model.reached.wait(120)
            program.kill()
        before = model.asked
        ended = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
        assert 0 == ended.returncode, ended.stderr
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [f"s3://bucket/images/{i:04}.png" for i in (*range(MANY), 9999)] == [
        row["path"] for row in rows
    ]
    flagged = [i for i, row in enumerate(rows) if row["verdict"] == "backdoor"]
    assert list(range(3, MANY, 50)) == flagged
    assert "unreadable" == rows[-1]["verdict"]
    assert rows[-1]["reason"]
    assert model.asked - before < sum(row["inferences"] for row in rows)  # it went on


@contextmanager
def _bucket(folder: Path) -> Iterator[dict[str, str]]:
    """Serve the files of *folder*; yield the environment in which a scan reads them."""
    python = _python()
    keys = {"AWS_ACCESS_KEY_ID": "one", "AWS_SECRET_ACCESS_KEY": "two"}
    words = [python, str(CLIENTS / "bucket_on_s3.py"), str(folder)]
    # The tests' own packages, and s3fs where it is installed.
    found = sysconfig.get_path("purelib", vars={"base": str(Path(python).parents[1])})
    with subprocess.Popen(
        words,
        env=os.environ | keys,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        extra = {"AWS_ENDPOINT_URL": address, "PYTHONPATH": f"{ROOT}:{found}"}
        yield CLEAN_ENVIRONMENT | keys | extra


def _python() -> str:
    try:
        return python_of("s3")
    except UninstallableError as exc:
        pytest.skip(f"moto can't be installed: {exc}")


def _told(program: str, tmp_path: Path) -> dict[str, Any]:
    """Return what the *program* beside S3 prints."""
    python = _python()
    told_version = tmp_path / "neo_gateway-0.dist-info" / "METADATA"  # it isn't installed there
    told_version.parent.mkdir()
    told_version.write_text("Metadata-Version: 2.1\nName: neo-gateway\nVersion: 0\n")
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{tmp_path}"}
    ended = subprocess.run(
        [python, str(CLIENTS / program)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    told: dict[str, Any] = json.loads(ended.stdout)
    return told
