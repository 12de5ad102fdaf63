"""Raw binary requests, as Triton's binary extension has them: the whole body is the one input.

Such a request says nothing of itself: its datatype and its shape are those of the model's input,
and its first axis is as long as the bytes reach. Its answer has its outputs in raw bytes.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Final

from app.web.protocols.oip_messages import InferRequest
from app.wire.bf16 import STORED
from app.wire.fields import WireError
from app.wire.reading import Tensor
from app.wire.selection import selection
from app.wire.tensors import BYTES, DATATYPES, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

RAW: Final = "0"
"""What the header with the length of the JSON says where there is none."""


def read_raw(body: bytes, taken: Sequence[TensorSpec], version: str | None = None) -> InferRequest:
    """Read a raw binary request for a model that takes these tensors. Raises WireError."""
    if len(taken) != 1:
        message = f"the model has {len(taken)} inputs, and a raw binary request has one"
        raise WireError(message)
    tensor = _file(body, taken[0]) if taken[0].datatype == BYTES else _numbers(body, taken[0])
    return InferRequest(None, tensor, None, binary=True, selection=selection({}, version=version))


def _file(body: bytes, taken: TensorSpec) -> Tensor:
    """Return the one picture file that *body* is."""
    spec = TensorSpec(taken.name, BYTES, (1,))
    return Tensor(spec, memoryview(struct.pack("<I", len(body)) + body), {})


def _numbers(body: bytes, taken: TensorSpec) -> Tensor:
    dims = taken.shape[1:]
    shown = f"{taken.name[:40]!r} {taken.datatype[:10]} {list(taken.shape)}"
    if min(dims, default=1) < 1:
        message = f"a raw binary request can't tell the shape of {shown}: send it with its JSON"
        raise WireError(message)
    image_bytes = math.prod(dims) * DATATYPES.get(taken.datatype, STORED).itemsize
    count, rest = divmod(len(body), image_bytes)
    if rest or not count:
        message = (
            f"{len(body)} bytes of a raw binary request are no batch of {shown}:"
            f" each image has {image_bytes}"
        )
        raise WireError(message)
    return Tensor(TensorSpec(taken.name, taken.datatype, (count, *dims)), memoryview(body), {})
