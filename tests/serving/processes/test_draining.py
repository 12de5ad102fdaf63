"""The service ends, restarts and loses a worker, and no request is lost."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest

from tests.faults.service import (
    CLEAN,
    HOST,
    assert_ends_cleanly,
    free_port,
    running_gateway,
    status,
)
from tests.files import encoded
from tests.library.servers import wait_until
from tests.plain_http import ASK, CERTIFICATES
from tests.web.routes.test_metrics import values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.faults.service import Service, Upstream

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")

IMAGE = encoded(CLEAN[0])
HEADERS = {"Content-Type": "image/png"}
ASKED = (
    b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"
    b"Content-Length: %d\r\n\r\n" % len(IMAGE)
) + IMAGE
PATIENCE_S = 30.0
RESTART_S = 180.0
LONG_S = 4.0
"""Longer than the linger: such a request meets the server's own end."""


@pytest.fixture
def single(tmp_path: Path, endpoint: Upstream) -> Iterator[Service]:
    """Run a gateway with one worker."""
    with running_gateway(tmp_path, endpoint, workers=1) as service:
        yield service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, endpoint: Upstream) -> Iterator[Service]:
    """Run a gateway with two workers."""
    with running_gateway(tmp_path_factory.mktemp("gateway"), endpoint) as service:
        yield service


@dataclass
class Load:
    """What clients got that ask again and again."""

    ended: threading.Event = field(default_factory=threading.Event)
    answered: int = 0
    closing: int = 0
    failures: list[str] = field(default_factory=list)

    def take(self, status: int, connection: str | None) -> None:
        """Note an answer."""
        self.answered += 1
        self.closing += connection == "close"
        if status != 200:
            self.failures.append(f"status {status}")


def ask_with_a_pool(url: str, load: Load) -> None:
    """Ask over connections that are kept alive, as applications do."""
    with httpx.Client(timeout=PATIENCE_S, verify=CERTIFICATES) as client:
        while not load.ended.is_set():
            response = client.post(f"{url}/predict", content=IMAGE, headers=HEADERS)
            load.take(response.status_code, response.headers.get("connection"))


def ask_by_hand(url: str, load: Load) -> None:
    """Ask over one connection until the server says that it closes it."""
    while not load.ended.is_set():
        with connected(url) as client:
            closing = False
            while not (closing or load.ended.is_set() or _ended(client)):
                head, _ = ask(client)
                closing = b"connection: close" in head.lower()
                load.take(int(head.split()[1]), "close" if closing else None)


def ask(client: socket.socket) -> tuple[bytes, bytes]:
    """Ask for a prediction; return the answer's head and body."""
    client.sendall(ASKED)
    return read(client)


def ask_once(url: str) -> tuple[bytes, bytes]:
    """Ask for a prediction, on a connection of its own."""
    with connected(url) as client:
        return ask(client)


