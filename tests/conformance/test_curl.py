"""Curl, in front of each server and then of a gateway."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.conformance.answers import FLAGS, flags_tensor, v2_answer
from tests.conformance.dialects import INFER, PREDICT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.conformance.dialects import Dialect
    from tests.conformance.model_server import ModelServer
    from tests.conformance.samples import Batch
    from tests.faults.service import Service

pytestmark = [
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl isn't installed"),
    pytest.mark.usefixtures("replies"),  # the gateway knows the trigger
]

JSON = "Content-Type: application/json"
HEADER_LENGTH = "Inference-Header-Content-Length"


@dataclass(frozen=True)
class Fetched:
    """A response; the names of its headers are lower-case."""

    headers: Mapping[str, list[str]]
    body: bytes


def test_a_clean_batch_gets_the_servers_own_answer(
    dialect: Dialect, server: ModelServer, gateway: Service, clean: Batch
) -> None:
    """The outputs or predictions are the same, to the last bit, and the header flags none."""
    request = _request(dialect, clean)
    expected = _curl(server.url + dialect.asked, request, JSON)
    actual = _curl(gateway.url + dialect.drop_in, request, JSON)
    assert ["0,0,0"] == actual.headers["x-neo-backdoor"]
    assert _said(dialect, expected) == _said(dialect, actual)


def test_a_mixed_batch_gets_flags_and_sanitised_rows(
    dialect: Dialect, server: ModelServer, gateway: Service, mixed: Batch
) -> None:
    """The poisoned image has its right answer; the others have the server's own."""
    request = _request(dialect, mixed)
    expected = _curl(server.url + dialect.asked, request, JSON)
    actual = _curl(gateway.url + dialect.drop_in, request, JSON)
    assert ["0,1,0"] == actual.headers["x-neo-backdoor"]
    assert ["clean,backdoor,clean"] == actual.headers["x-neo-verdict"]
    assert mixed.labels() == [_class(row) for row in _rows(dialect, actual)]
    assert _rows(dialect, expected)[::2] == _rows(dialect, actual)[::2]


def test_a_compressed_request_is_the_same(dialect: Dialect, gateway: Service, mixed: Batch) -> None:
    """A body in gzip gets the same answer, compressed or not."""
    request, url = _request(dialect, mixed), gateway.url + dialect.drop_in
    expected = _curl(url, request, JSON)
    packed = _curl(
        url, gzip.compress(request), JSON, "Content-Encoding: gzip", "Accept-Encoding: gzip"
    )
    assert expected.headers["x-neo-backdoor"] == packed.headers["x-neo-backdoor"]
    assert _said(dialect, expected) == _said(dialect, packed)


@pytest.mark.parametrize(
    "dialect", ["kserve-v2", "mlserver", "mlserver-proba", "triton"], indirect=True
)
def test_a_binary_request_is_the_same(dialect: Dialect, gateway: Service, mixed: Batch) -> None:
    """The gateway reads raw tensors, also for a server that doesn't."""
    raw = mixed.images.tobytes()
    tensor = _tensor(dialect, mixed) | {"parameters": {"binary_data_size": len(raw)}}
    head = json.dumps(_infer(dialect, tensor)).encode()
    length = f"{HEADER_LENGTH}: {len(head)}"
    kind = "Content-Type: application/octet-stream"
    actual = _curl(gateway.url + INFER, head + raw, kind, length)
    expected = _curl(gateway.url + INFER, _request(dialect, mixed), JSON)
    assert _said(dialect, expected) == _said(dialect, actual)


@pytest.mark.parametrize("dialect", ["kserve-v2", "mlserver", "triton"], indirect=True)
def test_the_flags_are_an_output_where_none_is_named(
    dialect: Dialect, gateway: Service, mixed: Batch
) -> None:
    """A request that names no outputs gets each image's flag beside the server's own outputs."""
    actual = _curl(gateway.url + INFER, _request(dialect, mixed), JSON)
    assert flags_tensor(mixed.flags()) == v2_answer(actual.body).outputs[FLAGS]


