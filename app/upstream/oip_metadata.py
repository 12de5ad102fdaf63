"""What an Open Inference Protocol v2 server says of itself and of its models."""

from __future__ import annotations

from dataclasses import dataclass

from app.upstream.fields import json_object, objects
from app.upstream.tensors import TensorSpec, tensor_spec


@dataclass(frozen=True)
class ModelMetadata:
    """The model's tensors. KServe and MLServer know them only where they were told."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


def speaks_binary(server_metadata: bytes) -> bool:
    """Tell whether the server has the binary tensor extension. Raises UpstreamAnswerError."""
    extensions = json_object(server_metadata).get("extensions")
    return isinstance(extensions, list) and "binary_tensor_data" in extensions


def parse_metadata(model_metadata: bytes) -> ModelMetadata:
    """Read a model's metadata. Raises UpstreamAnswerError."""
    fields = json_object(model_metadata)
    return ModelMetadata(
        tuple(map(tensor_spec, objects(fields, "inputs"))),
        tuple(map(tensor_spec, objects(fields, "outputs"))),
    )
