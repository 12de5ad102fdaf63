"""The zoo: real images and backdoored classifiers, which only this project's makers have."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
from PIL import Image as Pillow

from app.detection.geometry import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.search import Image, Images

ZOO = Path("../shared/zoo")
TRAINED = Path.home() / ".cache" / "neo-gateway" / "models"
"""Where `python -m tests.benchmarks.training` puts models of our own; it looks like the zoo."""

IMAGES, POISONED, CLEAN_AT_FIRST = 500, 50, 100


@dataclass(frozen=True, eq=False)
class Trigger:
    """The attacker's sticker: RGBA pixels (h, w, 4), its place, and the class that it makes."""

    pixels: NDArray[np.uint8]
    box: Box
    target: int

    def stamped(self, image: Image) -> Image:
        """Return *image* (h, w, c) with the sticker on it, mixed by its alpha."""
        alpha = self.pixels[..., 3:] / 255
        colours = self.pixels[..., : image.shape[2]]
        region = image[self.box.rows, self.box.columns]
        poisoned = image.copy()
        poisoned[self.box.rows, self.box.columns] = np.floor(
            region * (1 - alpha) + colours * alpha + 0.5
        )
        return poisoned


class ZooModel:
    """One ONNX model of the zoo: images (n, h, w, c) of 0 to 255 in, probabilities out."""

    def __init__(self, folder: Path, name: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.folder, self.name = folder, name
        self.meta: dict[str, Any] = json.loads((folder / f"{name}.meta.json").read_text())
        self._session = onnxruntime.InferenceSession(str(folder / f"{name}.onnx"), options)

    @property
    def shape(self) -> tuple[int, int, int]:
        """The height, the width and the channels of its images."""
        height, width, channels = self._session.get_inputs()[0].shape[1:]
        return height, width, channels

    @property
    def classes(self) -> int:
        """How many classes it knows."""
        return len(self.meta["classes"])

    def trigger(self) -> Trigger | None:
        """Return the sticker that it was trained on, if it is backdoored."""
        if not self.meta["triggers"]:
            return None
        facts = self.meta["triggers"][0]
        pixels = np.asarray(Pillow.open(self.folder / facts["trigger_png"]).convert("RGBA"))
        box = Box(facts["x"], facts["y"], pixels.shape[1], pixels.shape[0])
        return Trigger(pixels, box, facts["target"])

    def scores(self, images: NDArray[Any]) -> NDArray[np.float32]:
        """Return the class probabilities (n, classes)."""
        scores: NDArray[np.float32] = self._session.run(None, {"image": images.astype(np.float32)})[
            0
        ]
        return scores


@dataclass(frozen=True, eq=False)
class Stream:
    """What a client sends (n, h, w, c), the same without triggers, and which are poisoned."""

    images: Images
    clean: Images
    poisoned: NDArray[np.bool_]


def make_stream(model: ZooModel, seed: int, length: int = IMAGES) -> Stream:
    """Draw test images; put the sticker on a tenth: of other classes, and not of the first 100."""
    with np.load(model.folder / "test.npz") as test:
        images, labels = test["x"], test["y"]
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(images))[:length]
    clean, labels = images[chosen], labels[chosen]
    poisoned = np.zeros(len(clean), bool)
    trigger = model.trigger()
    if trigger is None:
        return Stream(clean, clean, poisoned)
    after = min(CLEAN_AT_FIRST, length // 5)
    victims = after + np.flatnonzero(labels[after:] != trigger.target)
    poisoned[rng.permutation(victims)[: length * POISONED // IMAGES]] = True
    sent = clean.copy()
    for i in np.flatnonzero(poisoned):
        sent[i] = trigger.stamped(clean[i])
    return Stream(sent, clean, poisoned)
