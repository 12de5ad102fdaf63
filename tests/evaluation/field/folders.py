"""A folder of tiny models as the field's table takes it: classes by mean colour, in ONNX files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tests.evaluation.onnx_files import FLOAT, Tensor, mean_colour_model
from tests.tiny import SIDE, clean_images

if TYPE_CHECKING:
    from pathlib import Path

COLOURS = np.array([[180, 40, 40], [40, 180, 40], [40, 40, 180], [150, 150, 40]], np.float32)
WANTED = 2
TESTS = 60


def tiny_field(folder: Path) -> Path:
    """Write a model without a backdoor, and the same with an attack: the lower half is blue."""
    rng = np.random.default_rng(6)
    references, test = clean_images(40, rng), clean_images(TESTS, rng)
    means = test.mean(axis=(1, 2))
    labels = np.linalg.norm(means[:, None] - COLOURS, axis=2).argmin(axis=1)
    data = folder / "tiny"
    for name in ("none", "badnets-10"):
        (data / "mean" / name).mkdir(parents=True)
        model = mean_colour_model(COLOURS, Tensor("image", FLOAT, ["n", SIDE, SIDE, 3]))
        (data / "mean" / name / "model.onnx").write_bytes(model)
    np.savez(data / "reference.npz", x=references)
    np.savez(data / "test.npz", x=test, y=labels)
    index = np.flatnonzero(labels != WANTED)[:20]
    mask = np.zeros((SIDE, SIDE), bool)
    mask[SIDE // 2 :] = True
    poisoned = test[index]
    poisoned[:, mask] = (0, 0, 255)
    np.savez(
        data / "mean" / "badnets-10" / "poisoned.npz",
        x=poisoned,
        index=index,
        wanted=np.full(len(index), WANTED),
        mask=mask,
    )
    return folder
