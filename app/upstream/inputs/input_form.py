"""The tensor that the model takes: what its metadata says, completed by the settings."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from app.ports import InputSize, UpstreamAnswerError
from app.settings import Layout
from app.wire.tensors import BYTES, INTEGERS, SCORES, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

TAKEN: Final = SCORES | INTEGERS | {BYTES}
"""Datatypes that images can be sent as."""

CHANNELS: Final = (1, 3)
UNNAMED: Final = TensorSpec("input-0", "FP32", ())
"""The input of a server that says nothing of it; the name is what KServe's own clients send."""

UNSAID: Final = (
    "nothing says the size of the model's images: set NEO_INPUT_SIZE, or NEO_UPSTREAM_PROTOCOL to"
    " oip if its server tells its model's metadata by that protocol"
)

_IMAGE_LAYOUTS: Final = (Layout.NHWC, Layout.NCHW)

_AXES: Final = {Layout.NHWC: 3, Layout.NCHW: 3, Layout.NHW: 2, Layout.FLAT: 1}
"""Of one image, where no metadata says it."""


@dataclass(frozen=True)
class InputForm:
    """The model's input: images of ``size`` as a tensor of ``dims`` for each, by ``layout``.

    ``dims`` has three axes, two (grey without a channel's axis) or one (all pixels in a row); none
    where each image is a picture file (BYTES). ``together``: it takes just so many images at once.
    ``bare``: it takes one, without an axis for the batch.
    """

    name: str
    datatype: str
    size: InputSize
    layout: Layout
    dims: tuple[int, ...]
    together: int | None = None
    bare: bool = False


def input_form(
    inputs: Sequence[TensorSpec],
    size: InputSize | None,
    layout: Layout | None,
    datatype: str | None = None,
) -> InputForm:
    """Tell the model's input from its metadata; *size*, *layout*, *datatype* are the owner's words.

    Raises UpstreamAnswerError if something remains unknown, contradicts, or is no image.
    """
    spec = _only(inputs, datatype)
    if spec.datatype == BYTES:
        return _pictures(spec, size)
    bare = _is_bare(spec.shape, size)
    if bare:
        spec = replace(spec, shape=(1, *spec.shape))
    dims = spec.shape[1:]
    if size is None and not inputs:
        raise UpstreamAnswerError(UNSAID)
    layout = layout or _layout(dims)
    size = size or _size(dims, layout)
    fixed = _dims(size, layout, axes=len(dims) or _AXES[layout])
    if fixed is None or any(
        told not in (-1, real) for told, real in zip(dims, fixed, strict=False)
    ):
        message = (
            f"the model's input is {spec.shape}, which is not a batch of {_words(size)} images:"
            " make NEO_INPUT_SIZE and NEO_INPUT_LAYOUT fit it, or unset them"
        )
        raise UpstreamAnswerError(message)
    return InputForm(spec.name, spec.datatype, size, layout, fixed, _together(spec), bare)


def _pictures(spec: TensorSpec, size: InputSize | None) -> InputForm:
    if size is None:
        message = "the model takes picture files: set NEO_INPUT_SIZE to the size that it works at"
        raise UpstreamAnswerError(message)
    dims = spec.shape[1:]
    if dims not in {(), (1,)}:
        message = f"the model's input is {spec.shape} {BYTES}, not one picture file for each image"
        raise UpstreamAnswerError(message)
    return InputForm(spec.name, BYTES, size, Layout.NHWC, dims, _together(spec))


def _is_bare(shape: tuple[int, ...], size: InputSize | None) -> bool:
    """Tell whether *shape* is one image's, without an axis for the batch."""
    if not shape or shape[0] <= 1:
        return False
    if size is not None:
        return any(shape == _dims(size, layout, axes=len(shape)) for layout in _IMAGE_LAYOUTS)
    return len(shape) == _AXES[Layout.NHWC] and (shape[0] in CHANNELS or shape[-1] in CHANNELS)


def _together(spec: TensorSpec) -> int | None:
    """Return how many images the tensor always has, None if any number."""
    return spec.shape[0] if spec.shape and spec.shape[0] > 0 else None


def _only(inputs: Sequence[TensorSpec], datatype: str | None) -> TensorSpec:
    if len(inputs) > 1:
        message = f"the model takes {len(inputs)} inputs, not one batch of images"
        raise UpstreamAnswerError(message)
    spec = inputs[0] if inputs else replace(UNNAMED, datatype=datatype or UNNAMED.datatype)
    shown = spec.datatype[:10]
    words = () if spec.datatype in TAKEN else (shown,)
    if datatype not in {None, spec.datatype}:
        message = f"the model takes {shown}, but NEO_INPUT_DATATYPE is {datatype}"
        raise UpstreamAnswerError(message, *words)
    if spec.datatype not in TAKEN:
        message = f"the model takes {shown}, not numbers that the gateway can send"
        raise UpstreamAnswerError(message, *words)
    return spec


def _layout(dims: Sequence[int]) -> Layout:
    if len(dims) != 3:  # noqa: PLR2004  # without three axes there is nothing to tell
        return Layout.NHWC
    first, last = dims[0] in CHANNELS, dims[2] in CHANNELS
    if first == last:
        message = f"the model's images are {tuple(dims)}: set NEO_INPUT_LAYOUT to NHWC or NCHW"
        raise UpstreamAnswerError(message)
    return Layout.NCHW if first else Layout.NHWC


def _size(dims: Sequence[int], layout: Layout) -> InputSize:
    match dims, layout:
        case (height, width, channels), Layout.NHWC:
            pass
        case (channels, height, width), Layout.NCHW:
            pass
        case (height, width), _:
            channels = 1
        case _:
            height = width = channels = -1
    if min(height, width, channels) >= 1 and channels not in CHANNELS:
        message = (
            f"the model's images are {tuple(dims)}, which NEO_INPUT_LAYOUT={layout} doesn't fit:"
            " make it fit, or unset it"
        )
        raise UpstreamAnswerError(message)
    if min(height, width) < 1 or channels not in CHANNELS:
        message = "the model's metadata doesn't say the size of its images: set NEO_INPUT_SIZE"
        raise UpstreamAnswerError(message)
    return InputSize(height, width, channels)


def _dims(size: InputSize, layout: Layout, *, axes: int) -> tuple[int, ...] | None:
    match axes, layout:
        case 3, Layout.NHWC:
            return (size.height, size.width, size.channels)
        case 3, Layout.NCHW:
            return (size.channels, size.height, size.width)
        case 2, _ if size.channels == 1:
            return (size.height, size.width)
        case 1, _:
            return (math.prod((size.height, size.width, size.channels)),)
        case _:
            return None


def _words(size: InputSize) -> str:
    return f"{size.height}x{size.width}x{size.channels}"
