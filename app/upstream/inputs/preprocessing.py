"""From pixels to the model's numbers: x * scale, then (x - mean) / std, in the model's layout.

And back: what a tensor that a caller has normalised shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from app.pictures.encoding import png
from app.ports import UpstreamAnswerError
from app.settings import Layout, Normalisation
from app.wire.bf16 import widened
from app.wire.tensors import BYTES, stored, working_dtype

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.search import Images
    from app.ports import InputSize
    from app.upstream.inputs.input_form import InputForm

LEVELS = 256
PNG_BYTES = 256
"""Of a PNG file, beside its pixels."""
PIXELS = np.arange(LEVELS, dtype=np.float64)
NEARLY_WHOLE = 1e-3
LOWEST, HIGHEST = -0.5, LEVELS - 0.5
"""Between them a number is nearest to a level."""


class OutOfRangeError(ValueError):
    """A tensor has a number that is no pixel's, first in its image ``first``."""

    def __init__(self, first: int) -> None:
        super().__init__(f"image {first} has a number that is no pixel's")
        self.first = first


@dataclass(frozen=True, eq=False)
class Preprocessing:
    """How images become the model's tensor: x * ``factor`` - ``offset``.

    Both broadcast over the tensor as ``_rows`` sees it, or are None where they'd change nothing.
    ``values`` (256, channels) are all numbers that can come out, those of a picture file its bytes.
    """

    form: InputForm
    factor: NDArray[Any] | None
    offset: NDArray[Any] | None
    values: NDArray[Any]

    def tensor(self, images: Images) -> NDArray[Any]:
        """Return the model's tensor for *images* (n, height, width, channels), C-contiguous.

        Picture files are PNG, which keeps every pixel.
        """
        if self.form.datatype == BYTES:
            return _files(images, self.form.dims)
        return self._numbers(self._axes(images)).reshape(len(images), *self.form.dims)

    def exactly(self, images: Images, row: NDArray[Any], own: NDArray[np.bool_]) -> NDArray[Any]:
        """Return the tensor for *images*, some of whose pixels come from an image sent as a tensor.

        *row* (dims) is that tensor, *own* (n, height, width) are the pixels that come from it. Its
        numbers are taken there: what is transplanted and what is left around a blocker is exactly
        what came, also between two levels, and no other pixel is, even if it looks the same.
        """
        by_channel = np.broadcast_to(own[..., None], images.shape)
        taken = self._axes(by_channel).reshape(len(images), *self.form.dims)
        return np.where(taken, row, self.tensor(images))

    def whole(self, tensor: NDArray[Any]) -> Images | None:
        """Return the images that *tensor* (n, *dims) is, where its numbers are pixels themselves.

        As is usual; None where one isn't. It takes a third of the time of `pixels`.
        """
        if self.factor is not None or self.offset is not None:
            return None
        tensor = widened(tensor)
        with np.errstate(invalid="ignore"):
            pixels = tensor.astype(np.uint8)
        return self._images(self._upright(pixels)) if (pixels == tensor).all() else None

    def pixels(self, tensor: NDArray[Any], *, clipped: bool = False) -> Images:
        """Return the images (n, height, width, channels) that *tensor* (n, *dims) shows.

        Each value is the nearest pixel. Raises OutOfRangeError where a value is half a level or
        more from any, or no number: by so much nobody's rounding misses one. Where *clipped* all
        are numbers, and what is beyond the pixels is the last of them.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            levels = self._levels(self._upright(widened(tensor)))
        if clipped:
            levels = levels.clip(0, 255)
        if not (levels.min() > LOWEST and levels.max() < HIGHEST):  # nor where one is NaN
            within = (levels > LOWEST) & (levels < HIGHEST)
            raise OutOfRangeError(int(within.reshape(len(levels), -1).all(axis=1).argmin()))
        return self._images(np.rint(levels).astype(np.uint8))

    def _levels(self, upright: NDArray[Any]) -> NDArray[Any]:
        """Return the levels that *upright* numbers are, not rounded."""
        if self.factor is None and self.offset is None:
            return upright
        levels = upright.astype(_working(working_dtype(self.form.datatype)))
        rows = _rows(levels, self.form.layout)
        if self.offset is not None:
            rows += self.offset
        if self.factor is not None:
            rows /= self.factor
        return levels

    def _upright(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """Return *tensor* with three axes an image, in its own layout."""
        size = self.form.size
        if self.form.layout is Layout.NCHW:
            return tensor.reshape(len(tensor), size.channels, size.height, size.width)
        return tensor.reshape(len(tensor), size.height, size.width, size.channels)

    def _images(self, upright: NDArray[np.uint8]) -> Images:
        planar = self.form.layout is Layout.NCHW
        return np.ascontiguousarray(upright.transpose(0, 2, 3, 1) if planar else upright)

    def _axes(self, images: NDArray[Any]) -> NDArray[Any]:
        return images.transpose(0, 3, 1, 2) if self.form.layout is Layout.NCHW else images

    def _numbers(self, pixels: NDArray[np.uint8]) -> NDArray[Any]:
        dtype = working_dtype(self.form.datatype)
        if self.factor is None and self.offset is None:
            return stored(pixels.astype(dtype, order="C", copy=False), self.form.datatype)
        # A cast and steps in place: three times faster than one step that casts as it goes.
        numbers = pixels.astype(_working(dtype), order="C")
        rows = _rows(numbers, self.form.layout)
        if self.factor is not None:
            rows *= self.factor
        if self.offset is not None:
            rows -= self.offset
        if dtype.kind != "f":
            np.rint(numbers, out=numbers)
        return stored(numbers.astype(dtype, copy=False), self.form.datatype)


def preprocessing(form: InputForm, normalisation: Normalisation) -> Preprocessing:
    """Prepare *normalisation* for the model's input.

    Raises UpstreamAnswerError if the settings don't fit it: another number of channels, or values
    that its datatype can't hold.
    """
    if form.datatype == BYTES:
        if normalisation != Normalisation():
            message = "the model takes picture files: unset NEO_INPUT_SCALE, _MEAN and _STD"
            raise UpstreamAnswerError(message)
        return Preprocessing(form, None, None, np.arange(LEVELS, dtype=np.uint8)[:, None])
    factor = _per_channel(np.divide(normalisation.scale, normalisation.std), form)
    offset = _per_channel(np.divide(normalisation.mean, normalisation.std), form)
    values = _values(PIXELS[:, None] * factor - offset, form)
    return Preprocessing(
        form,
        None if (factor == 1).all() else _spread(factor, form),
        None if (offset == 0).all() else _spread(offset, form),
        values,
    )


def longest_number(plan: Preprocessing) -> int:
    """Return how many letters of JSON a number takes that *plan* makes."""
    text = orjson.dumps(plan.values.reshape(-1), option=orjson.OPT_SERIALIZE_NUMPY)
    return max(map(len, text.strip(b"[]").split(b",")))


def file_bytes(size: InputSize) -> int:
    """Return how many bytes the PNG file of an image takes at most: noise can't be packed."""
    rows = size.height * (size.width * size.channels + 1)
    return rows + rows // 1000 + PNG_BYTES


