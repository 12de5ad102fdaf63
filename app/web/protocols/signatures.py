"""A model's tensors as TensorFlow Serving's metadata have them: its one signature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.ports import ModelFacts
    from app.wire.tensors import TensorSpec

SIGNATURE: Final = "serving_default"
"""Its name, which is meant as well where a request names none."""

_TYPES: Final = {
    "FP32": "DT_FLOAT",
    "FP64": "DT_DOUBLE",
    "FP16": "DT_HALF",
    "BF16": "DT_BFLOAT16",
    "BYTES": "DT_STRING",
}
"""Names that aren't as in the Open Inference Protocol, with `DT_` before it."""


def signatures(facts: ModelFacts, version: str) -> dict[str, Any]:
    """Return what is told of a *version* of the model, whose tensors are those of *facts*."""
    signature = {
        "inputs": _tensors(facts.inputs),
        "outputs": _tensors(facts.outputs),
        "method_name": "tensorflow/serving/predict",
    }
    return {
        "model_spec": {"name": facts.name, "signature_name": "", "version": version},
        "metadata": {"signature_def": {"signature_def": {SIGNATURE: signature}}},
    }


def _tensors(specs: Sequence[TensorSpec]) -> dict[str, Any]:
    return {spec.name: _tensor(spec) for spec in specs}


def _tensor(spec: TensorSpec) -> dict[str, Any]:
    dims = [{"size": str(size), "name": ""} for size in spec.shape]
    return {
        "dtype": _TYPES.get(spec.datatype, f"DT_{spec.datatype}"),
        "tensor_shape": {"dim": dims, "unknown_rank": False},
        "name": f"{SIGNATURE}_{spec.name}:0",
    }
