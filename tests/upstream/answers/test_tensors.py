"""From output tensors to answers: one for each image, or an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from app.ports import UpstreamAnswerError
from app.upstream.answers.class_names import ClassNames
from app.upstream.answers.tensors import parse_answers
from app.wire.reading import Tensor
from app.wire.tensors import TensorSpec

if TYPE_CHECKING:
    from app.detection.search import Answers

ROWS = [0.25, 0.5, 0.25, -3.0, -1.0, 7.5]


def output(datatype: str, shape: tuple[int, ...], data: list[Any], name: str = "y") -> Tensor:
    """Make an output as a server would send it in JSON."""
    return Tensor(TensorSpec(name, datatype, shape), data, {})


def parsed(*outputs: Tensor) -> Answers:
    """Read *outputs* as the answer to two images."""
    return parse_answers(outputs, 2, ClassNames())


@pytest.mark.parametrize("datatype", ["FP16", "FP32", "FP64"])
def test_scores(datatype: str) -> None:
    """Scores come back as they came, logits too, with the largest one's index as the label."""
    answers = parsed(output(datatype, (2, 3), ROWS))

    assert [1, 2] == answers.labels.tolist()
    assert answers.scores is not None
    assert (np.dtype(np.float32), [ROWS[:3], ROWS[3:]]) == (
        answers.scores.dtype,
        answers.scores.tolist(),
    )


@pytest.mark.parametrize("shape", [(2,), (2, 1)])
@pytest.mark.parametrize("datatype", ["UINT8", "INT32", "INT64", "UINT64"])
def test_labels(datatype: str, shape: tuple[int, ...]) -> None:
    """Class indices alone are answers without scores."""
    answers = parsed(output(datatype, shape, [4, 0]))

    assert (np.dtype(np.int64), [4, 0]) == (answers.labels.dtype, answers.labels.tolist())
    assert answers.scores is None


def test_scores_before_labels() -> None:
    """Of a label and its probabilities (sklearn-onnx) the probabilities are the answer."""
    answers = parsed(
        output("INT64", (2,), [0, 0], "label"), output("FP32", (2, 3), ROWS, "probabilities")
    )

    assert [1, 2] == answers.labels.tolist()
    assert answers.scores is not None


def test_label_of_doubles() -> None:
    """Two doubles that float32 can't tell apart keep their order."""
    near = [0.5, 0.5 + 1e-12, 0.0]
    assert [1, 1] == parsed(output("FP64", (2, 3), near * 2)).labels.tolist()


