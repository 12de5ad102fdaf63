"""What it costs to write 64 probes of 224x224x3 as binary tensors, in the parts that are sent."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from app.settings import Normalisation
from app.upstream.http.limits import Limits
from app.upstream.inputs.input_form import input_form
from app.upstream.inputs.preprocessing import preprocessing
from app.wire.tensors import DATATYPES, TensorSpec
from app.wire.writing import Written, write
from tests.benchmarks.speed.figures import Figure, Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.detection.search import Images
    from app.upstream.inputs.preprocessing import Preprocessing

PROBES, SIDE = 64, 224
SUBJECT = f"{PROBES} probes of {SIDE}x{SIDE}x3 as binary tensors"
AT_MOST_MS = 5
REPEATS = 20

IMAGENET = Normalisation(1 / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
KINDS = {
    "UINT8": ("UINT8", Normalisation()),
    "FP32": ("FP32", Normalisation()),
    "FP32, normalised": ("FP32", IMAGENET),
}


def encoding() -> Iterator[Figure]:
    """Measure some kinds of models."""
    rng = np.random.default_rng(0)
    images: Images = rng.integers(256, size=(PROBES, SIDE, SIDE, 3), dtype=np.uint8)
    for name, (datatype, normalisation) in KINDS.items():
        spec = TensorSpec("input", datatype, (-1, SIDE, SIDE, 3))
        plan = preprocessing(input_form([spec], None, None), normalisation)
        most = Limits.batch_bytes // (DATATYPES[datatype].itemsize * images[0].size)
        took = min(_seconds(plan, images, most) for _ in range(REPEATS))
        target = None if normalisation is IMAGENET else Target(AT_MOST_MS)
        yield Figure(SUBJECT, f"CPU, {name}", took * 1000, "ms", target)


def _seconds(plan: Preprocessing, images: Images, most: int) -> float:
    since = time.process_time()
    for start in range(0, len(images), most):
        tensor = plan.tensor(images[start : start + most])
        write({"id": "1"}, "inputs", [Written("input", tensor, binary=True)])
    return time.process_time() - since
