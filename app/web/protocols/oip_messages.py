"""Infer requests and answers of the Open Inference Protocol v2: read from bytes, and written."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from app.values import value_class
from app.wire.fields import WireError, json_object, objects, parameters, text
from app.wire.file_texts import FileTextError, file_of
from app.wire.reading import Received, Tensor, parted
from app.wire.selection import Selection, selection
from app.wire.structure import check_structure
from app.wire.tensors import BYTES
from app.wire.writing import Written, numeric, write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from app.wire.fields import Fields
    from app.wire.writing import Message

BACKDOOR: Final = "backdoor"
"""The output that the gateway adds: BOOL, one an image."""

OWN_MEMBERS: Final = frozenset({"id", "inputs", "outputs"})
"""Members of a request that are about its images and its answer."""

MOST_OUTPUTS: Final = 64
MOST_PICTURES: Final = 10_000
"""In one request, as files."""

MOST_HEADS: Final = 256
"""The JSON of requests with binary tensors, of which it is remembered what it says."""
HEAD_BYTES: Final = 1024
"""No longer ones."""


class UnknownOutputError(WireError):
    """The request names an output that the model doesn't have."""


@value_class(frozen=True)
class Wanted:
    """An output that a request names: in raw bytes, or as its ``classes`` highest scores."""

    name: str
    binary: bool
    classes: int = 0


@value_class(frozen=True, eq=False)
class InferRequest:
    """An infer request; ``outputs`` is None where it names none, then all are ``binary`` or not.

    ``selection`` is what else it says, None if nothing.
    """

    id: str | None
    tensor: Tensor
    outputs: tuple[Wanted, ...] | None
    binary: bool
    selection: Selection | None = None

    def files(self) -> list[bytes] | None:
        """Return the picture files that it holds, None if it holds numbers. Raises WireError."""
        if self.tensor.spec.datatype != BYTES:
            return None
        if math.prod(self.tensor.spec.shape) > MOST_PICTURES:
            message = f"more pictures came than are taken at once: {MOST_PICTURES:,}"
            raise WireError(message)
        values = [bytes(value) for value in self.tensor.values().reshape(-1)]
        if isinstance(self.tensor.payload, memoryview):
            return values
        try:  # JSON has no other way for them
            return [file_of(value) for value in values]
        except FileTextError as exc:
            message = f"{self.tensor.spec.name[:40]!r}: its data is not base64"
            raise WireError(message) from exc


def read_infer(body: bytes, header_length: str | None, version: str | None = None) -> InferRequest:
    """Read an infer request for a *version* of the model. Raises WireError."""
    head, tail = parted(body, header_length)
    if not tail or len(head) > HEAD_BYTES:
        return _read(Received(_fields(head), tail), version)
    told = _told(bytes(head), len(tail), version)
    tensor = Tensor(told.tensor.spec, tail, told.tensor.parameters)  # it has all that is behind
    return InferRequest(told.id, tensor, told.outputs, told.binary, told.selection)


@lru_cache(maxsize=MOST_HEADS)
def _told(head: bytes, size: int, version: str | None) -> InferRequest:
    """Read the *head* of a request with *size* bytes behind it, which are left out.

    Most clients send the same one each time, and to read it takes as long as all else of a request.
    """
    told = _read(Received(_fields(memoryview(head)), memoryview(bytes(size))), version)
    return replace(told, tensor=replace(told.tensor, payload=memoryview(b"")))


def _fields(head: memoryview) -> Fields:
    check_structure(head)
    return json_object(head)


def _read(received: Received, version: str | None) -> InferRequest:
    tensors = received.tensors("inputs")
    if len(tensors) != 1:
        message = f"exactly one input is taken, a batch of images; {len(tensors)} came"
        raise WireError(message)
    if not tensors[0].spec.shape or tensors[0].spec.shape[0] < 1:
        message = f"{tensors[0].spec.name[:40]!r}: there is no image in it"
        raise WireError(message)
    every = bool(parameters(received.fields).get("binary_data_output"))
    named = objects(received.fields, "outputs")
    if len(named) > MOST_OUTPUTS:
        message = f"{len(named)} outputs are named; at most {MOST_OUTPUTS} are answered"
        raise WireError(message)
    wanted = tuple(_wanted(fields, every=every) for fields in named) if named else None
    request_id = text(received.fields, "id") if received.fields.get("id") is not None else None
    chosen = _selection(received.fields, tensors[0], named, version)
    return InferRequest(request_id, tensors[0], wanted, every, chosen)


def _selection(
    fields: Fields, tensor: Tensor, outputs: Sequence[Fields], version: str | None
) -> Selection | None:
    """Return what a request says beside its images and *outputs*. Raises WireError."""
    members = {name: value for name, value in fields.items() if name not in OWN_MEMBERS}
    of_input = dict(tensor.parameters)
    if tensor.spec.datatype == BYTES:  # it says how the pictures are read
        of_input.pop("content_type", None)
    return selection(members, of_input, outputs, version=version)


def check_outputs(request: InferRequest, names: Sequence[str]) -> None:
    """Return if the outputs that *request* wants are among *names*. Raises UnknownOutputError."""
    if request.outputs is None:  # as of most
        return
    there = (*names, BACKDOOR)
    for one in request.outputs:
        if one.name not in there:
            message = f"there is no output {one.name[:40]!r}; there are {', '.join(there)}"
            raise UnknownOutputError(message)


def write_infer(
    request: InferRequest,
    outputs: Mapping[str, NDArray[Any]],
    flagged: Sequence[bool],
    head: Mapping[str, Any],
    class_name: Sequence[str],
) -> Message:
    """Write the answer: *outputs* by name, each (n, ...), and which images were *flagged*.

    *head* goes before them; *class_name* names classes where a request asks for the best ones.
    Raises UnknownOutputError.
    """
    check_outputs(request, tuple(outputs))
    there = {name: numeric(values) for name, values in outputs.items()}
    there[BACKDOOR] = np.array(flagged, bool)
    wanted = request.outputs or [Wanted(name, request.binary) for name in there]
    written = []
    for one in wanted:
        values = there[one.name]
        if one.classes:
            values = _best(one, values, class_name)
        written.append(Written(one.name, values, one.binary))
    ids = {} if request.id is None else {"id": request.id}
    return write({**head, **ids}, "outputs", written)


def _wanted(fields: Fields, *, every: bool) -> Wanted:
    told = parameters(fields)
    classes = told.get("classification", 0)
    if type(classes) is not int or classes < 0:
        message = "classification must be a number of classes"
        raise WireError(message)
    return Wanted(text(fields, "name"), bool(told.get("binary_data", every)), classes)


def _best(wanted: Wanted, values: NDArray[Any], names: Sequence[str]) -> NDArray[Any]:
    """Return the highest scores as Triton's classification extension has it: `value:index:name`."""
    if values.ndim != 2 or values.dtype.kind not in "fiu":  # noqa: PLR2004  # images, classes
        message = f"{wanted.name[:40]!r} has no scores, which classification is made of"
        raise WireError(message)
    order = np.argsort(-values.astype(np.float64), axis=1, kind="stable")[:, : wanted.classes]
    best = np.empty(order.shape, object)
    for row, indices in enumerate(order):
        for place, index in enumerate(indices):
            name = f":{names[index]}" if index < len(names) else ""
            value = values[row, index]
            number = f"{value:f}" if values.dtype.kind == "f" else str(value)
            best[row, place] = f"{number}:{index}{name}".encode()
    return best
