"""The service starts, ends, is killed and starts again."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.service import (
    HOST,
    POISONED,
    POISONED_ANEW,
    TRUTH,
    Process,
    assert_ends_cleanly,
    references,
    running_gateway,
)
from tests.faults.tiny_server import SECOND
from tests.library.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.faults.service import Service, Upstream

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the gateway keeps its state from one start to the next."""
    return tmp_path_factory.mktemp("gateway")


@pytest.fixture(scope="module")
def single(directory: Path, endpoint: Upstream) -> Iterator[Service]:
    """Run a gateway with one worker, its own Valkey and the failure policy `open`."""
    settings = {"NEO_ON_FAILURE": "open", "NEO_PATIENCE": "1s"}
    with running_gateway(directory, endpoint, workers=1, **settings) as service:
        yield service


@pytest.fixture(scope="module")
def known(single: Service) -> dict[str, Any]:
    """Return the answer for the image that reveals the trigger to the single worker."""
    answer: dict[str, Any] = single.predict(POISONED[0]).json()
    assert "discovered" == answer["screening"]
    return answer


def test_what_cannot_be_screened_is_answered_and_says_so(
    single: Service, upstream: Upstream
) -> None:
    """Under `open` an image for which time ran out gets the upstream's own prediction."""
    upstream.behave(good=1, delay_s=2.5)
    response = single.predict(POISONED_ANEW[0])
    assert (200, "incomplete") == (response.status_code, response.headers["x-neo-verdict"])
    assert "incomplete" == response.json()["screening"]
    assert SECOND.target == response.json()["prediction"]["index"]


def test_the_single_worker_ends_cleanly(single: Service, known: dict[str, Any]) -> None:
    """SIGTERM ends it and its Valkey with exit code 0, and leaves nothing behind."""
    assert known["backdoor"]
    assert_ends_cleanly(single)


@pytest.fixture(scope="module")
def restarted(
    directory: Path, endpoint: Upstream, single: Service, known: dict[str, Any]
) -> Iterator[Service]:
    """Run a gateway with two workers, after the single one has found the trigger and ended."""
    assert known["backdoor"]
    if single.processes():
        assert_ends_cleanly(single)
    with running_gateway(directory, endpoint) as service:
        yield service


def test_a_trigger_survives_a_restart_of_everything(
    restarted: Service, known: dict[str, Any]
) -> None:
    """Each worker of the gateway that is started anew knows the trigger."""
    for _ in restarted.each_worker():
        answer = restarted.predict(POISONED[1]).json()
        assert ("known-trigger", TRUTH[1]) == (answer["screening"], answer["prediction"]["index"])
        assert known["trigger_id"] == answer["trigger_id"]


def test_nothing_outlives_a_killed_supervisor(restarted: Service) -> None:
    """SIGKILL of the process above them ends the workers and the Valkey; the port is free again."""
    assert 2 == len(restarted.workers())
    assert any("valkey-server" in words for words in restarted.processes().values())
    restarted.process.kill()
    wait_until(lambda: not restarted.processes())
    with socket.create_server((HOST, int(restarted.url.rpartition(":")[2]))):
        pass


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NEO_UPSTREAM_URL", ""),
        ("NEO_STRATEGY", "quick"),
        ("NEO_PATIENCE", "soon"),
        ("NEO_REDIS_URL", "redis://127.0.0.1:6379/first"),
    ],
)
def test_a_wrong_setting_stops_the_start(tmp_path: Path, name: str, value: str) -> None:
    """One line names the variable, what is wrong, and an example."""
    settings = {
        "NEO_UPSTREAM_URL": "http://127.0.0.1:1",
        "NEO_MODEL": "tiny",
        "NEO_REFERENCE": str(references(tmp_path)),
        "XDG_STATE_HOME": str(tmp_path),
    } | {name: value}
    process = Process(tmp_path / "log", "app.cli", "serve", "--port", "1", **settings)
    assert process.ended() > 0
    (line,) = process.said.splitlines()
    assert name in line
    assert f"{name}=" in line or "redis://host" in line
