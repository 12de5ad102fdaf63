"""A gateway in front of each real model server, by each of its dialects, and what it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.conformance.dialects import DIALECTS, Dialect
from tests.conformance.environments import UninstallableError
from tests.conformance.gateways import running_gateway
from tests.conformance.model_server import running_server
from tests.conformance.replies import Reply, reply
from tests.conformance.samples import Batch, Sample, batch, network, samples

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from xdist.remote import Producer

    from tests.conformance.model_server import ModelServer
    from tests.faults.service import Service


class ByDialect(LoadScopeScheduling):  # type: ignore[misc]  # it comes without types
    """Deals out whole dialects: the tests of one share a server and a gateway."""

    def _split_scope(self, nodeid: str) -> str:
        names = [name for name in DIALECTS if name in nodeid.partition("[")[2]]
        return max(names, key=len, default=nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByDialect:
    """Keep each dialect's tests in one process."""
    return ByDialect(config, log)


@pytest.fixture(scope="session")
def stream() -> list[Sample]:
    """Return the images that each gateway is sent."""
    return samples(network())


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file with the model that each server serves."""
    path = tmp_path_factory.mktemp("model") / "weights.npz"
    network().save(path)
    return path


@pytest.fixture(scope="session")
def clean(stream: list[Sample], tmp_path_factory: pytest.TempPathFactory) -> Batch:
    """Return three clean images."""
    members = [sample for sample in stream if not sample.poisoned][:3]
    return batch(members, tmp_path_factory.mktemp("clean") / "images.npy")


@pytest.fixture(scope="session")
def mixed(stream: list[Sample], tmp_path_factory: pytest.TempPathFactory) -> Batch:
    """Return a poisoned image between two clean ones."""
    poisoned = next(sample for sample in stream if sample.poisoned)
    before, after = [sample for sample in stream if not sample.poisoned][:2]
    return batch([before, poisoned, after], tmp_path_factory.mktemp("mixed") / "images.npy")


@pytest.fixture(scope="session", params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    """Return a way to speak to a server."""
    return DIALECTS[request.param]


@pytest.fixture(scope="session")
def server(dialect: Dialect, weights: Path) -> Iterator[ModelServer]:
    """Run the dialect's server."""
    try:
        with running_server(dialect.server, weights) as server:
            yield server
    except UninstallableError as exc:
        pytest.skip(f"{dialect.server} can't be installed: {exc}")


@pytest.fixture(scope="session")
def gateway(
    dialect: Dialect, server: ModelServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """Run a gateway in front of the server."""
    url = server.url + dialect.path
    directory = tmp_path_factory.mktemp("gateway")
    with running_gateway(directory, url, dialect.settings) as gateway:
        yield gateway


@pytest.fixture(scope="session")
def replies(gateway: Service, stream: list[Sample]) -> list[Reply]:
    """Return what the gateway answers to the whole stream; from then on it knows the trigger."""
    return [reply(gateway.predict(sample.image)) for sample in stream]
