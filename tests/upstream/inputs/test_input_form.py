"""What the model takes, from its metadata and the owner's settings."""

from __future__ import annotations

import pytest

from app.ports import InputSize, UpstreamAnswerError
from app.settings import Layout
from app.upstream.inputs.input_form import InputForm, input_form
from app.wire.tensors import TensorSpec

SIGN = InputSize(48, 40, 3)
DIGIT = InputSize(28, 28, 1)
NHWC, NCHW = Layout.NHWC, Layout.NCHW


def told(*shape: int, datatype: str = "FP32") -> list[TensorSpec]:
    """Make metadata with one input of this shape."""
    return [TensorSpec("x", datatype, shape)]


@pytest.mark.parametrize(
    ("shape", "size", "layout", "expected"),
    [
        ((-1, 48, 40, 3), None, None, (SIGN, NHWC, (48, 40, 3))),
        ((-1, 3, 48, 40), None, None, (SIGN, NCHW, (3, 48, 40))),
        ((-1, 28, 28, 1), None, None, (DIGIT, NHWC, (28, 28, 1))),
        ((-1, 1, 28, 28), None, None, (DIGIT, NCHW, (1, 28, 28))),
        ((-1, 28, 28), None, None, (DIGIT, NHWC, (28, 28))),
        ((-1, 784), DIGIT, None, (DIGIT, NHWC, (784,))),
        ((-1, -1), SIGN, NCHW, (SIGN, NCHW, (5760,))),
        ((-1, -1, -1, 3), SIGN, None, (SIGN, NHWC, (48, 40, 3))),
        ((-1, 3, -1, -1), SIGN, None, (SIGN, NCHW, (3, 48, 40))),
        ((-1, 3, 9, 3), None, NCHW, (InputSize(9, 3, 3), NCHW, (3, 9, 3))),
        ((), SIGN, None, (SIGN, NHWC, (48, 40, 3))),
        ((), SIGN, NCHW, (SIGN, NCHW, (3, 48, 40))),
    ],
)
def test_form(
    shape: tuple[int, ...],
    size: InputSize | None,
    layout: Layout | None,
    expected: tuple[InputSize, Layout, tuple[int, ...]],
) -> None:
    """Size, layout and dimensions are told from the shape; the settings fill what is left open."""
    assert InputForm("x", "FP32", *expected) == input_form(told(*shape), size, layout)


def test_no_metadata() -> None:
    """For a server that says nothing (KServe, MLServer) the size alone is enough."""
    expected = InputForm("input-0", "FP32", SIGN, NHWC, (48, 40, 3))
    assert expected == input_form([], SIGN, None)


@pytest.mark.parametrize("count", [1, 8])
def test_fixed_batches(count: int) -> None:
    """A model with a fixed batch is asked for just so many images."""
    assert count == input_form(told(count, 3, 48, 40), None, None).together


@pytest.mark.parametrize(
    ("shape", "size", "layout"),
    [
        ((48, 40, 3), None, NHWC),
        ((3, 48, 40), None, NCHW),
        ((48, 40, 3), SIGN, NHWC),
        ((28, 28), DIGIT, NHWC),
    ],
)
def test_one_image_without_a_batch(
    shape: tuple[int, ...], size: InputSize | None, layout: Layout
) -> None:
    """A shape that is an image's own takes one, without an axis for the batch."""
    images = SIGN if len(shape) > 2 else DIGIT
    expected = InputForm("x", "FP32", images, layout, shape, 1, bare=True)
    assert expected == input_form(told(*shape), size, None)


@pytest.mark.parametrize(
    ("inputs", "size", "layout", "reason"),
    [
        ([], None, None, "set NEO_INPUT_SIZE"),
        (told(-1, -1, -1, 3), None, None, "set NEO_INPUT_SIZE"),
        (told(-1, 784), None, None, "set NEO_INPUT_SIZE"),
        (told(-1, 3, 9, 3), None, None, "set NEO_INPUT_LAYOUT"),
        (told(-1, 48, 40, 5), None, None, "set NEO_INPUT_LAYOUT"),
        (told(-1, 48, 40, 3), DIGIT, None, "not a batch of 28x28x1 images"),
        (told(-1, 48, 40, 3), SIGN, NCHW, "not a batch of 48x40x3 images"),
        (told(-1, 48, 40, 3), None, NCHW, "NEO_INPUT_LAYOUT=NCHW doesn't fit"),
        (told(-1, 785), DIGIT, None, "not a batch of 28x28x1 images"),
        (told(-1, 48, 40), SIGN, None, "not a batch of 48x40x3 images"),
        (told(-1, 1, 2, 3, 4), SIGN, None, "not a batch of 48x40x3 images"),
        (told(-1, datatype="BYTES"), None, None, "set NEO_INPUT_SIZE"),
        (told(-1, 28, 28, datatype="BYTES"), DIGIT, None, "not one picture file"),
        (told(-1, 28, 28, datatype="BOOL"), None, None, "takes BOOL"),
        (told(-1, 28, 28) * 2, None, None, "takes 2 inputs"),
    ],
)
def test_unclear(
    inputs: list[TensorSpec], size: InputSize | None, layout: Layout | None, reason: str
) -> None:
    """What stays open or contradicts the settings is an error that says what to do."""
    with pytest.raises(UpstreamAnswerError, match=reason):
        input_form(inputs, size, layout)
