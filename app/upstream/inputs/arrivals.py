"""Images out of the tensors that callers send."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from app.ports import Arrival, ArrivalError, UpstreamAnswerError
from app.settings import Normalisation
from app.upstream.inputs.input_form import input_form
from app.upstream.inputs.preprocessing import preprocessing
from app.wire.tensors import BYTES, DATATYPES, TensorSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.ports import InputSize
    from app.upstream.inputs.input_form import InputForm
    from app.upstream.inputs.preprocessing import Preprocessing


def arrivals(plan: Preprocessing, spec: TensorSpec, values: NDArray[Any]) -> tuple[Arrival, ...]:
    """Return the images in *values*, described by *spec*, which *plan* makes such tensors of.

    Raises ArrivalError where there is none.
    """
    if values.dtype != DATATYPES.get(spec.datatype):
        message = f"the model takes numbers, not {spec.datatype[:10]}"
        raise ArrivalError(message)
    whole = plan.whole(values)
    if whole is not None:
        return tuple(Arrival(image, spec) for image in whole)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        message = f"the tensor {spec.name[:40]!r} has values that are not finite numbers"
        raise ArrivalError(message)
    shown = plan.pixels(values)
    exact = (plan.tensor(shown) == values).reshape(len(values), -1).all(axis=1)
    return tuple(
        Arrival(image, spec, None if said else row)
        for image, row, said in zip(shown, values, exact, strict=True)
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
    if datatype == BYTES or (exact and DATATYPES[datatype].kind == "f"):
        datatype = "FP64"
    dtype = DATATYPES[datatype]
    with np.errstate(over="ignore"):
        numbers = values.astype(dtype)
    if dtype.kind != "f" and not np.array_equal(numbers, values):
        message = f"the model takes whole numbers ({datatype}); the instances hold others"
        raise ArrivalError(message)
    return TensorSpec(form.name, datatype, spec.shape), numbers
