"""Workers that stand still hold up neither the supervisor nor their clients."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.faults.service import HOST, free_port
from tests.library.servers import wait_until
from tests.plain_http import ASK

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")

PATIENCE_S = 60.0

SERVER = """
import os, sys, time

while os.path.exists("LOADING") and not os.path.exists("LOADED"):
    time.sleep(0.02)

import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from app.serving.processes.supervisor import Supervisor

async def answer(request):
    return PlainTextResponse(str(os.getpid()))

async def hang(request):
    time.sleep(3600)

def create():
    while os.path.exists("SHUT") and not os.path.exists(f"open-{os.getpid()}"):
        time.sleep(0.02)
    return Starlette(routes=[Route("/", answer), Route("/hang", hang)])

if __name__ == "__main__":
    config = uvicorn.Config(
        "server:create", factory=True, port=int(sys.argv[1]), workers=int(sys.argv[3]),
        timeout_worker_healthcheck=float(sys.argv[2]), log_level="warning",
    )
    Supervisor(config, [config.bind_socket()]).run()
"""


@contextmanager
def supervisor(
    directory: Path, standstill_s: float, count: int = 2
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run workers that may stand still for a while; yield who is above them, and the port."""
    (directory / "server.py").write_text(SERVER)
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, str(directory / "server.py"), str(port), str(standstill_s), str(count)],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": f"{directory}:{Path.cwd()}"},
    )
    seen = set()

    def all_serve() -> bool:
        seen.add(who_serves(port))
        return count == len(seen - {None})

    try:
        wait_until(all_serve, PATIENCE_S)
        yield process, port
    finally:
        left = workers(process)
        process.kill()
        for worker in left:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
        process.wait()


@pytest.mark.slow
def test_a_worker_whose_loop_hangs_is_replaced(tmp_path: Path) -> None:
    """A worker that answers nobody is ended and replaced; the other one stays."""
    with supervisor(tmp_path, standstill_s=5) as (process, port):
        before = workers(process)
        with socket.create_connection((HOST, port), PATIENCE_S) as client:
            client.sendall(b"GET /hang HTTP/1.1\r\nHost: x\r\n\r\n")
            with suppress(ConnectionResetError):
                assert b"" == client.recv(1)
        wait_until(lambda: len(workers(process)) == 2 and workers(process) != before, PATIENCE_S)
        assert 1 == len(workers(process) & before)
        wait_until(lambda: who_serves(port) is not None, PATIENCE_S)


@pytest.mark.parametrize("first", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_who_stands_still_holds_nobody_up(tmp_path: Path, first: bool) -> None:  # noqa: FBT001
    """While one worker is stopped, another that dies is replaced, and SIGTERM is heard."""
    with supervisor(tmp_path, standstill_s=3600) as (process, port):
        stopped, other = sorted(workers(process), reverse=not first)
        os.kill(stopped, signal.SIGSTOP)
        os.kill(other, signal.SIGKILL)
        wait_until(lambda: len(workers(process) - {stopped, other}) == 1, PATIENCE_S)
        wait_until(lambda: who_serves(port) is not None, PATIENCE_S)
        process.terminate()
        wait_until(lambda: workers(process) == {stopped}, PATIENCE_S)
        os.kill(stopped, signal.SIGCONT)
        assert 0 == process.wait(PATIENCE_S)


@pytest.mark.slow
def test_who_takes_long_to_load_is_not_replaced(tmp_path: Path) -> None:
    """A new worker that is starved of CPU time answers nothing for long, and is let finish."""
    with supervisor(tmp_path, standstill_s=1) as (process, _):
        (tmp_path / "LOADING").touch()
        first = workers(process)
        os.kill(min(first), signal.SIGKILL)
        new = _another(process, first)
        began = time.monotonic()
        wait_until(lambda: time.monotonic() > began + 3, PATIENCE_S)
        assert new in workers(process)
        (tmp_path / "LOADED").touch()
        wait_until(lambda: {new, max(first)} == workers(process), PATIENCE_S)


def test_who_is_ready_takes_the_place_of_who_is_not(tmp_path: Path) -> None:
    """In a restart a worker dies, and who is started for it can't answer: the new one stays."""
    with supervisor(tmp_path, standstill_s=3600) as (process, port):
        (tmp_path / "SHUT").touch()
        first = workers(process)
        process.send_signal(signal.SIGHUP)
        one = _another(process, first)
        (tmp_path / f"open-{one}").touch()
        wait_until(lambda: len(workers(process) & first) == 1, PATIENCE_S)
        other = _another(process, {*first, one})
        (dying,) = workers(process) & first
        os.kill(dying, signal.SIGKILL)
        unready = _another(process, {*first, one, other})
        (tmp_path / f"open-{other}").touch()
        wait_until(lambda: len(workers(process)) == 2, PATIENCE_S)
        assert {one, other} == workers(process) != {one, unready}
        wait_until(lambda: who_serves(port) == other, PATIENCE_S)


def test_nobody_who_serves_goes_for_who_is_not_ready(tmp_path: Path) -> None:
    """The same with another one still to be replaced: that one waits."""
    with supervisor(tmp_path, standstill_s=3600, count=3) as (process, _):
        (tmp_path / "SHUT").touch()
        first = workers(process)
        process.send_signal(signal.SIGHUP)
        one = _another(process, first)
        dying = min(first)
        os.kill(dying, signal.SIGKILL)
        unready = _another(process, {*first, one})
        (tmp_path / f"open-{one}").touch()
        wait_until(lambda: unready not in workers(process), PATIENCE_S)
        assert {*first - {dying}, one} <= workers(process)


def _another(process: subprocess.Popen[bytes], known: set[int]) -> int:
    """Wait for a worker that isn't *known*; return its id."""
    wait_until(lambda: bool(workers(process) - known), PATIENCE_S)
    (new,) = workers(process) - known
    return new


def who_serves(port: int) -> int | None:
    """Return the id of the worker that answers on *port*, None if there is no answer."""
    try:
        return int(ASK.get(f"http://{HOST}:{port}/", timeout=1).text)
    except httpx.TransportError:
        return None


def workers(process: subprocess.Popen[bytes]) -> set[int]:
    """Return the ids of the workers below *process* that live."""
    with suppress(OSError):  # it has ended
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        return {int(child) for child in children if b"spawn_main" in _words(child)}
    return set()


def _words(process: str) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""
