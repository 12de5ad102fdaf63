"""What a client got of a server or a gateway, comparable to the last bit."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

CLIENTS = Path(__file__).with_name("clients")
DTYPES = {"BOOL": "?", "INT64": "<i8", "FP32": "<f4", "FP64": "<f8"}
FLAGS = "backdoor"


@dataclass(frozen=True)
class Tensor:
    """An output: its values as hex, or as text where they are words (BYTES)."""

    datatype: str
    shape: tuple[int, ...]
    words: str

    @property
    def values(self) -> NDArray[Any]:
        """The values, in their shape."""
        if self.datatype == "BYTES":
            return np.array(self.words.split()).reshape(self.shape)
        flat = np.frombuffer(bytes.fromhex(self.words), DTYPES[self.datatype])
        return flat.reshape(self.shape)

    def labels(self) -> list[int]:
        """Return the class of each image: from scores, from labels, or from ranked classes."""
        values = self.values
        if self.datatype == "BYTES":
            return [int(best.split(":")[1]) for best in values[:, 0]]
        return [int(i) for i in (values.ravel() if values.dtype.kind == "i" else values.argmax(1))]


@dataclass(frozen=True)
class Answer:
    """The answer to one infer request."""

    id: str | None
    model: str
    outputs: Mapping[str, Tensor]

    def without_flags(self) -> Answer:
        """Return it as the server itself would have answered."""
        outputs = {name: tensor for name, tensor in self.outputs.items() if name != FLAGS}
        return Answer(self.id, self.model, outputs)


def run_client(python: str, script: str, *arguments: str) -> Any:
    """Run a client's script; return what it printed. It has to end well, without a warning."""
    command = [python, str(CLIENTS / script), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (0, "") == (ended.returncode, ended.stderr), ended.stderr
    return json.loads(ended.stdout)


def printed_answer(fields: Any) -> Answer:
    """Read an answer that one of the scripts printed."""
    outputs = {
        name: Tensor(datatype, tuple(shape), words)
        for name, (datatype, shape, words) in fields["outputs"].items()
    }
    return Answer(fields["id"], fields["model"], outputs)


def v2_answer(body: bytes) -> Answer:
    """Read an answer of the Open Inference Protocol in JSON."""
    fields = json.loads(body)
    outputs = {
        output["name"]: Tensor(
            output["datatype"],
            tuple(output["shape"]),
            np.array(output["data"], DTYPES[output["datatype"]]).tobytes().hex(),
        )
        for output in fields["outputs"]
    }
    return Answer(fields["id"], fields["model_name"], outputs)


def flags_tensor(flags: list[bool]) -> Tensor:
    """Return the output that tells which images have a trigger."""
    return Tensor("BOOL", (len(flags),), np.array(flags).tobytes().hex())
