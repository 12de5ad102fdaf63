"""`neo-gateway scan --engine ray`: Ray itself, with two actors (`make ray-check`)."""

from __future__ import annotations

import json
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from app.demo.endpoint import create_endpoint
from app.scan.engines.cluster import Actors
from app.scan.engines.members import KILLER
from app.scan.looking.tasks import Passed, Task, Unusable
from app.scan.sources.items import Content
from app.wire.tensors import TensorSpec
from tests.detection.suspects.worlds import (
    CLASSES,
    PLACE,
    SOURCE,
    STICKER,
    bearing,
    pictures,
    predict,
)
from tests.files import encoded
from tests.library.servers import wait_until
from tests.ray.processes import below, commands, listened_on
from tests.scan.command.test_command import CLEAN_ENVIRONMENT, PROGRAM
from tests.scan.engines.dying import DEADLY, DyingEquipment
from tests.scan.tiny_scan import references, write_pictures
from tests.scan.tiny_server import served
from tests.served_apps import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from tests.scan.tiny_server import TinyServer

COUNT = 300
POISONED = (3, 40, 77, 120, 148, 290)
LOCAL = ("--processes", "1")
RAY = ("--engine", "ray", "--processes", "2")


@pytest.fixture(scope="module")
def server() -> Iterator[TinyServer]:
    """Serve the tiny model."""
    with served() as one:
        yield one


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with references, and pictures of which one is broken."""
    folder = tmp_path_factory.mktemp("files")
    np.savez(folder / "references.npz", x=references())
    write_pictures(folder / "pictures", COUNT, POISONED)
    (folder / "pictures" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return folder


@pytest.fixture(scope="module")
def whole(server: TinyServer, files: Path) -> list[dict[str, Any]]:
    """Return the rows that processes of this machine leave, one after the other."""
    with _scan(server, files, "local", *LOCAL) as program:
        assert 0 == program.wait(120)
    return _rows(files, "local")


def _scan(server: TinyServer, files: Path, name: str, *engine: str) -> subprocess.Popen[str]:
    words = [
        *PROGRAM,
        str(files / "pictures"),
        *("--upstream", server.url, "--model", "tiny", "--trigger-max", "0.2"),
        *("--reference", str(files / "references.npz"), "--strategy", "fast", "--seed", "4"),
        *("--plan", "two-pass", "--prevalence", "2%", "--output", str(files / f"{name}.jsonl")),
        *engine,
    ]
    return subprocess.Popen(
        words, env=CLEAN_ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _rows(files: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (files / f"{name}.jsonl").read_text().splitlines()]


def test_actors_leave_the_same_rows(
    server: TinyServer, files: Path, whole: list[dict[str, Any]]
) -> None:
    """With the same seed; there are two actors, and nothing listens beyond this machine."""
    server.expect(4000)  # calibrating takes less, and the sample more
    with _scan(server, files, "ray", *RAY) as program:
        assert server.reached.wait(120)
        started = below(program.pid)
        assert 2 == sum("ray::Seat" in name for name in commands(started)), commands(started)
        assert {"127.0.0.1"} == listened_on(started)
        assert ("", 0) == (program.stdout and program.stdout.read(), program.wait(120))
    assert whole == _rows(files, "ray")
    assert list(POISONED) == [i for i, row in enumerate(whole) if row["verdict"] == "backdoor"]
    assert {"passed", "clear", "discovered"} < {row["screening"] for row in whole}
    wait_until(lambda: not _at_work(started), seconds=30)


def test_a_killed_scan_goes_on_in_actors(
    server: TinyServer, files: Path, whole: list[dict[str, Any]]
) -> None:
    """SIGKILL: Ray and its actors end, too; the same command goes on, and leaves the same rows."""
    server.expect(4500)
    with _scan(server, files, "killed", *RAY) as program:
        assert server.reached.wait(120)
        started = below(program.pid)
        program.send_signal(signal.SIGKILL)
    wait_until(lambda: not _at_work(started), seconds=30)
    before = server.asked
    with _scan(server, files, "killed", *RAY) as program:
        assert 0 == program.wait(120)
    assert whole == _rows(files, "killed")
    assert server.asked - before < 5000  # that's less than all takes: it went on


def test_suspects_are_proven_by_actors_as_well(tmp_path: Path) -> None:
    """What no image proves alone, several do: the same rows as from processes of this machine."""
    (tmp_path / "pictures").mkdir()
    images = pictures(60, 2)
    victims = np.flatnonzero(predict(images).labels == SOURCE)[:5].tolist()
    for i in victims:
        images[i] = bearing(images[i], STICKER, PLACE)
    for i, image in enumerate(images):
        (tmp_path / "pictures" / f"{i:04}.png").write_bytes(encoded(image))
    np.savez(tmp_path / "references.npz", x=pictures(120, 1))
    outputs = [TensorSpec("scores", "FP32", (-1, CLASSES))]
    shape = images.shape[1:]
    with running(create_endpoint("over", _answer, shape=shape, outputs=outputs)) as url:
        words = [
            *(*PROGRAM, ".", "--upstream", url, "--model", "over", "--trigger-max", "0.2"),
            *("--reference", "../references.npz", "--plan", "two-pass", "--prevalence", "50%"),
            *("--seed", "7"),  # with the names, which draw the sample
        ]
        for name, engine in (("local", LOCAL), ("ray", RAY)):
            subprocess.run(
                [*words, "--output", f"../{name}.jsonl", *engine],
                cwd=tmp_path / "pictures",
                env=CLEAN_ENVIRONMENT,
                capture_output=True,
                check=True,
            )
    local = _rows(tmp_path, "local")
    assert local == _rows(tmp_path, "ray")
    assert victims == [i for i, row in enumerate(local) if row["verdict"] == "backdoor"]
    assert sum(row["screening"] == "passed" for row in local) > 30


def _answer(batch: NDArray[Any]) -> dict[str, NDArray[Any]]:
    labels = predict(batch.astype(np.uint8)).labels
    return {"scores": np.eye(CLASSES, dtype=np.float32)[labels]}


def _at_work(pids: set[int]) -> list[str]:
    """Return which of *pids* are still there, but for Ray's agents: they notice it in a minute."""
    return [name for name in commands(pids) if "Agent" not in name]


async def test_a_picture_that_kills_has_a_row() -> None:
    """The others of its task are looked at by another actor, and so are later tasks."""
    tasks = [_task(b"a", DEADLY, b"b"), _task(b"c"), _task(b"d")]
    async with Actors(1, DyingEquipment(), None) as engine:  # type: ignore[arg-type]  # as small
        told = {number: said.looks async for number, said in engine.looks(iter(tasks))}
    kinds = [[type(look) for look in told[number]] for number in range(3)]
    assert [[Passed, Unusable, Passed], [Passed], [Passed]] == kinds
    deadly = told[0][1]
    assert isinstance(deadly, Unusable)
    assert KILLER == deadly.reason


def test_a_cluster_that_is_not_there_is_named(server: TinyServer, files: Path) -> None:
    """One line says what doesn't answer, and the code is 2."""
    away = ("--engine", "ray", "--ray-address", "127.0.0.1:1")
    with _scan(server, files, "away", *away) as program:
        _, errors = program.communicate(timeout=120)
    assert 2 == program.returncode, errors
    assert "neo-gateway: --ray-address 127.0.0.1:1: " in errors.splitlines()[-1]


def _task(*bodies: bytes) -> Task:
    return Task([Content(body) for body in bodies], screened=False, version=0, knowledge=b"")
