"""The Valkey that the gateway runs itself is killed while it serves."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from tests.faults.service import POISONED, TRUTH, assert_ends_cleanly, running_gateway
from tests.library.servers import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.service import Service, Upstream

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")

PATIENCE_S = 60.0


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_killed_valkey_comes_back(tmp_path: Path, endpoint: Upstream, workers: int) -> None:
    """The workers are ready again, know the trigger, and so does one that starts afterwards."""
    with running_gateway(tmp_path, endpoint, workers) as service:
        assert "discovered" == service.predict(POISONED[0]).json()["screening"]
        for _ in service.each_worker():
            wait_until(lambda: bool(service.triggers()), PATIENCE_S)
        kill_valkey(service)
        assert_known_to_all(service)
        if workers > 1:
            killed = service.workers()[0]
            os.kill(killed, signal.SIGKILL)
            wait_until(lambda: killed not in service.workers(), PATIENCE_S)
            wait_until(lambda: len(service.workers()) == workers, PATIENCE_S)
            assert_known_to_all(service)
        assert "the embedded Valkey has ended (-9) and is started again" in service.process.said
        assert_ends_cleanly(service)


@pytest.mark.slow
def test_a_valkey_that_came_back_does_not_outlive_the_supervisor(
    tmp_path: Path, endpoint: Upstream
) -> None:
    """SIGKILL of the process above the workers ends the Valkey that it has started again, too."""
    with running_gateway(tmp_path, endpoint) as service:
        kill_valkey(service)
        service.process.kill()
        wait_until(lambda: not service.processes(), PATIENCE_S)


def kill_valkey(service: Service) -> None:
    """Kill the gateway's Valkey and wait until another one runs."""
    (killed,) = valkeys(service)
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: bool(valkeys(service) - {killed}), PATIENCE_S)


def valkeys(service: Service) -> set[int]:
    """Return the ids of its servers that have got as far as to name their socket."""
    return {i for i, words in service.processes().items() if "unixsocket:" in words}


def assert_known_to_all(service: Service) -> None:
    """Check that each worker gets ready, with its store, and corrects what it knows."""
    for _ in service.each_worker() if service.workers() else "1":
        wait_until(lambda: service.readiness().json()["status"] == "ready", PATIENCE_S)
        answer = service.predict(POISONED[1]).json()
        assert ("known-trigger", TRUTH[1]) == (answer["screening"], answer["prediction"]["index"])
