"""NVIDIA's tritonclient, in front of Triton and then of a gateway: its user sees no difference."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.answers import FLAGS, Answer, flags_tensor, printed_answer, run_client
from tests.conformance.model_server import NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.conformance.model_server import ModelServer
    from tests.conformance.samples import Batch
    from tests.faults.service import Service

pytestmark = [
    pytest.mark.parametrize("dialect", ["triton"], indirect=True),
    pytest.mark.parametrize("client", ["sync", "aio"]),
    pytest.mark.usefixtures("replies"),  # the gateway knows the trigger
]

BOTH = [{"name": "probabilities"}, {"name": "label"}]
AS_JSON = [output | {"binary_data": False} for output in BOTH]
NAMED: Mapping[str, Any] = {
    "binary": {"outputs": BOTH},
    "JSON": {"binary": False, "outputs": AS_JSON, "request_id": "seven"},
    "one in binary, one as JSON": {"binary": False, "outputs": [BOTH[0], AS_JSON[1]]},
    "labels alone": {"outputs": [BOTH[1]]},
    "ranked": {"outputs": [BOTH[0] | {"class_count": 3}]},
    "ranked, as JSON": {"outputs": [AS_JSON[0] | {"class_count": 3}]},
} | {
    algorithm: {
        "outputs": BOTH,
        "request_compression_algorithm": algorithm,
        "response_compression_algorithm": algorithm,
    }
    for algorithm in ("gzip", "deflate")
}
UNNAMED: Mapping[str, Any] = {"binary": {}, "JSON": {"binary": False, "request_id": "eight"}}
FLAGGED: Mapping[str, Any] = {
    "named": {"outputs": [*BOTH, {"name": FLAGS}]},
    "named, as JSON": {"outputs": [*AS_JSON, {"name": FLAGS, "binary_data": False}]},
}


@pytest.mark.parametrize("requests", [NAMED, UNNAMED], ids=["named", "unnamed"])
def test_a_clean_batch_gets_the_servers_own_tensors(
    client: str,
    requests: Mapping[str, Any],
    server: ModelServer,
    gateway: Service,
    clean: Batch,
) -> None:
    """Whatever outputs are named, in binary or not, compressed or not, ranked or not."""
    expected = _answers(client, server, server.url, clean, requests)
    actual = _answers(client, server, gateway.url, clean, requests)
    assert expected == {name: answer.without_flags() for name, answer in actual.items()}
    flags = {name: answer.outputs.get(FLAGS) for name, answer in actual.items()}
    assert flags == dict.fromkeys(
        requests, flags_tensor(clean.flags()) if requests is UNNAMED else None
    )


@pytest.mark.parametrize("requests", [NAMED, UNNAMED, FLAGGED], ids=["named", "unnamed", "flagged"])
def test_in_a_mixed_batch_the_poisoned_image_alone_is_sanitised(
    client: str,
    requests: Mapping[str, Any],
    server: ModelServer,
    gateway: Service,
    mixed: Batch,
) -> None:
    """All outputs say the right class of each image."""
    for name, answer in _answers(client, server, gateway.url, mixed, requests).items():
        outputs = answer.without_flags().outputs
        assert outputs
        assert [mixed.labels()] * len(outputs) == [said.labels() for said in outputs.values()], name


def test_in_a_mixed_batch_the_clean_images_have_the_servers_own_rows(
    client: str, server: ModelServer, gateway: Service, mixed: Batch
) -> None:
    """Every output has the server's own rows for clean images, to the last bit."""
    expected = _answers(client, server, server.url, mixed, NAMED)
    actual = _answers(client, server, gateway.url, mixed, NAMED)
    assert _clean_rows(expected) == _clean_rows(actual)


@pytest.mark.parametrize("requests", [UNNAMED, FLAGGED], ids=["unnamed", "flagged"])
def test_the_flags_are_an_output(
    client: str, requests: Mapping[str, Any], server: ModelServer, gateway: Service, mixed: Batch
) -> None:
    """Each image has a flag where no outputs are named, or where the flags are."""
    for answer in _answers(client, server, gateway.url, mixed, requests).values():
        assert flags_tensor(mixed.flags()) == answer.outputs[FLAGS]


def test_the_gateway_describes_itself_as_the_server_does(
    client: str, server: ModelServer, gateway: Service, clean: Batch
) -> None:
    """Health, the model's tensors and its configuration are the same."""
    expected, actual = (_run(client, server, url, clean, {}) for url in (server.url, gateway.url))
    same = ["live", "ready", "model_ready", "other_ready", "config"]
    assert [expected[key] for key in same] == [actual[key] for key in same]
    assert actual["server"].keys() >= {"name", "version", "extensions"}
    assert "binary_tensor_data" in actual["server"]["extensions"]
    told = ["name", "inputs", "outputs"]  # no flags: the configuration hasn't them either
    assert [expected["model"][key] for key in told] == [actual["model"][key] for key in told]


def test_a_refusal_is_read_by_the_client(
    client: str, server: ModelServer, gateway: Service, clean: Batch
) -> None:
    """An unknown model is a 404 whose words the client finds."""
    refusal = _run(client, server, gateway.url, clean, {})["unknown"]
    assert refusal.startswith("[404] ")
    assert "an exception occurred in the client" not in refusal


def _clean_rows(answers: Mapping[str, Answer]) -> list[bytes]:
    """Return the first and the last row of all outputs."""
    return [
        output.values[::2].tobytes()
        for answer in answers.values()
        for output in answer.outputs.values()
    ]


def _answers(
    client: str, server: ModelServer, url: str, batch: Batch, requests: Mapping[str, Any]
) -> dict[str, Answer]:
    printed = _run(client, server, url, batch, requests)["answers"]
    return dict(zip(requests, map(printed_answer, printed), strict=True))


def _run(
    client: str, server: ModelServer, url: str, batch: Batch, requests: Mapping[str, Any]
) -> Any:
    address = url.removeprefix("http://")
    words = (client, address, NAME, str(batch.path), json.dumps(list(requests.values())))
    return run_client(server.python, "triton_client.py", *words)