@pytest.mark.parametrize(
    ("outputs", "reason"),
    [
        ([], "outputs are: none"),
        ([output("BYTES", (2, 3), ["a"] * 6)], "not one for each image"),
        ([output("BOOL", (2,), [True, False])], "outputs are: 'y' BOOL"),
        ([output("FP32", (2, 3), ROWS, "a"), output("FP32", (2, 3), ROWS, "b")], "exactly one"),
        ([output("INT64", (2,), [1, 2], "a"), output("INT64", (2,), [1, 2], "b")], "exactly one"),
        ([output("FP32", (1, 3), ROWS[:3])], "to 2 images"),
        ([output("FP32", (3, 2), ROWS)], "to 2 images"),
        ([output("FP32", (-1, 3), ROWS)], "to 2 images"),
        ([output("FP32", (), [1.0])], "to 2 images"),
        ([output("INT64", (1,), [1])], "to 2 images"),
        ([output("INT64", (3,), [1, 2, 3])], "to 2 images"),
        ([output("FP32", (2, -1), ROWS)], "values came in the shape"),
        ([output("FP32", (2, 3, 2), ROWS * 2)], "not \\(images, classes\\)"),
        ([output("INT64", (2, 3), [1] * 6)], "not one for each image"),
        ([output("FP32", (2, 3), ROWS[:5])], "5 values came"),
        ([output("FP32", (2, 3), [*ROWS, 1.0])], "7 values came"),
        ([output("FP32", (2, 10**30), ROWS)], "6 values came"),
        ([output("FP32", (2, 3), [*ROWS[:5], 1e39])], "finite"),
        ([output("FP64", (2, 3), [*ROWS[:5], 1e39])], "finite"),
        ([output("FP32", (2, 3), [*ROWS[:5], None])], "another type"),
        ([output("FP32", (2, 3), [*ROWS[:5], "1"])], "another type"),
        ([output("FP32", (2, 3), [ROWS[:3], ROWS[:2]])], "ragged"),
        ([output("INT64", (2,), [1.0, 2.0])], "another type"),
        ([output("INT64", (2,), [True, False])], "another type"),
        ([output("INT64", (2,), [1, -1])], "out of range"),
        ([output("UINT64", (2,), [2**63, 2**63])], "out of range"),
        ([output("UINT8", (2,), [1, 257])], "too large"),
    ],
)
def test_unusable(outputs: list[Tensor], reason: str) -> None:
    """An answer that isn't exactly one label or row of scores for each image is an error."""
    with pytest.raises(UpstreamAnswerError, match=reason):
        parsed(*outputs)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_binary_scores_that_are_no_numbers(bad: float) -> None:
    """NaN and infinity in raw bytes are errors."""
    raw = np.array([*ROWS[:5], bad], np.float32).tobytes()
    with pytest.raises(UpstreamAnswerError, match="finite"):
        parsed(Tensor(TensorSpec("y", "FP32", (2, 3)), memoryview(raw), {}))


@pytest.mark.parametrize("shape", [(2, 3, 1, 1), (2, 1, 3), (2, 1, 1, 3, 1)])
def test_axes_of_length_1(shape: tuple[int, ...]) -> None:
    """Scores are told whatever axes of length 1 they have, and passed on with them."""
    answers = parsed(output("FP32", shape, ROWS))
    assert [1, 2] == answers.labels.tolist()
    assert shape == answers.outputs["y"].shape
    assert [4, 0] == parsed(output("INT64", (2, 1, 1), [4, 0])).labels.tolist()


@pytest.mark.parametrize(
    ("datatype", "shape", "data", "label"),
    [
        ("FP32", (3,), ROWS[:3], 1),
        ("FP32", (3, 1, 1), ROWS[:3], 1),
        ("FP32", (), [0.75], 1),
        ("FP32", (1,), [0.25], 0),
        ("INT64", (), [2], 2),
    ],
)
def test_one_image_without_the_batch(
    datatype: str, shape: tuple[int, ...], data: list[Any], label: int
) -> None:
    """Of one image the axis of the batch may be missing; what is passed on has it."""
    answers = parse_answers([output(datatype, shape, data)], 1, ClassNames())
    assert ([label], 1) == (answers.labels.tolist(), len(answers.outputs["y"]))


@pytest.mark.parametrize("shape", [(2, 3), (6,)])
def test_too_many_for_one_image(shape: tuple[int, ...]) -> None:
    """Two rows are no answer to one image, nor are labels without a batch."""
    datatype = "FP32" if len(shape) > 1 else "INT64"
    with pytest.raises(UpstreamAnswerError):
        parse_answers([output(datatype, shape, [1] * 6)], 1, ClassNames())


def test_bf16() -> None:
    """BF16 is read exactly, from raw bytes and from JSON, and passed on as it came."""
    raw = (np.array(ROWS, np.float32).view(np.uint32) >> 16).astype("<u2").tobytes()
    spec = TensorSpec("y", "BF16", (2, 3))
    for payload in (memoryview(raw), ROWS):
        answers = parsed(Tensor(spec, payload, {}))
        assert answers.scores is not None
        assert ([1, 2], [ROWS[:3], ROWS[3:]]) == (answers.labels.tolist(), answers.scores.tolist())
        assert raw == answers.outputs["y"].tobytes()
