"""Pictures that an attack makes, and that count: the model falls for them, a clean one doesn't."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import count, islice
from typing import TYPE_CHECKING, Any

import numpy as np

from app.evaluation.records import Stamp
from tests.benchmarks.detection.subject import attack_in, subject_of
from tests.benchmarks.evasion.attempt import Attempt, box_of
from tests.benchmarks.zoo import ZooModel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from app.detection.search import Images
    from app.evaluation.attacks.attacks import Attack as Backdoor
    from app.evaluation.subjects.subject import Subject
    from tests.benchmarks.evasion.attacks import Attack

    Says = Callable[[Images], NDArray[np.int64]]

CANDIDATES = 5
"""So many images are tried for each that is wanted: some attacks hardly ever flip one."""

AT_LEAST_PX = 8
"""So far beside the trigger lies what was dismissed; farther if the trigger is larger."""


@dataclass(frozen=True, eq=False)
class Target:
    """A backdoored model under attack.

    ``says`` returns its labels (n,) of images, ``control`` those of a model of the same data
    without a backdoor. ``others`` are the triggers of other models of the data. ``zoo`` is the
    model where it is one of the zoo, so that it can be served.
    """

    subject: Subject
    backdoor: Backdoor
    says: Says
    control: Says
    others: Sequence[Stamp] = ()
    zoo: ZooModel | None = None

    @property
    def stamp(self) -> Stamp:
        """The trigger."""
        return self.backdoor.stamps[0]

    def needs_backdoor(self, picture: NDArray[Any], wanted: int) -> bool:
        """Tell if a model without a backdoor doesn't call *picture* (h, w, c) what is *wanted*."""
        return bool(self.control(picture[None])[0] != wanted)


@dataclass(frozen=True, eq=False)
class Picture:
    """What an attack made of one image (h, w, c): it is sent, and is to be called ``wanted``."""

    pixels: NDArray[Any]
    wanted: int


def read_target(name: str, folder: Path, zoo: Path) -> Target | None:
    """Return the model *name* in *folder*; None if it hasn't one backdoor. *zoo* has clean ones."""
    model = ZooModel(folder, name.split("/")[1])
    backdoor = attack_in(model)
    if backdoor is None or len(backdoor.stamps) != 1:
        return None
    same = [ZooModel(zoo / folder.name, one) for one in _names(zoo / folder.name)]
    attacks = [attack_in(one) for one in same if one.name != model.name]
    others = [attack.stamps[0] for attack in attacks if attack is not None]
    clean = next(one for one in same if attack_in(one) is None)
    says, control = partial(_labels, model), partial(_labels, clean)
    return Target(subject_of(model, name), backdoor, says, control, others, model)


def dismissed_patch(target: Target, seed: int) -> Stamp:
    """Return what a false alarm may have been about: a piece of a clean image beside the trigger.

    It is of an image of the attacker's class, as large as the trigger, to the side where there is
    more room.
    """
    subject, stamp, box = target.subject, target.stamp, box_of(target.stamp)
    width = subject.test.shape[2]
    by = max(AT_LEAST_PX, box.width)
    x = box.x + by if box.centre[0] < width // 2 else box.x - by
    wanted = 0 if stamp.target is None else stamp.target
    its = np.flatnonzero(subject.labels == wanted)
    image = subject.test[its[seed % len(its)]]
    rgba = np.full((*stamp.rgba.shape[:2], 4), 255, np.uint8)
    x = int(np.clip(x, 0, width - box.width))
    rgba[..., :3] = image[box.rows, x : x + box.width]
    return Stamp("dismissed", rgba, x, stamp.y, stamp.target)


def squares(target: Target, seed: int) -> Iterator[Stamp]:
    """Yield other triggers of its class without end: squares of noise, as large, anywhere."""
    rng = np.random.default_rng([seed, 14])
    tall, wide = target.stamp.rgba.shape[:2]
    height, width, channels = target.subject.test.shape[1:]
    for number in count():
        rgba = np.full((tall, wide, 4), 255, np.uint8)
        rgba[..., :3] = rng.choice([0, 255], (tall, wide, channels))
        x, y = int(rng.integers(width - wide + 1)), int(rng.integers(height - tall + 1))
        yield Stamp(f"square {number}", rgba, x, y, target.stamp.target)


def attempts(
    target: Target, dismissed: Stamp, seed: int, *, own_class: bool = False
) -> Iterator[Attempt]:
    """Return test images in a random order that the attacker may want to be called otherwise.

    Neither the model nor the clean one says of them what is wanted; where that is their own class
    both do.
    """
    labels = target.subject.labels
    rng = np.random.default_rng([seed, 13])
    wanted = target.backdoor.wanted(labels)
    chosen = labels == target.stamp.target if own_class else wanted != labels
    for number in rng.permutation(np.flatnonzero(chosen)).tolist():
        image, aim = target.subject.test[number], int(wanted[number])
        said = (target.says(image[None])[0] == aim, target.control(image[None])[0] == aim)
        if said == (own_class, own_class):
            yield Attempt(image, target.stamp, aim, rng, target.says, target.others, dismissed)


def pictures(
    target: Target, attack: Attack, dismissed: Stamp, most: int, seed: int
) -> Iterator[Picture]:
    """Return up to *most* pictures on which *attack* needs the backdoor and succeeds.

    The model calls them what the attacker wants; the clean model doesn't, but where that is the
    image's own class.
    """
    its = attempts(target, dismissed, seed, own_class=attack.own_class)
    made = (
        Picture(picture, attempt.wanted)
        for attempt in islice(its, CANDIDATES * most)
        if (picture := attack.make(attempt)) is not None
        and target.says(picture[None])[0] == attempt.wanted
        and (attack.own_class or target.needs_backdoor(picture, attempt.wanted))
    )
    yield from islice(made, most)


def _names(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("*.meta.json")):
        yield path.name.removesuffix(".meta.json")


def _labels(model: ZooModel, images: Images) -> NDArray[np.int64]:
    labels: NDArray[np.int64] = model.scores(images).argmax(axis=1)
    return labels
