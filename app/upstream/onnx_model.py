"""A classifier in an ONNX file: the port `Model`, in this process."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import numpy as np

from app.ports import NOBODY, OnnxError, UpstreamAnswerError
from app.upstream.answers.class_names import ClassNames
from app.upstream.answers.tensors import answering, parse_answers
from app.upstream.inputs.input_form import input_form
from app.upstream.inputs.preprocessing import preprocessing
from app.upstream.parts import joined, split
from app.wire.reading import Tensor
from app.wire.tensors import TensorSpec

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from app.detection.search import Answers, Images
    from app.ports import Caller
    from app.settings import InputSettings

AT_ONCE = 64
"""Images that are asked together of a model that takes any number."""

_FLOATS = {"float16": "FP16", "float": "FP32", "double": "FP64"}
"""ONNX's floats in the Open Inference Protocol's words; its integers have the same names."""


class OnnxModel:
    """The model in the file *path*; *settings* say of its input what the file doesn't.

    It works with so many *threads*; None: with all cores. Raises OnnxError if there is no
    classifier of images in it.
    """

    def __init__(self, path: Path, settings: InputSettings, threads: int | None = None) -> None:
        self._session = _session(path, threads)
        told, outputs = self._session.get_inputs(), self._session.get_outputs()
        self._fixed_batch = _fixed_batch(told)
        try:
            form = input_form([_input_spec(one) for one in told], settings.size, settings.layout)
            self._preprocessing = preprocessing(form, settings.normalisation)
            self._output = answering([_spec(one) for one in outputs])
        except UpstreamAnswerError as exc:
            message = f"{path}: {exc}"
            raise OnnxError(message) from exc
        self.size = form.size

    async def answer(self, images: Images, caller: Caller = NOBODY) -> Answers:  # noqa: ARG002
        """Answer *images* (n, height, width, channels). Raises UpstreamAnswerError."""
        parts = split(images, self._fixed_batch or AT_ONCE)
        return joined([await asyncio.to_thread(self._ask, part) for part in parts])

    async def check(self) -> None:
        """Return: a file that was read is ready."""

    def _ask(self, images: Images) -> Answers:
        name, spec = self._preprocessing.form.name, self._output
        try:
            (answer,) = self._session.run([spec.name], {name: self._tensor(images)})
        except Exception as exc:  # onnxruntime's errors have nothing else in common
            message = f"the model can't answer: {exc}"
            raise UpstreamAnswerError(message) from exc
        told = np.asarray(answer)[: len(images)]
        described = TensorSpec(spec.name, spec.datatype, told.shape)
        tensor = Tensor(described, memoryview(told.tobytes()), {})
        return parse_answers([tensor], len(images), ClassNames())

    def _tensor(self, images: Images) -> NDArray[Any]:
        """Return the tensor for *images*, filled up where the model takes just so many at once."""
        tensor = self._preprocessing.tensor(images)
        missing = (self._fixed_batch or len(images)) - len(images)
        return np.concatenate([tensor, np.zeros_like(tensor, shape=(missing, *tensor.shape[1:]))])


def _session(path: Path, threads: int | None) -> Any:  # noqa: ANN401  # onnxruntime comes without types
    import onnxruntime  # noqa: PLC0415  # slow to load

    if not path.is_file():
        message = f"{path}: no such file; --onnx takes a model"
        raise OnnxError(message)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as exc:  # onnxruntime's errors have nothing else in common
        message = f"{path}: not an ONNX model that can be loaded: {exc}"
        raise OnnxError(message) from exc


def _fixed_batch(inputs: list[Any]) -> int | None:
    """Return how many images the model takes at once, None if any number."""
    first = inputs[0].shape[:1] if inputs else []
    return first[0] if first and isinstance(first[0], int) else None


def _input_spec(told: Any) -> TensorSpec:  # noqa: ANN401  # onnxruntime comes without types
    spec = _spec(told)
    return TensorSpec(spec.name, spec.datatype, (-1, *spec.shape[1:]) if spec.shape else ())


def _spec(told: Any) -> TensorSpec:  # noqa: ANN401  # onnxruntime comes without types
    kind = told.type.removeprefix("tensor(").removesuffix(")")
    dims = [dim if isinstance(dim, int) and dim > 0 else -1 for dim in told.shape]
    return TensorSpec(told.name, _FLOATS.get(kind, kind.upper()), tuple(dims))
