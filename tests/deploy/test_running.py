"""The gateway's container as it is rendered, run for real: command, variables, probes."""

from __future__ import annotations

import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.deploy.manifests import (
    KUBERNETES,
    Document,
    gateway,
    rendered,
    settings,
    transformer,
)
from tests.deploy.tools import kustomized, needs_tools
from tests.faults.service import (
    CLEAN,
    HOST,
    POISONED,
    START_S,
    Process,
    Service,
    free_port,
    references,
    status,
)
from tests.faults.tiny_server import NAME
from tests.library.servers import program_of, running, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.faults.service import Upstream

pytestmark = needs_tools

PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
OWN = """
resources: [../base]
components: [../components/valkey]
configMapGenerator:
  - name: neo-gateway-settings
    behavior: merge
    literals: [{literals}]
"""


@pytest.fixture(scope="module")
def valkey() -> Iterator[str]:
    """Run the store that the gateways share."""
    with running(program_of("valkey")) as server:
        yield server.url


@contextmanager
def started(
    container: Document, directory: Path, variables: Mapping[str, str], added: tuple[str, ...] = ()
) -> Iterator[Service]:
    """Run *container* with these *variables* as its pod would: its command and its arguments.

    Only the address is another one: this machine's own, and a free port.
    """
    port = free_port()
    here = {"0.0.0.0": HOST, "8080": str(port)}  # noqa: S104
    words = [here.get(word, word) for word in (*container["args"], *added)]
    assert ["neo-gateway"] == container["command"]
    process = Process(
        directory / "gateway.log", "app.cli", *words, **variables, TMPDIR=str(directory)
    )
    try:
        yield Service(f"http://{HOST}:{port}", process, str(directory))
    finally:
        process.kill()


def answers(container: Document, probe: str, service: Service) -> bool:
    """Ask as the *probe* of the container does."""
    asked = container[probe]["httpGet"]
    assert asked["port"] in {"http", 8080}
    assert 8080 == container["ports"][0]["containerPort"]
    return status(f"{service.url}{asked['path']}") == 200


def test_overlay_runs(tmp_path: Path, upstream: Upstream, valkey: str) -> None:
    """An overlay of one's own, on the base: it becomes ready, finds a trigger, and ends in time."""
    literals = {
        "NEO_UPSTREAM_URL": upstream.url,
        "NEO_MODEL": NAME,
        "NEO_REFERENCE": str(references(tmp_path)),
        "NEO_REDIS_URL": valkey,
    }
    documents = _overlay(tmp_path, **literals)
    pod = gateway(documents)
    (container,) = pod["containers"]
    with started(container, tmp_path, settings(documents)) as service:
        for probe in PROBES:
            wait_until(lambda probe=probe: answers(container, probe, service), START_S)  # type: ignore[misc]
        assert service.predict(POISONED[0]).json()["backdoor"]
        assert not service.predict(CLEAN[0]).json()["backdoor"]
        began = time.monotonic()
        subprocess.run(container["lifecycle"]["preStop"]["exec"]["command"], check=True)
        service.process.popen.terminate()
        assert 0 == service.process.ended(), service.process.said
        assert time.monotonic() - began < pod["terminationGracePeriodSeconds"]


def test_monitor_overlay_runs(tmp_path: Path, upstream: Upstream, valkey: str) -> None:
    """The overlay `monitor`, with only the addresses of this machine: nothing is corrected."""
    documents = rendered("overlays/monitor")
    (container,) = gateway(documents)["containers"]
    here = {
        "NEO_UPSTREAM_URL": upstream.url,
        "NEO_MODEL": NAME,
        "NEO_REFERENCE": str(references(tmp_path)),
        "NEO_REDIS_URL": valkey,
    }
    with started(container, tmp_path, settings(documents) | here) as service:
        wait_until(lambda: answers(container, "readinessProbe", service), START_S)
        told = service.predict(POISONED[1]).json()
        assert told["prediction"] == told["upstream_prediction"]


def test_transformer_runs(tmp_path: Path, upstream: Upstream, valkey: str) -> None:
    """KServe's manifest, with what its controller appends, in front of its predictor."""
    (container,) = transformer()["containers"]
    variables = {one["name"]: one["value"] for one in container["env"]} | {
        "NEO_REFERENCE": str(references(tmp_path)),
        "NEO_REDIS_URL": valkey,
        "NEO_INPUT_SIZE": "16x16x3",
    }
    appended = ("--model_name", NAME, "--predictor_host", upstream.url.removeprefix("http://"))
    added = (*appended, "--http_port", "8080")
    with started(container, tmp_path, variables, added) as service:
        wait_until(lambda: answers(container, "readinessProbe", service), START_S)
        assert answers(container, "livenessProbe", service)
        assert 200 == status(f"{service.url}/v2/models/{NAME}/ready")
        assert 200 == service.predict(CLEAN[0]).status_code


def _overlay(directory: Path, **literals: str) -> tuple[Document, ...]:
    """Return what an overlay of one's own is rendered to, beside a copy of ours."""
    for folder in ("base", "components"):
        (directory / folder).symlink_to(KUBERNETES / folder)
    own = directory / "own"
    own.mkdir()
    written = ", ".join(f"{name}={value}" for name, value in literals.items())
    (own / "kustomization.yaml").write_text(OWN.format(literals=written))
    return tuple(kustomized(own))
