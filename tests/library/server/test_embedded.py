"""A Valkey of our own: private, alone in its directory, and gone with its parent."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from redis import Redis
from redis.exceptions import RedisError

from app.library.server.embedded import embedded_valkey
from app.ports import LibraryError
from tests.library.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVE_FOR_EVER = """
import pathlib, sys, time
from app.library.server.embedded import embedded_valkey

with embedded_valkey(*map(pathlib.Path, sys.argv[1:])) as url:
    print(url, flush=True)
    time.sleep(600)
"""

only_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells a process of its parent's end"
)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return a directory that isn't there yet, with a name that needs quoting."""
    return tmp_path / "a state" / 'of "neo"'


def test_it_answers_on_a_private_socket_only() -> None:
    """The server is reached through a socket that no other user can open, and by no port."""
    with embedded_valkey() as url:
        path = Path(url.removeprefix("unix://"))
        with _client(url) as client:
            assert client.set("a", "b")
            assert "0" == client.config_get("port")["port"]
        assert 0o700 == stat.S_IMODE(path.parent.stat().st_mode)
        assert not path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    assert not path.parent.exists()


def test_data_outlives_it_in_a_directory(directory: Path) -> None:
    """What it was told is there again when it is started in the same directory."""
    with embedded_valkey(directory) as url, _client(url) as client:
        client.set("a", "b")
    assert 0o700 == stat.S_IMODE(directory.stat().st_mode)
    with embedded_valkey(directory) as url, _client(url) as client:
        assert b"b" == client.get("a")


def test_without_a_directory_it_forgets() -> None:
    """Two servers without a directory have nothing in common, also at the same time."""
    with embedded_valkey() as url, embedded_valkey() as other, _client(url) as client:
        client.set("a", "b")
        with _client(other) as another:
            assert another.get("a") is None


def test_a_directory_in_use_is_refused(directory: Path) -> None:
    """A second server in the same directory is refused with the reason, and does no harm."""
    with embedded_valkey(directory) as url, _client(url) as client:
        with (
            pytest.raises(LibraryError, match="another gateway keeps its trigger library in"),
            embedded_valkey(directory),
        ):
            pass
        assert client.ping()


def test_a_directory_that_cant_be_written_is_refused(tmp_path: Path) -> None:
    """A place where nothing can be kept is named."""
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(LibraryError, match=r"can't be kept in .*file/state"),
        embedded_valkey(tmp_path / "file" / "state"),
    ):
        pass


def test_data_that_cant_be_read_is_refused_in_the_servers_words(directory: Path) -> None:
    """A server that ends as it starts is quoted."""
    with embedded_valkey(directory):
        pass
    (manifest,) = (directory / "appendonlydir").glob("*.manifest")
    manifest.write_text("nonsense\n")
    with pytest.raises(LibraryError, match=r"doesn't start: .*\w"), embedded_valkey(directory):
        pass


@pytest.fixture
def parent(directory: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Yield another process that runs a server in the directory, and the server's id."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVE_FOR_EVER, str(directory)], stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        url = parent.stdout.readline().decode().strip()
        with _client(url) as client:
            client.set("a", "b")
            server = int(client.info("server")["process_id"])
        yield parent, server
        parent.kill()
    shutil.rmtree(Path(url.removeprefix("unix://")).parent)


@only_linux
def test_it_dies_with_its_parent(
    parent: tuple[subprocess.Popen[bytes], int], directory: Path
) -> None:
    """A killed gateway leaves no server behind; the next one finds the data at once."""
    gateway, server = parent
    gateway.kill()
    with embedded_valkey(directory) as url, _client(url) as client:
        assert b"b" == client.get("a")
    wait_until(lambda: not _alive(server))


@only_linux
def test_it_keeps_its_directory_as_long_as_it_lives(
    parent: tuple[subprocess.Popen[bytes], int], directory: Path
) -> None:
    """A server that hasn't ended yet, though its gateway has, doesn't share its files."""
    gateway, server = parent
    os.kill(server, signal.SIGSTOP)
    gateway.kill()
    gateway.wait()
    try:
        with pytest.raises(LibraryError, match="another gateway"), embedded_valkey(directory):
            pass
    finally:
        os.kill(server, signal.SIGCONT)
    with embedded_valkey(directory) as url, _client(url) as client:
        assert b"b" == client.get("a")


def test_killed_it_is_started_again_with_its_data(directory: Path) -> None:
    """A server that is killed comes back under the same URL, as often as it takes."""
    with embedded_valkey(directory) as url, _client(url) as client:
        client.set("a", "b")
        killed = [_kill(client) for _ in range(3)]
        assert b"b" == client.get("a")
        last = _id(client)
    assert 4 == len({*killed, last})
    assert not _alive(last)


def test_stopped_it_is_not_started_again(directory: Path) -> None:
    """None comes after the end, also if the server ends of itself just then."""
    for _ in range(5):
        with embedded_valkey(directory) as url, _client(url) as client:
            os.kill(_id(client), signal.SIGKILL)
        assert not Path(url.removeprefix("unix://")).parent.exists()
        with (directory / "lock").open("a") as claim:  # as long as one lives it holds this
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)


@only_linux
def test_started_again_it_dies_with_its_parent(
    parent: tuple[subprocess.Popen[bytes], int], directory: Path
) -> None:
    """Also the server that follows a killed one ends with a gateway that is killed."""
    gateway, server = parent
    path = Path(f"/proc/{server}/cmdline").read_bytes().partition(b"unixsocket:")[2]
    with Redis(unix_socket_path=path.split(b"\0")[0].strip().decode()) as client:
        assert server == _kill(client)
        follower = _id(client)
    gateway.kill()
    with embedded_valkey(directory) as url, _client(url) as client:
        assert b"b" == client.get("a")
    wait_until(lambda: not _alive(follower))


def test_a_long_temporary_directory_is_avoided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the usual temporary directory's name is too long for a socket it is put elsewhere."""
    long = tmp_path / ("long" * 20)
    long.mkdir()
    with pytest.raises(OSError, match="too long"), socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(long / "neo-12345678" / "valkey.sock"))
    monkeypatch.setattr("tempfile.tempdir", str(long))
    with embedded_valkey() as url, _client(url) as client:
        assert client.ping()


def test_a_server_that_hangs_is_ended(tmp_path: Path) -> None:
    """A server that doesn't listen any more is ended all the same."""
    with embedded_valkey(tmp_path) as url, _client(url) as client:
        server = int(client.info("server")["process_id"])
        os.kill(server, signal.SIGSTOP)
    assert not _alive(server)


def _client(url: str) -> Redis:
    return Redis.from_url(url)


def _id(client: Redis) -> int:
    return int(client.info("server")["process_id"])


def _kill(client: Redis) -> int:
    """Kill the server and wait until another one answers; return the killed one's id."""
    killed = _id(client)

    def followed() -> bool:
        try:
            # The id is told also while the data are read, a ping is answered afterwards only.
            return _id(client) != killed and bool(client.ping())
        except RedisError:  # not there yet, or still reading its data
            return False

    os.kill(killed, signal.SIGKILL)
    wait_until(followed, 30)
    return killed


def _alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"  # whoever inherited it may take a while to look after it
