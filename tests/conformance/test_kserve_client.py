"""KServe's own REST client, in front of KServe and then of a gateway."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.conformance.answers import FLAGS, Answer, flags_tensor, printed_answer, run_client
from tests.conformance.model_server import NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.conformance.model_server import ModelServer
    from tests.conformance.samples import Batch
    from tests.faults.service import Service

pytestmark = pytest.mark.usefixtures("replies")  # the gateway knows the trigger

V1 = pytest.mark.parametrize("dialect", ["kserve-v1"], indirect=True)
V2 = pytest.mark.parametrize("dialect", ["kserve-v2"], indirect=True)

BINARY_OUTPUT = {"name": "probabilities", "parameters": {"binary_data": True}}
NAMED: Mapping[str, Any] = {
    "JSON": {"binary": False, "outputs": [{"name": "probabilities"}]},
    "binary": {"binary": True, "outputs": [BINARY_OUTPUT]},
    "binary, answered as JSON": {"binary": True, "outputs": [{"name": "probabilities"}]},
}
UNNAMED: Mapping[str, Any] = {"JSON": {"binary": False}, "binary": {"binary": True}}
FLAGGED: Mapping[str, Any] = {
    "JSON": {"binary": False, "outputs": [{"name": "probabilities"}, {"name": FLAGS}]}
}


@V2
@pytest.mark.parametrize("requests", [NAMED, UNNAMED], ids=["named", "unnamed"])
def test_v2_gets_the_servers_own_tensors_for_a_clean_batch(
    requests: Mapping[str, Any], server: ModelServer, gateway: Service, clean: Batch
) -> None:
    """The tensors are the same whether outputs are named or not, in binary or as JSON."""
    expected = _answers(server, server.url, clean, requests)
    actual = _answers(server, gateway.url, clean, requests)
    assert expected == {name: answer.without_flags() for name, answer in actual.items()}
    flags = {name: answer.outputs.get(FLAGS) for name, answer in actual.items()}
    assert flags == dict.fromkeys(
        requests, flags_tensor(clean.flags()) if requests is UNNAMED else None
    )


@V2
@pytest.mark.parametrize("requests", [UNNAMED, FLAGGED], ids=["unnamed", "flagged"])
def test_v2_gets_flags_and_sanitised_rows_for_a_mixed_batch(
    requests: Mapping[str, Any], server: ModelServer, gateway: Service, mixed: Batch
) -> None:
    """The poisoned image has its right answer and its flag."""
    for answer in _answers(server, gateway.url, mixed, requests).values():
        assert mixed.labels() == answer.outputs["probabilities"].labels()
        assert flags_tensor(mixed.flags()) == answer.outputs[FLAGS]


@V2
def test_v2_finds_the_gateway_as_healthy_as_the_server(
    server: ModelServer, gateway: Service, clean: Batch
) -> None:
    """The gateway is live and ready, and so is the model; no other model is."""
    expected, actual = (_run("v2", server, url, clean, {}) for url in (server.url, gateway.url))
    assert expected == actual


@V1
def test_v1_gets_the_servers_own_predictions_for_a_clean_batch(
    server: ModelServer, gateway: Service, clean: Batch
) -> None:
    """Scores and readiness are the same, to the last digit."""
    expected, actual = (_run("v1", server, url, clean, {}) for url in (server.url, gateway.url))
    same = ["answers", "model_ready"]
    assert [expected[key] for key in same] == [actual[key] for key in same]


@V1
@pytest.mark.xfail(reason="v1 has no path for it but /, where the gateway has its dashboard")
def test_v1_finds_the_gateway_alive(server: ModelServer, gateway: Service, clean: Batch) -> None:
    """GET / answers with a status."""
    assert _run("v1", server, gateway.url, clean, {})["live"]


@V1
def test_v1_gets_sanitised_predictions_for_a_mixed_batch(
    server: ModelServer, gateway: Service, mixed: Batch
) -> None:
    """The poisoned image has its right answer."""
    (answer,) = _run("v1", server, gateway.url, mixed, {})["answers"]
    assert mixed.labels() == np.argmax(answer["predictions"], axis=1).tolist()


def _answers(
    server: ModelServer, url: str, batch: Batch, requests: Mapping[str, Any]
) -> dict[str, Answer]:
    printed = _run("v2", server, url, batch, requests)["answers"]
    return dict(zip(requests, map(printed_answer, printed), strict=True))


def _run(
    protocol: str, server: ModelServer, url: str, batch: Batch, requests: Mapping[str, Any]
) -> Any:
    words = (protocol, url, NAME, str(batch.path), json.dumps(list(requests.values())))
    return run_client(server.python, "kserve_client.py", *words)
