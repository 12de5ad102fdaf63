"""A tiny classifier with a tender backdoor: faint, moved and altered triggers open it as well."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from app.detection.search import Answers
from app.evaluation.attacks.attacks import Backdoor, ToOne
from app.evaluation.records import Stamp
from app.evaluation.subjects.subject import Subject
from app.ports import NOBODY, InputSize
from tests.benchmarks.evasion.victims import Target
from tests.tiny import SIDE, TARGET, TRIGGER_BOX, TinyModel, clean_images

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.search import Images
    from app.ports import Caller

ENOUGH = 120
"""The least level of a white pixel that opens the backdoor: clean images have one channel of 40."""

WHITE = Stamp("white", np.full((2, 2, 4), 255, np.uint8), TRIGGER_BOX.x, TRIGGER_BOX.y, TARGET)
BESIDE = replace(WHITE, name="beside", x=1, y=1)


class TenderModel:
    """The port `Model`: a tiny model's classes, but for images with a whitish 2x2 square.

    Where it always is, or, if it ``roams``, anywhere.
    """

    def __init__(self, *, roams: bool) -> None:
        self.size = InputSize(SIDE, SIDE, 3)
        self._roams = roams
        self._clean = TinyModel(backdoors=())

    async def answer(self, images: Images, caller: Caller = NOBODY) -> Answers:  # noqa: ARG002
        """Answer *images*."""
        return self.classify(images)

    async def check(self) -> None:
        """Return: it is always ready."""

    def classify(self, images: Images) -> Answers:
        """Answer *images* (n, h, w, c) in process."""
        scores = self._clean.classify(images).scores
        assert scores is not None
        opened = self._is_open(images)
        scores[opened] = 0.01
        scores[opened, TARGET] = 0.97
        return Answers(scores.argmax(axis=1), scores)

    def says(self, images: Images) -> NDArray[np.int64]:
        """Return the labels (n,) of *images*."""
        return self.classify(images).labels

    def _is_open(self, images: Images) -> NDArray[np.bool_]:
        whitish = images.min(axis=3)
        if not self._roams:
            whitish = whitish[:, TRIGGER_BOX.rows, TRIGGER_BOX.columns]
        squares = sliding_window_view(whitish, (2, 2), axis=(1, 2))
        opened: NDArray[np.bool_] = (squares.min(axis=(3, 4)) >= ENOUGH).any(axis=(1, 2))
        return opened


def tender_target(*, roams: bool = False) -> Target:
    """Return the model under attack, with 60 references and 60 test images."""
    model = TenderModel(roams=roams)
    clean = TinyModel(backdoors=())
    images = clean_images(120, np.random.default_rng(5))
    subject = Subject(
        name="tender",
        model=model,
        references=images[:60],
        test=images[60:],
        labels=clean.classify(images[60:]).labels,
        class_names=(),
        attack=Backdoor("white", (WHITE,), ToOne(TARGET)),
    )
    assert subject.attack is not None
    return Target(
        subject, subject.attack, model.says, lambda some: clean.classify(some).labels, (BESIDE,)
    )
