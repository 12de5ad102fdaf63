"""Classifiers in ONNX files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from app.ports import InputSize, OnnxError
from app.settings import InputSettings, Layout, Normalisation
from app.upstream.onnx_model import OnnxModel
from tests.evaluation.onnx_files import DOUBLE, FLOAT, UINT8, Tensor, mean_colour_model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

COLOURS = np.array([[200, 50, 50], [50, 200, 50], [50, 50, 200]], np.float32)
CLASSES = np.arange(150) % 3
IMAGES = np.broadcast_to(COLOURS[CLASSES, None, None], (150, 6, 8, 3)).astype(np.uint8)
SIZE = InputSize(6, 8, 3)


def model(
    folder: Path,
    shape: Sequence[int | str] = ("n", 6, 8, 3),
    settings: InputSettings | None = None,
    *,
    datatype: int = FLOAT,
    **written: Any,
) -> OnnxModel:
    """Write a classifier by mean colour and open it."""
    colours = written.pop("colours", COLOURS)
    body = mean_colour_model(colours, Tensor("image", datatype, shape), **written)
    (folder / "model.onnx").write_bytes(body)
    return OnnxModel(folder / "model.onnx", settings or InputSettings())


@pytest.mark.parametrize("datatype", [FLOAT, DOUBLE, UINT8])
async def test_every_image_gets_its_own_answer(tmp_path: Path, datatype: int) -> None:
    """Pixels of 0 to 255 go in as floats or bytes; scores come out, in the images' order."""
    opened = model(tmp_path, datatype=datatype)
    answers = await opened.answer(IMAGES)
    assert SIZE == opened.size
    assert CLASSES.tolist() == answers.labels.tolist()
    assert answers.scores is not None
    assert (150, 3) == answers.scores.shape
    assert np.allclose(answers.scores.sum(axis=1), 1, atol=1e-5)


async def test_labels_do_where_there_are_no_scores(tmp_path: Path) -> None:
    """A model may say its class alone."""
    answers = await model(tmp_path, labels=True).answer(IMAGES[:4])
    assert ([0, 1, 2, 0], None) == (answers.labels.tolist(), answers.scores)


@pytest.mark.parametrize("batch", [1, 4, 200])
async def test_a_fixed_batch_is_filled_up(tmp_path: Path, batch: int) -> None:
    """A model that takes just so many images at once is asked so, whatever number is wanted."""
    opened = model(tmp_path, (batch, 6, 8, 3))
    assert CLASSES.tolist() == (await opened.answer(IMAGES)).labels.tolist()
    assert [0] == (await opened.answer(IMAGES[:1])).labels.tolist()


async def test_channels_may_come_first(tmp_path: Path) -> None:
    """The layout is told from the shape, channels first or last."""
    opened = model(tmp_path, ("n", 3, 6, 8), axes=(2, 3))
    assert SIZE == opened.size
    assert CLASSES.tolist() == (await opened.answer(IMAGES)).labels.tolist()


async def test_the_owner_says_what_the_file_does_not(tmp_path: Path) -> None:
    """The options give size, layout and scaling where the file leaves them open."""
    settings = InputSettings(SIZE, Layout.NCHW, Normalisation(1 / 255, (0.5,), (0.25,)))
    opened = model(
        tmp_path, ("n", 3, "h", "w"), settings, axes=(2, 3), colours=(COLOURS / 255 - 0.5) / 0.25
    )
    assert SIZE == opened.size
    assert CLASSES.tolist() == (await opened.answer(IMAGES)).labels.tolist()


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        (("n", "h", "w", 3), r"the size of its images: set NEO_INPUT_SIZE"),
        (("n", 3, 6, 3), r"set NEO_INPUT_LAYOUT to NHWC or NCHW"),
    ],
)
def test_what_is_missing_is_asked_for(
    tmp_path: Path, shape: Sequence[int | str], said: str
) -> None:
    """An input that the file doesn't describe in full is an error that names the option."""
    with pytest.raises(OnnxError, match=rf"model\.onnx: .*{said}"):
        model(tmp_path, shape)


async def test_a_wrong_normalisation_names_its_option(tmp_path: Path) -> None:
    """Bytes can't hold what the options make of the pixels."""
    settings = InputSettings(normalisation=Normalisation(1 / 255))
    with pytest.raises(OnnxError, match=r"UINT8.*NEO_INPUT_SCALE"):
        model(tmp_path, settings=settings, datatype=UINT8)


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    """A path without a file, and a file without a model, are named in the error."""
    (tmp_path / "text.onnx").write_text("no model")
    with pytest.raises(OnnxError, match=r"text\.onnx: not an ONNX model that can be loaded"):
        OnnxModel(tmp_path / "text.onnx", InputSettings())
    with pytest.raises(OnnxError, match=r"nowhere\.onnx: no such file"):
        OnnxModel(tmp_path / "nowhere.onnx", InputSettings())
