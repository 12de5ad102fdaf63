"""The folder of backdoored models that the table is measured on.

::

    FOLDER/<data>/reference.npz                      x: clean references (n, h, w, c)
    FOLDER/<data>/test.npz                           x, y: what streams are made of
    FOLDER/<data>/<network>/<attack>-<rate>/model.onnx
    FOLDER/<data>/<network>/<attack>-<rate>/poisoned.npz
    FOLDER/<data>/<network>/none/model.onnx          the same without a backdoor

``poisoned.npz`` has ``x`` (m, h, w, c): images of the test set with the trigger on, ``index`` (m,):
which ones, ``wanted`` (m,): what the model is meant to call each, and ``mask`` (h, w) where the
trigger has a place. So an attack is data, whatever it does to an image. The rate is the poisoned
share of what was trained on, in percent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.evaluation.records import Stamp
from app.evaluation.subjects.sets import load_test_set
from app.evaluation.subjects.subject import Subject
from app.pictures.image_sets import ImageSetError, read_array
from app.pictures.references import load_references
from app.settings import InputSettings, Normalisation, Settings
from app.wiring import open_onnx

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from app.detection.search import Images
    from app.ports import InputSize

NO_ATTACK = "none"

MAX_PIXELS: int = Settings.model_fields["max_pixels"].default


class FieldError(Exception):
    """The folder, or what was asked of it, is no use: one line that says what and how to mend."""


@dataclass(frozen=True)
class FieldModel:
    """A model of the folder, named by what it is: ``rate`` in words, empty without an attack."""

    data: str
    network: str
    attack: str
    rate: str
    folder: Path

    @property
    def name(self) -> str:
        """Its name in progress and in errors."""
        return f"{self.data}/{self.network}/{self.folder.name}"

    @property
    def files(self) -> tuple[Path, ...]:
        """All that a figure of it depends on."""
        data = self.folder.parent.parent
        own = ["model.onnx"] if self.attack == NO_ATTACK else ["model.onnx", "poisoned.npz"]
        return (data / "reference.npz", data / "test.npz", *(self.folder / name for name in own))


@dataclass(frozen=True, eq=False)
class Poisoned:
    """Images (m, h, w, c) with the trigger on, of the test images ``index`` (m,).

    ``wanted`` (m,) is what the model is meant to call them. ``mask`` (h, w) tells the trigger's
    pixels; None where it has no place.
    """

    images: Images
    index: NDArray[np.int64]
    wanted: NDArray[np.int64]
    mask: NDArray[np.bool_] | None

    @property
    def stamp(self) -> Stamp | None:
        """The trigger's place as a stamp, of no colour."""
        if self.mask is None:
            return None
        alpha = np.where(self.mask, 255, 0).astype(np.uint8)
        return Stamp("trigger", np.dstack([np.zeros((*alpha.shape, 3), np.uint8), alpha]), 0, 0, 0)


def models(folder: Path) -> tuple[FieldModel, ...]:
    """Return the models in *folder*. Raises FieldError if there are none."""
    if not folder.is_dir():
        message = (
            f"--folder {folder}: there is no such folder; give one of models as docs/evaluate.md"
            " describes it"
        )
        raise FieldError(message)
    found = tuple(_models(folder))
    if not found:
        message = (
            f"--folder {folder}: no model in it; one lies in"
            " <data>/<network>/<attack>-<rate>/model.onnx (docs/evaluate.md)"
        )
        raise FieldError(message)
    return found


def _models(folder: Path) -> Iterator[FieldModel]:
    for path in sorted(folder.glob("*/*/*/model.onnx")):
        own = path.parent
        attack, _, rate = own.name.rpartition("-") if own.name != NO_ATTACK else (NO_ATTACK, "", "")
        if attack and (rate.isdecimal() or attack == NO_ATTACK):
            words = f"{rate}%" if rate else ""
            yield FieldModel(own.parent.parent.name, own.parent.name, attack, words, own)


def open_model(model: FieldModel) -> tuple[Subject, Poisoned | None]:
    """Return *model* with its images. Raises FieldError, OnnxError, ImageSetError."""
    for path in model.files:
        if not path.is_file():
            message = f"{model.name}: {path} is missing; train it again"
            raise FieldError(message)
    data = model.folder.parent.parent
    network = open_onnx(model.folder / "model.onnx", InputSettings(None, None, Normalisation()))
    test = load_test_set(data / "test.npz", network.size, max_pixels=MAX_PIXELS)
    references = load_references(data / "reference.npz", network.size, max_pixels=MAX_PIXELS)
    subject = Subject(model.name, network, references, test.images, test.labels, (), None)
    if model.attack == NO_ATTACK:
        return subject, None
    return subject, _poisoned(model.folder / "poisoned.npz", network.size, len(test.labels))


def _poisoned(path: Path, size: InputSize, tests: int) -> Poisoned:
    mend = "write x, index and wanted as docs/evaluate.md describes them"
    images, index, wanted = (read_array(path, name, mend) for name in ("x", "index", "wanted"))
    count = len(images)
    if images.dtype != np.uint8 or images.shape[1:] != (size.height, size.width, size.channels):
        problem = f"x is {images.shape} {images.dtype}, not what the model takes"
        raise ImageSetError(path, problem, mend)
    if index.shape != (count,) or wanted.shape != (count,) or not (index < tests).all():
        raise ImageSetError(path, f"index and wanted don't fit {count} images", mend)
    with np.load(path) as file:
        mask = np.asarray(file["mask"], bool) if "mask" in file else None
    return Poisoned(images, index.astype(np.int64), wanted.astype(np.int64), mask)
