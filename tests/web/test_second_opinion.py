"""The second opinion, as clients meet it."""

from __future__ import annotations

import numpy as np

from app.settings import Strategy
from tests.files import encoded
from tests.striped import StripedModel, striped
from tests.tiny import TARGET, clean_images
from tests.web.served import serving

CLEAN = clean_images(9, np.random.default_rng(31))
VICTIM = striped(CLEAN[StripedModel().classify(CLEAN).labels != TARGET])[0]
PNG = {"Content-Type": "image/png"}
LENIENT = {"strategy": Strategy.FULL, "second_opinion": 0.1}
"""Of forty references half are measured: with so few a twentieth is as rare as it can be."""


async def test_the_verdict_is_a_word_of_its_own() -> None:
    """`suspicious`, in the answer and in the header; no backdoor, and the model's own answer."""
    async with serving(StripedModel(), LENIENT) as served:
        answer = await served.http.post("/predict", content=encoded(VICTIM), headers=PNG)
    told = answer.json()
    assert ("suspicious", False, None) == (
        told["screening"],
        told["backdoor"],
        told["trigger_id"],
    )
    assert TARGET == told["prediction"]["index"] == told["upstream_prediction"]["index"]
    assert "suspicious" == answer.headers["X-Neo-Verdict"]


async def test_tensors_get_the_word_as_well() -> None:
    """Through the model server's own door: image by image, with no flag set."""
    body = {
        "inputs": [
            {
                "name": "image",
                "datatype": "UINT8",
                "shape": [1, *VICTIM.shape],
                "data": VICTIM.ravel().tolist(),
            }
        ]
    }
    async with serving(StripedModel(), LENIENT) as served:
        answer = await served.http.post("/v2/models/tiny/infer", json=body)
    assert 200 == answer.status_code, answer.text
    assert ("0", "suspicious") == (
        answer.headers["X-Neo-Backdoor"],
        answer.headers["X-Neo-Verdict"],
    )
