"""Images out of the tensors that callers send."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from app.ports import Arrival, ArrivalError, UpstreamAnswerError
from app.settings import Normalisation
from app.upstream.inputs.input_form import input_form
from app.upstream.inputs.preprocessing import OutOfRangeError, preprocessing
from app.wire.bf16 import STORED, widened
from app.wire.tensors import BYTES, DATATYPES, SCORES, TensorSpec, stored, working_dtype

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.ports import InputSize
    from app.upstream.inputs.input_form import InputForm
    from app.upstream.inputs.preprocessing import Preprocessing


SMALLEST: Final = float(np.finfo(np.float32).tiny)
"""The least number above 0 that FP32 holds in full."""


def arrivals(
    plan: Preprocessing, spec: TensorSpec, values: NDArray[Any], *, tolerant: bool = False
) -> tuple[Arrival, ...]:
    """Return the images in *values*, described by *spec*, which *plan* makes such tensors of.

    Raises ArrivalError where there is none. Where *tolerant*, finite numbers that no pixel gives
    are no error: all images are refused ones.
    """
    if values.dtype != DATATYPES.get(spec.datatype, STORED):
        message = f"the model takes numbers, not {spec.datatype[:10]}"
        raise ArrivalError(message)
    whole = plan.whole(values)
    if whole is not None:
        # By number: an array that is iterated over ends with an error, whose words take time.
        return tuple([Arrival(whole[one], spec) for one in range(len(whole))])
    values = _without_subnormals(values)
    refused = None
    try:
        shown = plan.pixels(values)
    except OutOfRangeError as exc:
        refused = _out_of_range(plan, spec, values[exc.first], exc.first)
        if not tolerant or not np.isfinite(widened(values)).all():
            raise ArrivalError(refused) from exc
        shown = plan.pixels(values, clipped=True)
    exact = (plan.tensor(shown) == values).reshape(len(values), -1).all(axis=1)
    return tuple(
        Arrival(image, spec, None if said else row, refused)
        for image, row, said in zip(shown, values, exact, strict=True)
    )


def _without_subnormals(values: NDArray[Any]) -> NDArray[Any]:
    """Return *values* with 0 for what is so near to it that FP32 can't hold it in full.

    Some models take that for 0, others need a hundred times as long for it. FP16 has nothing so
    small: its own subnormals are usual numbers to whoever computes in FP32.
    """
    numbers = widened(values)
    if numbers.dtype.kind != "f":
        return values
    odd = (np.abs(numbers) < SMALLEST) & (numbers != 0)
    return np.where(odd, np.zeros((), values.dtype), values) if odd.any() else values


def _out_of_range(plan: Preprocessing, spec: TensorSpec, row: NDArray[Any], place: int) -> str:
    """Say what is wrong with the image at *place* of a tensor, whose numbers are *row*."""
    where = f"image {place} of the tensor {spec.name[:40]!r}"
    if not np.isfinite(widened(row)).all():
        return f"{where} has values that are not finite numbers"
    ends = np.stack([plan.values.min(axis=0), plan.values.max(axis=0)], axis=1).astype(float)
    ranges = dict.fromkeys(f"{low:.5g} to {high:.5g}" for low, high in ends.tolist())
    return (
        f"{where} has numbers outside the model's range: pixels 0 to 255 are {', '.join(ranges)} "
        "to it (NEO_INPUT_SCALE, _MEAN and _STD); clip what resizing has brought beyond them"
    )


def as_pictures(spec: TensorSpec, size: InputSize, values: NDArray[Any]) -> tuple[Arrival, ...]:
    """Return the images in *values* for a model that takes picture files: whole levels only.

    Raises ArrivalError.
    """
    spec = replace(spec, shape=(-1, *spec.shape[1:]))
    try:
        plan = preprocessing(input_form([spec], size, None), Normalisation())
    except UpstreamAnswerError as exc:
        raise ArrivalError(str(exc)) from exc
    found = arrivals(plan, spec, values)
    if any(one.row is not None for one in found):
        message = "the model takes picture files, so the tensor must hold whole numbers 0 to 255"
        raise ArrivalError(message)
    return tuple(Arrival(one.image) for one in found)


def typed(
    form: InputForm, spec: TensorSpec, values: NDArray[Any], *, exact: bool
) -> tuple[TensorSpec, NDArray[Any]]:
    """Give numbers of plain JSON the model's datatype; where *exact*, keep all their digits.

    Raises ArrivalError where the model takes whole numbers and they are none.
    """
    datatype = form.datatype
    if datatype == BYTES or (exact and datatype in SCORES):
        datatype = "FP64"
    dtype = working_dtype(datatype)
    with np.errstate(over="ignore"):
        numbers = values.astype(dtype)
    if dtype.kind != "f" and not np.array_equal(numbers, values):
        message = f"the model takes whole numbers ({datatype}); the instances hold others"
        raise ArrivalError(message)
    return TensorSpec(form.name, datatype, spec.shape), stored(numbers, datatype)
