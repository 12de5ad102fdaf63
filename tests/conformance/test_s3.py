"""Flagged images kept on S3, by a real server of it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.conformance.environments import UninstallableError, python_of

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).parent / "clients" / "quarantine_on_s3.py"


def test_quarantine_on_s3(tmp_path: Path) -> None:
    """Images are kept and found, never more than there may be; what is old goes; S3 may go away."""
    try:
        python = python_of("s3")
    except UninstallableError as exc:
        pytest.skip(f"moto can't be installed: {exc}")
    told_version = tmp_path / "neo_gateway-0.dist-info" / "METADATA"  # it isn't installed there
    told_version.parent.mkdir()
    told_version.write_text("Metadata-Version: 2.1\nName: neo-gateway\nVersion: 0\n")
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{tmp_path}"}
    ended = subprocess.run(
        [python, str(PROGRAM)], env=environment, capture_output=True, text=True, check=True
    )
    told = json.loads(ended.stdout)
    assert told["address"].startswith("s3://bucket/quarantine/key=bank/trigger=t-1/")
    assert told["content"]
    assert 150 == told["addresses"]
    assert 32_000 < told["most"] <= 64_000
    assert told["lost"] is None
    assert told["problem"].startswith("NEO_QUARANTINE can't be written to: ")
