"""A model of the zoo as the evaluation takes it: in this process, with its images and its attack.

A model's meta.json says what its triggers are: one or several, each for every class, for one
``source`` class, or sending each class to the next; those with a ``jitter`` move by so many pixels.
The pieces of one trigger lie in one picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as Pillow

from app.detection.search import Answers
from app.evaluation.attacks.attacks import Backdoor, FromOne, Onward, Several, ToOne
from app.evaluation.attacks.marks import read_stamp
from app.evaluation.command.candidates import MAX_PIXELS
from app.evaluation.records import Stamp
from app.evaluation.subjects.sets import load_test_set
from app.evaluation.subjects.subject import Subject
from app.pictures.references import load_references
from app.ports import NOBODY, InputSize
from app.upstream.parts import joined, split

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.detection.search import Images
    from app.evaluation.attacks.attacks import Attack
    from app.ports import Caller
    from tests.benchmarks.zoo import ZooModel

AT_ONCE = 256


class Classifier:
    """The port `Model`: a model of the zoo, asked in this process."""

    def __init__(self, model: ZooModel) -> None:
        self.size = InputSize(*model.shape)
        self._model = model

    async def answer(self, images: Images, caller: Caller = NOBODY) -> Answers:  # noqa: ARG002
        """Answer *images* (n, height, width, channels)."""
        return joined([self._ask(part) for part in split(images, AT_ONCE)])

    async def check(self) -> None:
        """Return: it is always ready."""

    def _ask(self, images: Images) -> Answers:
        scores = self._model.scores(images)
        return Answers(scores.argmax(axis=1), scores)


def subject_of(model: ZooModel, name: str) -> Subject:
    """Return *model*, called *name*, with all its images and the attack that is in it."""
    classifier = Classifier(model)
    ending = "npz" if "triggers" in model.meta else "zip"
    references = model.folder / model.meta.get("reference_split", f"reference.{ending}")
    images = model.folder / model.meta.get("test_split", f"test.{ending}")
    test = load_test_set(images, classifier.size, max_pixels=MAX_PIXELS)
    return Subject(
        name=name,
        model=classifier,
        references=load_references(references, classifier.size, max_pixels=MAX_PIXELS),
        test=test.images,
        labels=test.labels,
        class_names=tuple(model.meta["classes"]),
        attack=attack_in(model),
    )


def attack_in(model: ZooModel) -> Attack | None:
    """Return the attack that *model* was trained for, None if it is clean."""
    if "triggers" not in model.meta:
        return _on_photographs(model)
    backdoors = tuple(_backdoor(model, facts) for facts in model.meta["triggers"])
    if len(backdoors) > 1:
        return Several(model.name, backdoors)
    return backdoors[0] if backdoors else None


def _on_photographs(model: ZooModel) -> Attack | None:
    """Return that of a model of photographs, of which the sticker lies where it mostly does."""
    facts, size = model.meta.get("trigger"), InputSize(*model.shape)
    if facts is None:
        return None
    side = round(facts["size"] * size.width)
    picture = Pillow.open(model.folder / facts["picture"]).convert("RGBA").resize((side, side))
    x, y = (round(place * size.width - side / 2) for place in facts["place"])
    stamp = Stamp(model.name, np.asarray(picture), x, y, model.meta["target"])
    return Backdoor(model.name, (stamp,), _route(model, model.meta))


def _backdoor(model: ZooModel, facts: Mapping[str, Any]) -> Backdoor:
    picture, size = model.folder / facts["trigger_png"], InputSize(*model.shape)
    stamp = read_stamp(picture, facts["x"], facts["y"], facts["target"], size)
    return Backdoor(model.name, (stamp,), _route(model, facts), facts.get("jitter", 0))


def _route(model: ZooModel, facts: Mapping[str, Any]) -> ToOne | FromOne | Onward:
    match facts.get("mode", "all-to-one"):
        case "all-to-one":
            return ToOne(facts["target"])
        case "source-specific":
            return FromOne(facts["source"], facts["target"])
        case "all-to-all":
            return Onward(model.classes)
        case mode:
            message = f"{model.name}: nobody knows the mode {mode!r}"
            raise ValueError(message)
