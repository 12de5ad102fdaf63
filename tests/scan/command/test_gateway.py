"""`neo-gateway scan --gateway`: through a gateway that runs, which learns from what it is sent."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from app.scan.offering import offered
from app.scan.state.file import opened_state
from app.scan.state.state import State
from tests.evaluation.runs.test_through_gateway import served
from tests.library.servers import wait_until
from tests.plain_http import ASK
from tests.scan.command.test_command import CLEAN_ENVIRONMENT, PROGRAM
from tests.scan.tiny_scan import references, scanned, write_pictures
from tests.scan.tiny_server import served as tiny_served
from tests.served_apps import running
from tests.tiny import TARGET, TinyModel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POISONED = (3, 21, 42, 55, 60, 66)  # none of the class that the trigger leads to
COUNT = 70


@pytest.fixture
def url() -> Iterator[str]:
    """Serve a gateway, and wait until it is ready."""
    with running(served(TinyModel()), lifespan="on") as address:
        wait_until(lambda: ASK.get(f"{address}/readyz").is_success, seconds=60)
        yield address


def _scanned(url: str, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(*PROGRAM, str(folder / "pictures"), "--gateway", url, "--input-size", "16x16x3"),
            *("--reference", str(folder / "references.npz"), "--processes", "1", "--seed", "1"),
            *("--output", str(folder / "out.jsonl"), *more),
        ],
        env=CLEAN_ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.slow
def test_a_gateway_screens_the_sample_and_learns(url: str, tmp_path: Path) -> None:
    """What the sample shows is known there; beyond it only what matches is sent."""
    np.savez(tmp_path / "references.npz", x=references())
    write_pictures(tmp_path / "pictures", COUNT, POISONED)
    ended = _scanned(url, tmp_path, "--plan", "two-pass", "--prevalence", "9%")
    assert 0 == ended.returncode, ended.stderr
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert list(POISONED) == [i for i, row in enumerate(rows) if row["verdict"] == "backdoor"]

    told: dict[str, Any] = ASK.get(f"{url}/trigger").json()
    assert {trigger["id"] for trigger in told["triggers"]} == {rows[i]["trigger"] for i in POISONED}
    assert {TARGET} == {rows[i]["prediction"]["index"] for i in POISONED}
    assert TARGET not in {rows[i]["sanitised_prediction"]["index"] for i in POISONED}
    asked = [row for row in rows if row["inferences"]]
    assert len(asked) < COUNT
    again = _scanned(url, tmp_path)
    assert 0 == again.returncode, again.stderr
    other = ("--input-size", "20x20x3", "--output", str(tmp_path / "other.jsonl"))
    refused = _scanned(url, tmp_path, *other)
    assert 2 == refused.returncode
    assert "the gateway's triggers are of images of 16x16" in refused.stderr.splitlines()[-1]


async def test_what_a_scan_has_found_is_offered(url: str, tmp_path: Path) -> None:
    """The gateway is sent images with each trigger, and knows it from then on."""
    write_pictures(tmp_path / "pictures", COUNT, POISONED)
    state_file = tmp_path / "state"
    told = await scanned(tmp_path / "pictures", state_file)
    with opened_state(str(state_file)) as connection:
        (offer,) = await offered(url, None, State(connection), told.entries)
    (trigger,) = ASK.get(f"{url}/trigger").json()["triggers"]
    sent = len(POISONED)
    assert ("t-1", sent, sent, (trigger["id"],)) == (
        offer.id,
        offer.sent,
        offer.flagged,
        offer.known_as,
    )
    assert f"t-1: 6 of 6 images are flagged there, as {trigger['id']}" == offer.words()


@pytest.mark.slow
def test_register_offers_at_the_end(url: str, tmp_path: Path) -> None:
    """The whole command: a model server is asked, and the gateway knows the trigger afterwards."""
    np.savez(tmp_path / "references.npz", x=references())
    write_pictures(tmp_path / "pictures", COUNT, POISONED)
    with tiny_served() as model:
        words = [
            *(*PROGRAM, str(tmp_path / "pictures"), "--upstream", model.url, "--model", "tiny"),
            *("--reference", str(tmp_path / "references.npz"), "--trigger-max", "0.2"),
            *("--strategy", "fast", "--seed", "1", "--output", str(tmp_path / "out.jsonl")),
            *("--processes", "1", "--register", url),
        ]
        ended = subprocess.run(
            words, env=CLEAN_ENVIRONMENT, capture_output=True, text=True, check=False, timeout=120
        )
    assert 0 == ended.returncode, ended.stderr
    (trigger,) = ASK.get(f"{url}/trigger").json()["triggers"]
    said = f"t-1: 6 of 6 images are flagged there, as {trigger['id']}"
    assert said == ended.stderr.splitlines()[-1]


def test_where_nobody_is_to_be_offered_to(tmp_path: Path) -> None:
    """It is said before the scan, not after five minutes of waiting at its end."""
    np.savez(tmp_path / "references.npz", x=references())
    write_pictures(tmp_path / "pictures", 3, [])
    with tiny_served() as model:
        words = [
            *(*PROGRAM, str(tmp_path / "pictures"), "--upstream", model.url, "--model", "tiny"),
            *("--reference", str(tmp_path / "references.npz"), "--register", "http://127.0.0.1:9"),
            *("--output", str(tmp_path / "out.jsonl")),
        ]
        ended = subprocess.run(
            words, env=CLEAN_ENVIRONMENT, capture_output=True, text=True, check=False, timeout=120
        )
    assert 2 == ended.returncode, ended.stderr
    assert "http://127.0.0.1:9: the gateway doesn't answer" in ended.stderr.splitlines()[-1]
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--strategy", "fast"), "--strategy doesn't go with --gateway"),
        (("--upstream", "http://127.0.0.1:1"), "--upstream doesn't go with --gateway"),
        ((), "doesn't answer"),
    ],
)
def test_what_is_refused(tmp_path: Path, words: tuple[str, ...], problem: str) -> None:
    """One line says what is wrong, before anything is sent."""
    np.savez(tmp_path / "references.npz", x=references())
    write_pictures(tmp_path / "pictures", 1, [])
    ended = _scanned("http://127.0.0.1:9", tmp_path, *words)
    assert 2 == ended.returncode
    assert problem in ended.stderr.splitlines()[-1]
