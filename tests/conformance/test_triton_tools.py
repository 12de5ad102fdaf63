"""Triton's `image_client.py` and `perf_analyzer`: all their calls, to Triton and to a gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.answers import run_client
from tests.conformance.model_server import NAME

if TYPE_CHECKING:
    from tests.conformance.model_server import ModelServer
    from tests.conformance.samples import Batch
    from tests.faults.service import Service

pytestmark = [
    pytest.mark.parametrize("dialect", ["triton"], indirect=True),
    pytest.mark.usefixtures("replies"),  # the gateway knows the trigger
]


def test_the_tools_see_no_difference(server: ModelServer, gateway: Service, clean: Batch) -> None:
    """Of clean images they get the same, whatever they ask; and the probes are counted, too."""
    expected, actual = (_told(server, url, clean) for url in (server.url, gateway.url))
    assert expected["image_client"] == actual["image_client"]
    counted = [told["perf_analyzer"].pop("counted") for told in (expected, actual)]
    assert expected["perf_analyzer"] == actual["perf_analyzer"]
    assert 32 == counted[0] <= counted[1]


def test_the_best_classes_of_a_poisoned_image_are_its_own(
    server: ModelServer, gateway: Service, mixed: Batch
) -> None:
    """In each of the batches that `image_client.py` sends, waited for or not."""
    batches = _told(server, gateway.url, mixed)["image_client"][4:]
    assert 4 == len(batches)
    for _, best in batches:
        assert mixed.labels() == [int(row[0].split(":")[1]) for row in best]


def _told(server: ModelServer, url: str, batch: Batch) -> dict[str, Any]:
    words = (url.removeprefix("http://"), NAME, str(batch.path))
    told: dict[str, Any] = run_client(server.python, "triton_tools.py", *words)
    return told
