"""From pixels to the model's numbers."""

from __future__ import annotations

import re

import numpy as np
import pytest

from app.pictures.decoding import load
from app.ports import InputSize, UpstreamAnswerError
from app.settings import Layout, Normalisation
from app.upstream.inputs.input_form import InputForm
from app.upstream.inputs.preprocessing import OutOfRangeError, preprocessing
from app.wire.tensors import DATATYPES

IMAGES = np.random.default_rng(1).integers(0, 256, (4, 6, 5, 3), dtype=np.uint8)
IMAGENET = Normalisation(1 / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def form(datatype: str = "FP32", layout: Layout = Layout.NHWC, *dims: int) -> InputForm:
    """Make an input of 6x5 colour images."""
    told = dims or ((6, 5, 3) if layout is Layout.NHWC else (3, 6, 5))
    told = () if datatype == "BYTES" else told
    return InputForm("x", datatype, InputSize(6, 5, 3), layout, told)


@pytest.mark.parametrize("layout", [Layout.NHWC, Layout.NCHW])
@pytest.mark.parametrize("datatype", ["FP16", "FP32", "FP64"])
def test_formula(datatype: str, layout: Layout) -> None:
    """The numbers are x * scale, then (x - mean) / std by channel, in the model's layout."""
    tensor = preprocessing(form(datatype, layout), IMAGENET).tensor(IMAGES)

    expected = (IMAGES / 255 - np.array(IMAGENET.mean)) / np.array(IMAGENET.std)
    if layout is Layout.NCHW:
        expected = np.moveaxis(expected, 3, 1)
    assert DATATYPES[datatype] == tensor.dtype
    assert tensor.flags.c_contiguous
    np.testing.assert_allclose(tensor, expected, rtol=0, atol=2e-3 if datatype == "FP16" else 2e-6)


@pytest.mark.parametrize("datatype", sorted(set(DATATYPES) - {"BOOL", "INT8"}))
def test_pixels_as_they_are(datatype: str) -> None:
    """Without settings the model gets the pixels 0 to 255, in its own datatype."""
    tensor = preprocessing(form(datatype), Normalisation()).tensor(IMAGES)

    assert DATATYPES[datatype] == tensor.dtype
    np.testing.assert_array_equal(tensor, IMAGES)


def test_bytes_are_not_copied() -> None:
    """A model that takes the pixels as they are gets the very bytes of the images."""
    tensor = preprocessing(form("UINT8"), Normalisation()).tensor(IMAGES)

    assert np.shares_memory(tensor, IMAGES)


def test_signed_bytes() -> None:
    """A quantised model gets whole numbers: 0 to 255 become -128 to 127."""
    tensor = preprocessing(form("INT8"), Normalisation(mean=(128,))).tensor(IMAGES)

    np.testing.assert_array_equal(tensor, IMAGES.astype(int) - 128)


def test_nearly_whole_numbers() -> None:
    """What is whole but for a rounding error is rounded, not cut off."""
    tensor = preprocessing(form("UINT8"), Normalisation(scale=0.999999)).tensor(IMAGES)

    np.testing.assert_array_equal(tensor, IMAGES)


@pytest.mark.parametrize("layout", list(Layout))
def test_flat_input(layout: Layout) -> None:
    """A model of flat vectors gets each image's pixels in the order of its layout."""
    tensor = preprocessing(form("FP32", layout, 90), Normalisation()).tensor(IMAGES)

    expected = np.moveaxis(IMAGES, 3, 1) if layout is Layout.NCHW else IMAGES
    np.testing.assert_array_equal(tensor, expected.reshape(4, 90))


@pytest.mark.parametrize(
    ("datatype", "normalisation", "reason"),
    [
        ("UINT8", Normalisation(scale=1 / 255), "takes UINT8, which can't hold the pixels"),
        ("INT8", Normalisation(), "takes INT8, which can't hold the pixels"),
        ("FP16", Normalisation(scale=1000), "takes FP16, which can't hold the pixels"),
        ("FP32", Normalisation(mean=(1, 2)), "has 2 numbers, but the model's images have 3"),
    ],
)
def test_settings_that_do_not_fit(datatype: str, normalisation: Normalisation, reason: str) -> None:
    """Settings whose numbers the model's datatype can't hold are refused, not rounded."""
    with pytest.raises(UpstreamAnswerError, match=re.escape(reason)):
        preprocessing(form(datatype), normalisation)


@pytest.mark.parametrize("layout", [Layout.NHWC, Layout.NCHW])
@pytest.mark.parametrize("datatype", ["FP16", "FP32", "FP64"])
def test_back_to_pixels(datatype: str, layout: Layout) -> None:
    """What was normalised is turned back to the very pixels."""
    plan = preprocessing(form(datatype, layout), IMAGENET)

    np.testing.assert_array_equal(IMAGES, plan.pixels(plan.tensor(IMAGES)))


def test_numbers_between_pixels() -> None:
    """A number that no pixel gives shows as the nearest one, also just beyond all of them."""
    plan = preprocessing(form("FP32"), Normalisation(scale=0.5, mean=(1.0,)))
    tensor = plan.tensor(IMAGES) + 0.1
    tensor[0, 0, 0] = [-1.24, 126.74, 0]

    shown = plan.pixels(tensor)

    assert [0, 255, 2] == shown[0, 0, 0].tolist()
    np.testing.assert_array_equal(IMAGES[1:], shown[1:])


@pytest.mark.parametrize("number", [-1.26, 126.76, -1e9, 3e38, np.nan, np.inf, -np.inf])
def test_numbers_beyond_pixels(number: float) -> None:
    """A number that rounds to no pixel is none, and neither is what is no number."""
    plan = preprocessing(form("FP32"), Normalisation(scale=0.5, mean=(1.0,)))
    tensor = plan.tensor(IMAGES)
    tensor[2, 5, 4, 2] = number
    with pytest.raises(OutOfRangeError) as caught:
        plan.pixels(tensor)
    assert 2 == caught.value.first


@pytest.mark.parametrize("layout", [Layout.NHWC, Layout.NCHW])
def test_own_numbers_are_kept(layout: Layout) -> None:
    """The caller's numbers are where its pixels are, and not where others look the same."""
    plan = preprocessing(form("FP32", layout), IMAGENET)
    row = plan.tensor(IMAGES[:1])[0] + np.float32(1e-3)
    images = np.repeat(IMAGES[:1], 3, axis=0)
    own = np.zeros((3, 6, 5), bool)
    own[0] = own[1, :2, :3] = True

    tensor = plan.exactly(images, row, own)

    channels = np.stack([own] * 3, axis=1 if layout is Layout.NCHW else 3)
    np.testing.assert_array_equal(np.where(channels, row, plan.tensor(images)), tensor)


def test_picture_files() -> None:
    """A model that takes files gets a PNG of each image, pixel by pixel."""
    files = preprocessing(form("BYTES"), Normalisation()).tensor(IMAGES).reshape(-1)

    decoded = [load(file, InputSize(6, 5, 3), max_pixels=100) for file in files]
    np.testing.assert_array_equal(IMAGES, np.stack(decoded))


def test_picture_files_are_not_normalised() -> None:
    """Settings that would normalise a file's pixels are refused."""
    with pytest.raises(UpstreamAnswerError, match="takes picture files"):
        preprocessing(form("BYTES"), IMAGENET)
