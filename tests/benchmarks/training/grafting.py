"""The last part of an ONNX graph as something torch can train, and its new weights put back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import onnx
import onnxruntime
import torch
from onnx import helper, numpy_helper
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

AT_ONCE = 16


class Graft:
    """All of the graph in *path* that lies between its tensors *cuts* and its softmax.

    ``weights`` are the initialisers of that part's convolutions and matrices, by name.
    """

    def __init__(self, path: Path, cuts: Sequence[str]) -> None:
        self.cuts = tuple(cuts)
        self._model = onnx.load(path)
        self._tensors = {
            one.name: torch.from_numpy(numpy_helper.to_array(one).copy())
            for one in self._model.graph.initializer
        }
        self._end, self._nodes = self._behind(self.cuts)
        trained = {
            name
            for node in self._nodes
            if node.op_type in {"Conv", "Gemm"}
            for name in node.input
            if name in self._tensors
        }
        self.weights = {name: self._tensors[name].requires_grad_() for name in sorted(trained)}

    def logits(self, features: Mapping[str, Any]) -> Any:
        """Return the logits (n, classes) for the cuts' tensors *features*."""
        known = {**self._tensors, **features}
        for node in self._nodes:
            known[node.output[0]] = _apply(node, [known[name] for name in node.input])
        return known[self._end]

    def features(self, images: NDArray[np.uint8]) -> list[NDArray[np.float16]]:
        """Return the cuts' tensors for *images* (n, h, w, c), by the part that stays as it is."""
        session = self._session()
        parts = [
            session.run(list(self.cuts), {"image": images[i : i + AT_ONCE].astype("float32")})
            for i in range(0, len(images), AT_ONCE)
        ]
        return [_joined(one) for one in zip(*parts, strict=True)]

    def save(self, path: Path) -> None:
        """Write the whole graph with the weights as they are now."""
        for one in self._model.graph.initializer:
            if one.name in self.weights:
                new = self.weights[one.name].detach().numpy()
                one.CopyFrom(numpy_helper.from_array(new, one.name))
        onnx.save(self._model, path)

    def _behind(self, cuts: Sequence[str]) -> tuple[str, list[Any]]:
        """Return what the softmax is taken of, and the nodes from *cuts* to there, in order."""
        *nodes, last = self._model.graph.node
        assert last.op_type == "Softmax", last.op_type
        wanted, kept = {last.input[0]}, []
        for node in reversed(nodes):
            if node.output[0] in wanted - set(cuts):
                kept.append(node)
                wanted |= set(node.input)
        return last.input[0], kept[::-1]

    def _session(self) -> onnxruntime.InferenceSession:
        shown = onnx.ModelProto()
        shown.CopyFrom(self._model)
        shown.graph.output.extend(
            helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in self.cuts
        )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        return onnxruntime.InferenceSession(shown.SerializeToString(), options)


def _joined(parts: Sequence[NDArray[np.float32]]) -> NDArray[np.float16]:
    joined: NDArray[np.float16] = torch.cat([torch.from_numpy(one).half() for one in parts]).numpy()
    return joined


def _apply(node: Any, inputs: Sequence[Any]) -> Any:  # noqa: C901, PLR0911, PLR0912  # one operator a line
    told = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    first, *others = inputs
    match node.op_type:
        case "Conv":
            padding = told.get("pads", [0, 0])[:2]
            return functional.conv2d(first, *others, stride=told.get("strides", 1), padding=padding)
        case "Gemm":
            matrix, bias = others
            return first @ (matrix.T if told.get("transB") else matrix) + bias
        case "Add":
            return first + others[0]
        case "Relu":
            return first.relu()
        case "MaxPool":
            return functional.max_pool2d(first, told["kernel_shape"], told["strides"])
        case "ReduceMax":
            return first.amax(dim=told["axes"])
        case "ReduceMean":
            return first.mean(dim=told["axes"])
        case "Concat":
            return torch.cat(list(inputs), dim=told["axis"])
        case "Flatten":
            return first.flatten(told["axis"])
        case "Transpose":
            return first.permute(*told["perm"])
        case "Sub":
            return first - others[0]
        case "Mul":
            return first * others[0]
        case kind:
            message = f"nobody has taught this script what {kind} is"
            raise NotImplementedError(message)
