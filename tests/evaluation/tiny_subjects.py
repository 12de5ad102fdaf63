"""Small subjects: the tiny classifier with its backdoor, and its images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.evaluation.attacks.attacks import Backdoor, ToOne
from app.evaluation.records import Stamp
from app.evaluation.subjects.subject import Subject
from tests.tiny import TARGET, TRIGGER_BOX, TinyModel, clean_images

if TYPE_CHECKING:
    from app.ports import Model

WHITE = Stamp("white", np.full((2, 2, 4), 255, np.uint8), TRIGGER_BOX.x, TRIGGER_BOX.y, TARGET)


def tiny_subject(model: Model | None = None, *, attacked: bool = True, test: int = 60) -> Subject:
    """Return the tiny model with 60 references and *test* test images."""
    rng = np.random.default_rng(5)
    images = clean_images(60 + test, rng)
    labels = TinyModel().classify(images).labels
    return Subject(
        name="tiny",
        model=model or TinyModel(),
        references=images[:60],
        test=images[60:],
        labels=labels[60:],
        class_names=("red", "green", "blue", "grey"),
        attack=Backdoor("white", (WHITE,), ToOne(TARGET)) if attacked else None,
    )
