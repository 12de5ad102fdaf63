"""Every operation does what the OpenAPI document says, whatever it is sent (schemathesis)."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from app.demo.endpoint import create_endpoint
from app.settings import Strategy
from app.upstream.assembly import Server
from tests.plain_http import ASK
from tests.served_apps import running
from tests.tiny import SIDE
from tests.web.drop_in import NAME, OUTPUTS, application, predict

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
NAMED = f"""
[parameters]
"path.model" = "{NAME}"
"path.trigger_id" = "t-1"
"""
"""What there is: made-up names hardly get beyond a 404."""
LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
EFFORT = ("--max-time", "200") if LONG else ("--max-examples", "3", "--seed", "1")
API, ADMIN = "api-key", "admin-key"


@contextmanager
def served(*keys: str) -> Iterator[str]:
    """Run model and gateway, which knows a trigger, with a key for callers and one for admins."""
    model = create_endpoint(NAME, predict, shape=(SIDE, SIDE, 3), outputs=OUTPUTS)
    with running(model) as upstream:
        app = application(
            Server(upstream, NAME), Strategy.FAST, api_keys=keys[:1], admin_keys=keys[1:]
        )
        with running(app, lifespan="on") as url:
            yield url


def described(url: str, directory: Path, key: str | None) -> Path:
    """Write the document that is at *url*, without its `default` answers, into *directory*.

    With them any status would be described: so each status that happens must be listed.
    """
    headers = {} if key is None else {"X-API-Key": key}
    document = ASK.get(f"{url}/openapi.json", headers=headers).raise_for_status().json()
    del document["paths"]["/events"]  # an answer without an end: tests/web/routes/test_events.py
    for operation in operations(document):
        del operation["responses"]["default"]
    path = directory / "openapi.json"
    path.write_bytes(orjson.dumps(document))
    return path


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return all operations of an OpenAPI document."""
    return [one for methods in document["paths"].values() for one in methods.values()]


def fuzzed(url: str, directory: Path, key: str | None, more: str, *options: str) -> None:
    """Let schemathesis look at everything, with all of its checks, and find nothing.

    It is configured by the file and by *more*.
    """
    document = described(url, directory, key)
    configuration = directory / "configuration.toml"
    configuration.write_text(CONFIGURATION.read_text() + more)
    finished = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(configuration), "run"),
            *(str(document), "--url", url, "--checks", "all", "--no-color", *EFFORT, *options),
        ],
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert 0 == finished.returncode, finished.stdout
    all_of_them = len(operations(orjson.loads(document.read_bytes())))
    assert f"{all_of_them} selected / {all_of_them} total" in finished.stdout, finished.stdout


@pytest.mark.parametrize("names", [pytest.param("", id="any"), pytest.param(NAMED, id="right")])
@pytest.mark.slow
def test_open_gateway(tmp_path: Path, names: str) -> None:
    """Without keys every answer is as the document says, for right and for wrong names."""
    with served() as url:
        fuzzed(url, tmp_path, None, names)


@pytest.mark.slow
@pytest.mark.parametrize("key", [API, ADMIN])
def test_gateway_with_keys(tmp_path: Path, key: str) -> None:
    """With keys every answer is as the document says, and no operation leaks without one."""
    with served(API, ADMIN) as url:
        fuzzed(url, tmp_path, key, NAMED, "--header", f"Authorization: Bearer {key}")
