"""Tensors as the Open Inference Protocol v2 describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from app.values import value_class
from app.wire.bf16 import BF16, STORED, narrowed
from app.wire.fields import WireError, integers, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from app.wire.fields import Fields

DATATYPES: Final[Mapping[str, np.dtype[Any]]] = {
    "BOOL": np.dtype("?"),
    "UINT8": np.dtype("u1"),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT8": np.dtype("i1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}
"""The datatypes of numbers that numpy has, little-endian as on the wire; BF16 isn't (`bf16`)."""

BYTES: Final = "BYTES"
"""The datatype of texts and files: an array of Python's bytes."""

UNTYPED: Final = ""
"""The datatype of numbers in plain JSON, which has none."""

MOST_AXES: Final = 32
"""Of a tensor; images have four with the batch's."""

MOST_TENSORS: Final = 1000
"""In one message."""

INTEGERS: Final = frozenset(name for name, dtype in DATATYPES.items() if dtype.kind in "iu")
FLOATS: Final = frozenset(name for name, dtype in DATATYPES.items() if dtype.kind == "f")
SCORES: Final = FLOATS | {BF16}
"""What a model gives scores in."""

_NAMES: Final = {dtype: name for name, dtype in DATATYPES.items()}


@value_class(frozen=True)
class TensorSpec:
    """A tensor's description; -1 in ``shape`` (the batch's dimension comes first) is any length."""

    name: str
    datatype: str
    shape: tuple[int, ...]


def tensor_spec(fields: Fields) -> TensorSpec:
    """Read a tensor's description. Raises WireError."""
    spec = TensorSpec(text(fields, "name"), text(fields, "datatype"), integers(fields, "shape"))
    if len(spec.shape) > MOST_AXES:
        message = f"a tensor has {len(spec.shape)} axes; at most {MOST_AXES} are taken"
        raise WireError(message)
    return spec


def working_dtype(datatype: str) -> np.dtype[Any]:
    """Return what numpy computes with for numbers of *datatype*: FP32 for BF16."""
    return DATATYPES["FP32"] if datatype == BF16 else DATATYPES[datatype]


def stored(numbers: NDArray[Any], datatype: str) -> NDArray[Any]:
    """Return *numbers*, of the `working_dtype`, as a tensor of *datatype* has them."""
    return narrowed(numbers) if datatype == BF16 else numbers


def datatype_of(array: NDArray[Any]) -> str:
    """Return the datatype of *array*'s values: BYTES where they are objects. Raises WireError."""
    if array.dtype.kind == "O":
        return BYTES
    if array.dtype == STORED:
        return BF16
    # Nearly all are little-endian already, and to look that up is quicker than to make it so.
    name = _NAMES.get(array.dtype) or _NAMES.get(array.dtype.newbyteorder("<"))
    if name is None:
        message = f"{array.dtype} has no datatype in the protocol"
        raise WireError(message)
    return name
