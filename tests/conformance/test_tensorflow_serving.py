"""TensorFlow Serving's REST API in each of its documented forms, by requests, before any server.

The server itself isn't to be had by pip; what its documentation says of answers is expected here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import requests

from tests.conformance.dialects import PREDICT
from tests.conformance.model_server import NAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.conformance.samples import Batch
    from tests.faults.service import Service

pytestmark = [
    pytest.mark.parametrize("dialect", ["triton", "kserve-v1"], indirect=True),
    pytest.mark.usefixtures("replies"),  # the gateway knows the trigger
]

MODEL = f"/v1/models/{NAME}"


@pytest.fixture
def session() -> Iterator[requests.Session]:
    """Yield a client that goes through no proxy."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.mark.parametrize("form", ["rows", "named rows", "columns", "named columns"])
def test_rows_and_columns(
    gateway: Service, session: requests.Session, mixed: Batch, form: str
) -> None:
    """Rows are answered as predictions, columns as outputs; the poisoned image is sanitised."""
    rows = mixed.images.tolist()
    body: Mapping[str, Any] = {
        "rows": {"instances": rows},
        "named rows": {"instances": [{"image": row} for row in rows]},
        "columns": {"inputs": rows},
        "named columns": {"inputs": {"image": rows}},
    }[form]
    answer = session.post(gateway.url + PREDICT, json=body)
    (key,) = answer.json()
    assert (200, "0,1,0") == (answer.status_code, answer.headers["X-Neo-Backdoor"])
    assert ("predictions" if "rows" in form else "outputs") == key
    assert mixed.labels() == _labels(answer.json()[key])


def test_what_is_told_of_the_model(gateway: Service, session: requests.Session) -> None:
    """The status lists a version that can be asked, and the metadata have one signature."""
    (status,) = session.get(gateway.url + MODEL).json()["model_version_status"]
    assert ("AVAILABLE", "OK") == (status["state"], status["status"]["error_code"])
    told = session.get(f"{gateway.url}{MODEL}/metadata").json()
    assert NAME == told["model_spec"]["name"]
    signature = told["metadata"]["signature_def"]["signature_def"]["serving_default"]
    (tensor,) = signature["inputs"].values()
    dims = [int(one["size"]) for one in tensor["tensor_shape"]["dim"]]
    assert ("DT_FLOAT", [-1, 28, 28, 1]) == (tensor["dtype"], dims)


def test_what_the_metadata_name_is_taken(
    gateway: Service, session: requests.Session, mixed: Batch
) -> None:
    """A request that is built from the metadata alone is answered."""
    told = session.get(f"{gateway.url}{MODEL}/metadata").json()
    (name,) = told["metadata"]["signature_def"]["signature_def"]["serving_default"]["inputs"]
    columns = {name: mixed.images.tolist()}
    body: Any = {"signature_name": "serving_default", "inputs": columns}
    answer = session.post(gateway.url + PREDICT, json=body)
    assert mixed.labels() == _labels(answer.json()["outputs"])


def test_a_version_that_is_not_there(
    gateway: Service, session: requests.Session, mixed: Batch
) -> None:
    """It isn't ready, and isn't asked; the error is under `error`."""
    missing = f"{gateway.url}{MODEL}/versions/9"
    answers = [
        session.get(missing),
        session.get(f"{missing}/metadata"),
        session.post(f"{missing}:predict", json={"instances": mixed.images.tolist()}),
    ]
    assert [404] * 3 == [answer.status_code for answer in answers]
    assert [["error"]] * 3 == [list(answer.json()) for answer in answers]


def _labels(said: Any) -> list[int]:
    """Return the classes that predictions or outputs mean: scores by the row, or by their name."""
    if isinstance(said, dict):
        return [int(row.argmax()) for row in np.asarray(said["probabilities"])]
    rows = [row["probabilities"] if isinstance(row, dict) else row for row in said]
    return [int(np.argmax(row)) for row in rows]
