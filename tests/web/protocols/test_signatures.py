"""Signatures: a model's tensors in TensorFlow's words."""

from __future__ import annotations

import pytest

from app.ports import ModelFacts
from app.web.protocols.signatures import signatures
from app.wire.tensors import TensorSpec


@pytest.mark.parametrize(
    ("datatype", "dtype"),
    [
        ("FP32", "DT_FLOAT"),
        ("FP16", "DT_HALF"),
        ("BF16", "DT_BFLOAT16"),
        ("UINT8", "DT_UINT8"),
        ("BYTES", "DT_STRING"),
    ],
)
def test_types(datatype: str, dtype: str) -> None:
    """Each datatype has TensorFlow's name, and each size is a text."""
    facts = ModelFacts("signs", inputs=(TensorSpec("x", datatype, (-1, 2)),))
    told = signatures(facts, "3")["metadata"]["signature_def"]["signature_def"]
    tensor = told["serving_default"]["inputs"]["x"]
    sizes = [dim["size"] for dim in tensor["tensor_shape"]["dim"]]
    assert (dtype, ["-1", "2"]) == (tensor["dtype"], sizes)
