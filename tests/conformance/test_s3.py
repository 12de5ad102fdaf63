"""Flagged images kept on S3, and images there scanned, by a real server of it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.environments import UninstallableError, python_of

ROOT = Path(__file__).parents[2]
CLIENTS = Path(__file__).parent / "clients"


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


def _told(program: str, tmp_path: Path) -> dict[str, Any]:
    """Return what the *program* beside S3 prints."""
    try:
        python = python_of("s3")
    except UninstallableError as exc:
        pytest.skip(f"moto can't be installed: {exc}")
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