def test_any_gateway_speaks_v1(dialect: Dialect, gateway: Service, mixed: Batch) -> None:
    """Whatever its server speaks, /v1 gets flags and sanitised predictions."""
    instances = mixed.images.reshape(-1, *dialect.shape).tolist()
    actual = _curl(gateway.url + PREDICT, json.dumps({"instances": instances}).encode(), JSON)
    assert ["0,1,0"] == actual.headers["x-neo-backdoor"]
    assert mixed.labels() == [_class(one) for one in json.loads(actual.body)["predictions"]]


def test_any_gateway_speaks_v2(dialect: Dialect, gateway: Service, mixed: Batch) -> None:
    """Whatever its server speaks, /v2 gets flags, also as an output, and sanitised rows."""
    actual = _curl(gateway.url + INFER, _infer_as_json(dialect, mixed), JSON)
    answer = v2_answer(actual.body)
    assert ["0,1,0"] == actual.headers["x-neo-backdoor"]
    outputs = answer.without_flags().outputs.values()
    assert outputs
    assert [mixed.labels()] * len(outputs) == [output.labels() for output in outputs]


def _class(prediction: Any) -> int:
    """Return the class that a prediction means: scores, a label, or outputs that all mean it."""
    if isinstance(prediction, dict):
        (meant,) = {_class(output) for output in prediction.values()}
        return meant
    values = np.ravel(prediction)
    return int(values.argmax() if len(values) > 1 else values[0])


def _request(dialect: Dialect, batch: Batch) -> bytes:
    """Return the body as this dialect's server takes it."""
    if dialect.drop_in == INFER:
        return _infer_as_json(dialect, batch)
    return json.dumps({"instances": batch.images.tolist()}).encode()


def _infer_as_json(dialect: Dialect, batch: Batch) -> bytes:
    tensor = _tensor(dialect, batch) | {"data": batch.images.ravel().tolist()}
    return json.dumps(_infer(dialect, tensor)).encode()


def _infer(dialect: Dialect, tensor: dict[str, Any]) -> dict[str, Any]:
    named = {"outputs": [{"name": dialect.output}]} if dialect.output else {}
    return {"id": "7", "inputs": [tensor]} | named


def _tensor(dialect: Dialect, batch: Batch) -> dict[str, Any]:
    shape = (len(batch.images), *dialect.shape)
    return {"name": "image", "datatype": "FP32", "shape": shape}


def _said(dialect: Dialect, fetched: Fetched) -> Any:
    """Return what is comparable between a server and a gateway."""
    if dialect.drop_in == INFER:
        return v2_answer(fetched.body).without_flags()
    return json.loads(fetched.body)


def _rows(dialect: Dialect, fetched: Fetched) -> list[Any]:
    """Return what is said of each image: by v1 its prediction, by v2 its part of each output."""
    if dialect.drop_in != INFER:
        predictions: list[Any] = json.loads(fetched.body)["predictions"]
        return predictions
    outputs = v2_answer(fetched.body).without_flags().outputs
    columns = {name: tensor.values.tolist() for name, tensor in outputs.items()}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _curl(url: str, body: bytes, *headers: str) -> Fetched:
    """POST *body*; the status has to be 200."""
    words = [word for header in headers for word in ("--header", header)]
    seen = ["--write-out", '%{stderr}{"status": %{http_code}, "headers": %{header_json}}']
    command = ["curl", "--silent", "--compressed", *words, *seen, "--data-binary", "@-", url]
    ended = subprocess.run(command, input=body, capture_output=True, check=True, timeout=120)
    response = json.loads(ended.stderr)
    assert 200 == response["status"], ended.stdout.decode()
    return Fetched(response["headers"], ended.stdout)
