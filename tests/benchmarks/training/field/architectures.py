"""Two small networks as ONNX graphs with weights drawn at random: what the field's table is on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OPSET, IR_VERSION = 17, 8


class Network:
    """A graph in the making: each step takes what the one before has left."""

    def __init__(self, shape: tuple[int, int, int], seed: int) -> None:
        height, width, self.channels = shape
        self.sides = [height, width]
        self._input = helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, ["N", *shape])
        self._rng = np.random.default_rng(seed)
        self._nodes: list[Any] = []
        self._tensors: list[Any] = []
        self.latest = "image"
        self._step("Sub", self._constant("middle", np.float32(127.5)))
        self._step("Mul", self._constant("scale", np.float32(1 / 64)))
        self._step("Transpose", perm=[0, 3, 1, 2])

    def conv(self, channels: int, *, zero: bool = False) -> None:
        """Add a convolution by 3x3 with its own padding; a *zero* one adds nothing at first."""
        weights = self._drawn((channels, self.channels, 3, 3), 9 * self.channels) * (not zero)
        bias = self._constant(self._name("bias"), np.zeros(channels, np.float32))
        self._step("Conv", self._constant(self._name("conv"), weights), bias, pads=[1, 1, 1, 1])
        self.channels = channels

    def relu(self) -> None:
        """Add what leaves out what is below 0."""
        self._step("Relu")

    def pool(self) -> None:
        """Halve the sides."""
        self._step("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
        self.sides = [side // 2 for side in self.sides]

    def block(self) -> None:
        """Add two convolutions whose result is added to what they are given."""
        given = self.latest
        self.conv(self.channels)
        self.relu()
        self.conv(self.channels, zero=True)
        self._step("Add", given)
        self.relu()

    def flatten(self) -> None:
        """Make one row of all that there is."""
        self._step("Flatten", axis=1)
        self.channels *= self.sides[0] * self.sides[1]

    def mean(self) -> None:
        """Take each channel's mean."""
        self._step("ReduceMean", axes=[2, 3], keepdims=0)

    def dense(self, neurons: int) -> None:
        """Add a whole layer."""
        weights = self._drawn((self.channels, neurons), self.channels)
        bias = self._constant(self._name("bias"), np.zeros(neurons, np.float32))
        self._step("Gemm", self._constant(self._name("dense"), weights), bias)
        self.channels = neurons

    def save(self, path: Path) -> None:
        """End with a softmax, and write the graph."""
        self._nodes.append(helper.make_node("Softmax", [self.latest], ["probs"], axis=1))
        probs = helper.make_tensor_value_info("probs", onnx.TensorProto.FLOAT, ["N", self.channels])
        graph = helper.make_graph(self._nodes, "field", [self._input], [probs], self._tensors)
        opset = [helper.make_opsetid("", OPSET)]
        onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION), path)

    def _step(self, kind: str, *others: str, **told: Any) -> None:
        out = self._name(kind.lower())
        self._nodes.append(helper.make_node(kind, [self.latest, *others], [out], **told))
        self.latest = out

    def _name(self, kind: str) -> str:
        return f"{kind}{len(self._nodes)}_{len(self._tensors)}"

    def _constant(self, name: str, values: Any) -> str:
        self._tensors.append(numpy_helper.from_array(np.asarray(values, np.float32), name))
        return name

    def _drawn(self, shape: tuple[int, ...], inputs: int) -> Any:
        return self._rng.normal(0, np.sqrt(2 / inputs), shape).astype(np.float32)


def plain(network: Network) -> None:
    """Make it one of convolutions in a row, as VGG."""
    for channels in (16, 32, 64):
        network.conv(channels)
        network.relu()
        network.pool()
    network.flatten()
    network.dense(128)
    network.relu()


def residual(network: Network) -> None:
    """Make it one with shortcuts, as ResNet, that ends with each channel's mean."""
    for channels in (16, 32, 64):
        network.conv(channels)
        network.relu()
        network.pool()
        network.block()
    network.mean()


ARCHITECTURES: dict[str, Callable[[Network], None]] = {"plain": plain, "residual": residual}


def untrained(
    path: Path, architecture: str, shape: tuple[int, int, int], classes: int, seed: int
) -> None:
    """Write a network of this *architecture* for images of *shape* (h, w, c)."""
    network = Network(shape, seed)
    ARCHITECTURES[architecture](network)
    network.dense(classes)
    network.save(path)
