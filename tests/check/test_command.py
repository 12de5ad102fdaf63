"""`neo-gateway check`, in front of real servers: what it says, and that it changes nothing."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from click.testing import CliRunner
from redis import Redis

from app.cli import main
from app.demo.endpoint import create_endpoint
from app.library.server.embedded import embedded_valkey
from tests.served_apps import running
from tests.tiny import SIDE, clean_images
from tests.web.drop_in import NAME, OUTPUTS, predict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

IMAGES = clean_images(220, np.random.default_rng(3))
NOWHERE = "127.0.0.1:1"
PARTS = ["settings", "upstream", "references", "store"]


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    """Run a model server."""
    served = create_endpoint(NAME, predict, shape=(SIDE, SIDE, 3), outputs=OUTPUTS)
    with running(served) as url:
        yield url


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """Run a store."""
    with embedded_valkey() as url:
        yield url


@pytest.fixture(autouse=True)
def settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, upstream: str, store: str
) -> pytest.MonkeyPatch:
    """Set what `serve` needs, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    np.savez("few.npz", x=IMAGES[:5])
    np.savez("alike.npz", x=np.repeat(IMAGES[:1], 200, axis=0))
    np.savez("clean.npz", x=IMAGES)
    for name, value in {
        "NEO_UPSTREAM_URL": upstream,
        "NEO_MODEL": NAME,
        "NEO_REFERENCE": "clean.npz",
        "NEO_REDIS_URL": store,
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def check(*options: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, ["check", *options])


def told(*options: str) -> tuple[int, dict[str, tuple[str, str]]]:
    """Return the exit code, and of each part how it is and what is said of it."""
    result = check("--json", *options)
    document: dict[str, Any] = json.loads(result.stdout)
    assert (result.exit_code == 0) is document["ready"]
    parts = {one["part"]: (one["state"], "\n".join(one["said"])) for one in document["parts"]}
    return result.exit_code, parts


def test_all_is_well(store: str) -> None:
    """Each part says what will be used; the store has nothing in it afterwards."""
    result = check()
    assert 0 == result.exit_code, result.output
    lines = [line for line in result.output.splitlines() if not line.startswith(" ")]
    assert [["ok", part] for part in PARTS] == [line.split()[:2] for line in lines[:4]]
    for words in ("mode enforce, strategy full", "speaks oip", "'scores' FP32 [-1, 4]"):
        assert words in result.output
    assert "220 images; the model has 4 classes for 64 of them" in result.output
    assert "0 triggers of tiny" in result.output
    with Redis.from_url(store) as client:
        assert [] == client.keys()


@pytest.mark.parametrize(
    ("strategy", "said"),
    [
        ("full", "20 to 40 inferences"),
        ("fast", "10 to 25 inferences"),
        ("paper", "400 to 1,500 inferences"),
        ("off", "none but its own"),
    ],
)
def test_what_an_image_costs_is_the_strategys(
    settings: pytest.MonkeyPatch, strategy: str, said: str
) -> None:
    """The paper's way takes far more, a plain proxy nothing."""
    settings.setenv("NEO_STRATEGY", strategy)
    assert f"screening one image takes {said}" in " ".join(check().output.split())


def test_without_a_redis_nothing_is_made(settings: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It says where a Valkey of our own would keep its data, and tries one elsewhere."""
    settings.delenv("NEO_REDIS_URL")
    code, parts = told()
    assert (0, "ok") == (code, parts["store"][0])
    assert str(tmp_path / "state") in parts["store"][1]
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("name", "value", "part", "words"),
    [
        ("NEO_PATIENCE", "soon", "settings", "NEO_PATIENCE is wrong"),
        ("NEO_UPSTREAM_URL", f"http://{NOWHERE}", "upstream", "NEO_UPSTREAM_URL"),
        ("NEO_MODEL", "other", "upstream", "NEO_MODEL"),
        ("NEO_INPUT_SIZE", "9x9x3", "upstream", "NEO_INPUT_SIZE"),
        ("NEO_REFERENCE", "few.npz", "references", "5 images are too few"),
        ("NEO_REFERENCE", "alike.npz", "references", "NEO_INPUT_* its preprocessing?"),
        ("NEO_REDIS_URL", f"redis://{NOWHERE}", "store", "NEO_REDIS_URL"),
        ("NEO_REDIS_URL", "redis://host/first", "store", "NEO_REDIS_URL is wrong"),
    ],
)
def test_what_is_wrong_names_its_mend(
    settings: pytest.MonkeyPatch, name: str, value: str, part: str, words: str
) -> None:
    """The part that it is about is wrong, the others are tried if they can be; the code is 2."""
    settings.setenv(name, value)
    code, parts = told()
    assert (2, "wrong") == (code, parts[part][0])
    assert words in parts[part][1]
    assert PARTS == list(parts)
    after = PARTS[PARTS.index(part) + 1 :]
    expected = {"settings": ["skipped"] * 3, "upstream": ["skipped", "ok"]}.get(part, ["ok"])
    assert expected[: len(after)] == [parts[one][0] for one in after]


def test_a_replica_takes_nothing(settings: pytest.MonkeyPatch) -> None:
    """A store that can only be read is told before anything is to be written."""
    with embedded_valkey() as url:
        with Redis.from_url(url) as client:
            client.replicaof("127.0.0.1", "1")
        settings.setenv("NEO_REDIS_URL", url)
        code, parts = told()
    assert (2, "wrong") == (code, parts["store"][0])
    assert "read-only replica" in parts["store"][1]


def test_what_hangs_is_given_up(settings: pytest.MonkeyPatch) -> None:
    """Each part has its time, and no more."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.setenv("NEO_UPSTREAM_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        code, parts = told("--timeout", "0.2")
    assert 2 == code
    assert "within 0.2 s" in parts["upstream"][1]


def test_what_serve_is_ready_without(settings: pytest.MonkeyPatch) -> None:
    """Where flagged images and events go is told, of the webhook its host alone; it's no fault."""
    settings.setenv("NEO_QUARANTINE", "clean.npz/kept")
    settings.setenv("NEO_WEBHOOK_URL", "https://hooks.example/secret")
    result = check()
    assert 0 == result.exit_code, result.output
    assert "clean.npz can't be written (see NEO_QUARANTINE)" in result.output
    assert "events go to hooks.example" in result.output
    assert "secret" not in result.output


@pytest.mark.parametrize(
    ("strategy", "said"),
    [
        ("fast", "up to 0.01 of clean images may be called suspicious"),
        ("paper", "none, by strategy"),
    ],
)
def test_a_second_opinion_is_told(settings: pytest.MonkeyPatch, strategy: str, said: str) -> None:
    """What it will do is said, also where the strategy leaves it out."""
    settings.setenv("NEO_SECOND_OPINION", "flag")
    settings.setenv("NEO_STRATEGY", strategy)
    assert f"a second opinion: {said}" in " ".join(check().output.split())


def test_a_state_folder_that_cannot_be(settings: pytest.MonkeyPatch) -> None:
    """Without a Redis its place must be one that can be written."""
    settings.delenv("NEO_REDIS_URL")
    settings.setenv("XDG_STATE_HOME", "clean.npz")
    code, parts = told()
    assert (2, "wrong") == (code, parts["store"][0])
    assert "XDG_STATE_HOME" in parts["store"][1]


def test_names_for_all_classes(settings: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file of names that isn't this model's is told."""
    (tmp_path / "labels.txt").write_text("red\nblue\n")
    settings.setenv("NEO_LABELS", "labels.txt")
    code, parts = told()
    assert (0, "note") == (code, parts["references"][0])
    assert "NEO_LABELS has 2 names, and the model 4 classes" in parts["references"][1]


def test_what_is_wrong_is_told_once(settings: pytest.MonkeyPatch) -> None:
    """The log says nothing beside the table."""
    settings.setenv("NEO_UPSTREAM_URL", f"http://{NOWHERE}")
    assert "WARNING" not in check().stderr


def test_a_remark_is_no_fault(settings: pytest.MonkeyPatch) -> None:
    """References that are few will do, and it is said."""
    np.savez("some.npz", x=IMAGES[:60])
    settings.setenv("NEO_REFERENCE", "some.npz")
    code, parts = told()
    assert (0, "note") == (code, parts["references"][0])
    assert "60 images are few" in parts["references"][1]
