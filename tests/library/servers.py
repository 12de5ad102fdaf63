"""Real Redis servers to test against, which can be stopped, killed, emptied and started again."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError
from redis.retry import Retry

from app.library.server.embedded import server_program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Server:
    """A server with its data on disk, on a unix socket unless *options* say more."""

    def __init__(self, program: str, directory: Path, *options: str) -> None:
        self._socket = directory / "socket"
        self._command = [
            *(program, "--port", "0", "--unixsocket", str(self._socket)),
            *(
                "--dir",
                str(directory),
                "--save",
                "",
                "--appendonly",
                "yes",
                "--appendfsync",
                "no",
                *options,
            ),
        ]
        self._directory = directory
        self.url = f"unix://{self._socket}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        with self.client() as client:
            wait_until(lambda: _answers(client), seconds=30)

    def client(self) -> Redis:
        """Return a client that sees what it holds."""
        return Redis(
            unix_socket_path=str(self._socket), socket_timeout=1, retry=Retry(NoBackoff(), 0)
        )

    def pause(self) -> None:
        """Stop it where it stands, connections open."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()

    def lose_everything(self) -> None:
        """Delete its data, while it is not running."""
        shutil.rmtree(self._directory / "appendonlydir")


@contextmanager
def running(program: str, *options: str) -> Iterator[Server]:
    """Yield a server that runs, and end it whatever state it is in by then."""
    # The path of a unix socket is short, and pytest's directories are not.
    with tempfile.TemporaryDirectory() as directory:
        server = Server(program, Path(directory), *options)
        server.start()
        try:
            yield server
        finally:
            server.kill()


def program_of(kind: str) -> str:
    """Return the Valkey of the wheel, or a Redis where one is installed."""
    program = server_program() if kind == "valkey" else shutil.which("redis-server")
    if program is None:
        pytest.skip("no redis-server is installed")
    return program


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for *condition* at most *seconds*."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


async def eventually(condition: Callable[[], bool], seconds: float = 10) -> float:
    """Wait for *condition* at most *seconds*; return how long it took."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() < start + seconds, "waited in vain"
        await asyncio.sleep(0.002)
    return time.monotonic() - start


def _answers(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except AuthenticationError:  # it asks for a password, so it is there
        return True
    except RedisError:
        return False