def read(client: socket.socket) -> tuple[bytes, bytes]:
    """Read one answer: head and body."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += _piece(client)
    head, _, body = answer.partition(b"\r\n\r\n")
    size = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    while len(body) < size:
        body += _piece(client)
    return head, body


def _piece(client: socket.socket) -> bytes:
    piece = client.recv(65536)
    assert piece, "closed before the answer's end"
    return piece


def connected(url: str) -> socket.socket:
    """Open a connection."""
    address = urlsplit(url)
    assert address.hostname
    assert address.port
    return socket.create_connection((address.hostname, address.port), PATIENCE_S)


def _ended(client: socket.socket) -> bool:
    """Return whether the server has ended an idle connection, as pools look before each use."""
    return bool(select.select([client], [], [], 0)[0])


@contextmanager
def under_load(url: str, *clients: Callable[[str, Load], None]) -> Iterator[Load]:
    """Let *clients* ask within the block."""
    load = Load()

    def run(client: Callable[[str, Load], None]) -> None:
        try:
            client(url, load)
        except (OSError, AssertionError, httpx.TransportError) as exc:
            load.failures.append(repr(exc))

    with ThreadPoolExecutor(len(clients)) as threads:
        for client in clients:
            threads.submit(run, client)
        try:
            wait_until(lambda: load.answered > 20, PATIENCE_S)
            yield load
        finally:
            load.ended.set()


@pytest.mark.slow
def test_a_restart_of_all_workers_loses_nothing(service: Service) -> None:
    """SIGHUP replaces each worker under load: every request is answered, and as it should be."""
    before = set(service.workers())
    clients = 2 * [ask_with_a_pool, ask_by_hand]
    with under_load(service.url, *clients) as load:
        service.process.popen.send_signal(signal.SIGHUP)
        wait_until(lambda: _replaced(service, before), RESTART_S)
        answered = load.answered
        wait_until(lambda: load.answered > answered + 50, PATIENCE_S)
    assert [] == load.failures
    assert load.closing > 0, "no client was asked to go elsewhere"


def _replaced(service: Service, before: set[int]) -> bool:
    workers = set(service.workers())
    return 2 == len(workers) and not workers & before


@pytest.mark.slow
def test_what_was_counted_never_falls(service: Service) -> None:
    """Any worker tells of all; after one was killed the sums stay, and the other one serves on."""
    predicted = 5
    for _ in range(predicted):
        assert 200 == service.predict(CLEAN[0]).status_code
    first, second = [counted(service) for _ in service.each_worker()]
    assert first == second
    assert first["neo_images_total"] >= predicted
    assert 0 == first["neo_workers_lost_total"], "whoever was replaced has ended in order"
    killed = service.workers()[0]
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: killed not in service.workers())
    images = first["neo_images_total"]
    while len(service.workers()) < 2:
        assert 200 == service.predict(CLEAN[0]).status_code
        images += 1
        assert images == counted(service)["neo_images_total"]
    for _ in service.each_worker():
        wait_until(lambda: status(f"{service.url}/readyz") == 200, PATIENCE_S)
        assert images == counted(service)["neo_images_total"]
    assert 1 == counted(service)["neo_workers_lost_total"]


def counted(service: Service) -> dict[str, float]:
    """Return what all workers have counted: the totals."""
    text = ASK.get(f"{service.url}/metrics").text
    own = ("neo_requests", "process_")  # asking for them changes them
    return {
        name: value
        for name, value in values(text).items()
        if name.endswith("_total") and not name.startswith(own)
    }


@pytest.mark.slow
def test_a_worker_that_cannot_answer_takes_nobodys_place(
    service: Service, upstream: Upstream
) -> None:
    """SIGHUP while the upstream is away: the workers stay until their successors are ready."""
    before = service.workers()
    upstream.kill()
    try:
        service.process.popen.send_signal(signal.SIGHUP)
        wait_until(lambda: len(service.workers()) > 2, PATIENCE_S)
        assert set(before) < set(service.workers())
    finally:
        upstream.start()
    wait_until(lambda: _replaced(service, set(before)), RESTART_S)
    assert 200 == service.predict(CLEAN[0]).status_code


@pytest.mark.parametrize("running", ["single", pytest.param("service", marks=pytest.mark.slow)])
def test_what_has_begun_is_finished(
    request: pytest.FixtureRequest, upstream: Upstream, running: str
) -> None:
    """After SIGTERM a slow request still gets its answer; then all ends cleanly."""
    service: Service = request.getfixturevalue(running)
    upstream.behave(delay_s=LONG_S)
    with connected(service.url) as client:
        client.sendall(ASKED)
        service.process.popen.terminate()
        head, _ = read(client)
        assert head.startswith(b"HTTP/1.1 200 ")
        assert b"connection: close" in head.lower()
    assert_ends_cleanly(service)


SERVER = """
import sys
from contextlib import asynccontextmanager
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from app.gateway.readiness import Drain
from app.serving.processes.draining import lingering
from app.web.service import DRAIN
from app.serving.http.protocol import Protocol

drain = Drain()

class Patient(Protocol):
    HEAD_S = LAST_S = 60.0

@asynccontextmanager
async def lifespan(app):
    with lingering(drain, linger_s=3600):
        yield {DRAIN: drain}

async def answer(request):
    return PlainTextResponse("draining" if drain.begun else "serving")

app = Starlette(routes=[Route("/predict", answer, methods=["POST"])], lifespan=lifespan)
uvicorn.run(app, port=int(sys.argv[1]), http=Patient, log_level="warning")
"""


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_lingers_until_it_is_told_again(tmp_path: Path, second: signal.Signals) -> None:
    """After SIGTERM it serves on, and sends its clients elsewhere; a second signal ends it."""
    (tmp_path / "server.py").write_text(SERVER)
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "server.py"), str(port)],
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    url = f"http://{HOST}:{port}"
    try:
        wait_until(lambda: status(url) == 404, PATIENCE_S)
        with connected(url) as kept, connected(url) as fresh:
            assert b"serving" == ask(kept)[1]
            process.terminate()
            wait_until(lambda: b"draining" == ask_once(url)[1], PATIENCE_S)
            for client in (kept, fresh):
                head, body = ask(client)
                assert b"draining" == body
                assert b"connection: close" in head.lower()
                assert b"" == client.recv(1)
        with connected(url) as late:
            ask_once(url)  # who came before is let in by now
            process.send_signal(second)
            wait_until(lambda: not _listens(url), PATIENCE_S)
            assert b"draining" == ask(late)[1], "who has just come in is not sent away"
        process.wait(PATIENCE_S)
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_nobody_waits_without_a_supervisor(tmp_path: Path, endpoint: Upstream) -> None:
    """A successor that isn't ready yet ends, too, when the process above it is killed."""
    with running_gateway(tmp_path, endpoint) as service:
        endpoint.kill()
        try:
            service.process.popen.send_signal(signal.SIGHUP)
            wait_until(lambda: len(service.workers()) > 2, PATIENCE_S)
            service.process.kill()
            wait_until(lambda: not service.processes(), PATIENCE_S)
        finally:
            endpoint.start()


def _listens(url: str) -> bool:
    try:
        connected(url).close()
    except ConnectionError:
        return False
    return True
