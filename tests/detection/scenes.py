"""A model, its references and a defence: what a screen needs, at any size, calibrated once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from app.detection.defence import Defence, Finding
from app.detection.plan import Plan, make_plan
from app.detection.reference_set.calibration import calibrate
from app.detection.reference_set.references import Calibration, References
from app.detection.screening import screen
from app.detection.search import Probe, advance, refuse, run
from tests.tiny import (
    BACKDOOR,
    SIDE,
    Backdoor,
    Mark,
    TinyModel,
    all_stamped,
    clean_images,
    marked,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.detection.defence import Known
    from app.detection.search import Answers, Image, Images, Search

T = TypeVar("T")

SEED = 11
MARKED = 0.4
"""Share of the images that could show a mark that do."""


@dataclass(frozen=True)
class World:
    """What a scene is made of; hashable, so that each is calibrated only once."""

    shape: tuple[int, int] = (SIDE, SIDE)
    channels: int = 3
    classes: int = 4
    scored: bool = True
    backdoors: tuple[Backdoor, ...] = (BACKDOOR,)
    marks: tuple[Mark, ...] = ()
    references: int = 120
    trigger_max: float = 0.316


@dataclass(frozen=True, eq=False)
class Scene:
    """A calibrated model, with clean images that are not among its references."""

    predict: Callable[[Images], Answers]
    plan: Plan
    references: References
    clean: Images

    def defence(
        self,
        known: Sequence[Known] = (),
        dismissed: Sequence[Known] = (),
        *,
        search: bool = True,
    ) -> Defence:
        """Return the defence of this scene that knows these triggers."""
        return Defence(self.references, self.plan, known, dismissed, SEED if search else None)

    def search(self, image: Image, defence: Defence | None = None) -> Search[Finding]:
        """Return the screen of *image*, not started."""
        return screen(image, defence or self.defence())

    def screened(self, image: Image, defence: Defence | None = None) -> Finding:
        """Screen *image* to the end."""
        return run(self.search(image, defence), self.predict)

    def fast(self) -> Scene:
        """Return the scene without blocks: the strategy `fast`."""
        return replace(self, plan=replace(self.plan, blocks=False))

    def label(self, image: Image) -> int:
        """Return what the model says of *image*."""
        return int(self.predict(image[None]).labels[0])

    def of_class(self, label: int) -> Images:
        """Return the clean images of class *label*."""
        return np.stack([image for image in self.clean if self.label(image) == label])

    def poisoned(self, backdoor: Backdoor) -> tuple[Images, Images]:
        """Return the clean images that *backdoor* acts on, and the same with its trigger."""
        labels = self.predict(self.clean).labels
        acts = labels != backdoor.target
        if backdoor.source is not None:
            acts &= labels == backdoor.source
        return self.clean[acts], all_stamped(self.clean[acts], backdoor)

    def others(self, label: int) -> Images:
        """Return the clean images that are not of class *label*."""
        return np.stack([image for image in self.clean if self.label(image) != label])


def scene(world: World | None = None) -> Scene:
    """Return the scene of *world*, with no placebo rate known yet."""
    world = world or World()
    references = References(_pictures(world, world.references), _calibration(world), {}, SEED)
    return Scene(_model(world).classify, _plan(world), references, _pictures(world, 40))


def unranked(world: World) -> Scene:
    """Return the scene of *world* with references that are labelled and not ranked: quickly."""
    images, predict = _pictures(world, world.references), _model(world).classify
    calibration = Calibration(predict(images).labels, np.zeros((0, 0), np.int64))
    references = References(images, calibration, {}, SEED)
    return Scene(predict, _plan(world), references, _pictures(world, 40))


def scene_of(predict: Callable[[Images], Answers], references: Images, clean: Images) -> Scene:
    """Return the scene of a model of a test's own."""
    height, width, channels = references.shape[1:]
    plan = make_plan(height, width, channels, World.trigger_max)
    calibration = run(calibrate(references, plan, SEED), predict)
    return Scene(predict, plan, References(references, calibration, {}, SEED), clean)


def watched(search: Search[T], predict: Callable[[Images], Answers]) -> tuple[T, list[Probe]]:
    """Run *search* to its end; return its result and all its probes."""
    probes = []
    step = advance(search)
    while isinstance(step, Probe):
        probes.append(step)
        step = advance(search, step, predict(step.images))
    return step.result, probes


def told(
    search: Search[T], predict: Callable[[Images], Answers], tell: Callable[[Images], Answers]
) -> tuple[T, int]:
    """Run *search* with a model that *tell*s what a test wants; return its result and rounds.

    What is asked once for all images, of nature, is answered by the real one, and not counted.
    """
    rounds = 0
    step = advance(search)
    while isinstance(step, Probe):
        rounds += bool(step.own)
        own, for_all = step.images[: step.own], step.images[step.own :]
        answers = tell(own) if step.own else predict(for_all)
        if step.own and step.for_all:
            answers = answers.beside(predict(for_all).labels)
        step = advance(search, step, answers)
    return step.result, rounds


def refused(search: Search[T], predict: Callable[[Images], Answers], after: int) -> T:
    """Refuse *search* once it has been answered *after* probes, and return its conclusion."""
    step = advance(search)
    for _ in range(after):
        assert isinstance(step, Probe)
        step = advance(search, step, predict(step.images))
    assert isinstance(step, Probe)
    return refuse(search)


def own(probes: Sequence[Probe]) -> int:
    """Count the images that were asked for one image alone."""
    return sum(probe.own for probe in probes)


@cache
def _calibration(world: World) -> Calibration:
    search = calibrate(_pictures(world, world.references), _plan(world), SEED)
    return run(search, _model(world).classify)


def _plan(world: World) -> Plan:
    return make_plan(*world.shape, world.channels, world.trigger_max)


def _model(world: World) -> TinyModel:
    return TinyModel(
        world.channels,
        scored=world.scored,
        shape=world.shape,
        classes=world.classes,
        backdoors=world.backdoors,
        marks=world.marks,
    )


@cache
def _pictures(world: World, count: int) -> Images:
    rng = np.random.default_rng(count)
    images = clean_images(count, rng, world.channels, shape=world.shape, classes=world.classes)
    for mark in world.marks:
        shown = rng.random(count) < MARKED
        if mark.source is not None:
            shown &= _model(world).classify(images).labels == mark.source
        images[shown] = marked(images[shown], mark)
    return images