def _files(images: Images, dims: tuple[int, ...]) -> NDArray[Any]:
    files = np.empty(len(images), object)
    files[:] = [png(image, fast=True) for image in images]
    return files.reshape(len(images), *dims)


def _per_channel(numbers: NDArray[np.float64], form: InputForm) -> NDArray[np.float64]:
    if len(numbers) not in (1, form.size.channels):
        message = (
            f"NEO_INPUT_MEAN or NEO_INPUT_STD has {len(numbers)} numbers, but the model's images"
            f" have {form.size.channels} channels"
        )
        raise UpstreamAnswerError(message)
    return np.broadcast_to(numbers, form.size.channels)


def _values(numbers: NDArray[np.float64], form: InputForm) -> NDArray[Any]:
    dtype = working_dtype(form.datatype)
    with np.errstate(over="ignore", invalid="ignore"):
        values = (numbers if dtype.kind == "f" else numbers.round()).astype(dtype)
        values = widened(stored(values, form.datatype))
    near = NEARLY_WHOLE if dtype.kind != "f" else np.inf
    if not np.isfinite(values).all() or (abs(values - numbers) > near).any():
        message = (
            f"the model takes {form.datatype}, which can't hold the pixels as NEO_INPUT_SCALE,"
            " NEO_INPUT_MEAN and NEO_INPUT_STD make them"
        )
        raise UpstreamAnswerError(message)
    return values


def _spread(per_channel: NDArray[np.float64], form: InputForm) -> NDArray[Any]:
    """Lay one number a channel out so that numpy's inner loop is a row, not a pixel."""
    numbers = per_channel.astype(_working(working_dtype(form.datatype)))
    if (numbers == numbers[0]).all():
        return numbers[0]  # type: ignore[no-any-return]
    if form.layout is Layout.NCHW:
        return numbers[:, None, None]
    return np.tile(numbers, form.size.width)


def _rows(numbers: NDArray[Any], layout: Layout) -> NDArray[Any]:
    if layout is Layout.NCHW:
        return numbers
    return numbers.reshape(*numbers.shape[:2], -1)


def _working(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return dtype if dtype == np.float64 else np.dtype(np.float32)
