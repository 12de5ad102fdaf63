"""A real Chromium before real gateways: two workers, a model with a backdoor, a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.chromium import chromium
from tests.browser.visitor import Visitor
from tests.faults.service import POISONED, running_gateway, running_upstream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

    from tests.faults.service import Service, Upstream

ADMIN, CLIENT = "admin-key-1", "client-key-1"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start the machine's Chromium once."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visitor]]:
    """Return what opens a browser window; at the end nothing may have been refused or broken."""
    visitors: list[Visitor] = []

    def opened(service: Service, path: str = "/", **options: Any) -> Visitor:
        visitors.append(Visitor(browser, service.url + path, **options))
        return visitors[-1]

    yield opened
    complaints = [visitor.close() for visitor in visitors]
    assert [[] for _ in visitors] == complaints


@pytest.fixture(scope="session")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upstream]:
    """Run the model's endpoint for all gateways."""
    with running_upstream(tmp_path_factory.mktemp("upstream")) as upstream:
        yield upstream


@pytest.fixture(scope="session")
def service(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run a gateway without keys that has found one trigger."""
    with running_gateway(tmp_path_factory.mktemp("open"), upstream) as service:
        service.predict(POISONED[0]).raise_for_status()
        yield service


@pytest.fixture(scope="session")
def keyed(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run a gateway with keys."""
    folder = tmp_path_factory.mktemp("keyed")
    with running_gateway(folder, upstream, NEO_ADMIN_KEYS=ADMIN, NEO_API_KEYS=CLIENT) as service:
        yield service
