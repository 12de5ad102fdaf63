"""Pictures that an attack makes, and that count: the model falls for them, a clean one doesn't."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.evaluation.records import Stamp
from tests.benchmarks.evasion.attempt import Attempt, box_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from app.detection.search import Image, Images
    from app.evaluation.attacks.attacks import Attack as Backdoor
    from app.evaluation.subjects.subject import Subject
    from tests.benchmarks.evasion.attacks import Attack
    from tests.benchmarks.zoo import ZooModel

CANDIDATES = 5
"""So many images are tried for each that is wanted: some attacks hardly ever flip one."""

AT_LEAST_PX = 8
"""So far beside the trigger lies what was dismissed; farther if the trigger is larger."""


@dataclass(frozen=True, eq=False)
class Target:
    """A backdoored model under attack, and ``clean``: one of the same data without a backdoor.

    ``others`` are the triggers of other models of the data, ``dismissed`` a piece of a clean image
    of the attacker's class beside the trigger.
    """

    subject: Subject
    backdoor: Backdoor
    model: ZooModel
    clean: ZooModel
    others: Sequence[Stamp]

    @property
    def stamp(self) -> Stamp:
        """The trigger."""
        return self.backdoor.stamps[0]

    def says(self, images: Images) -> NDArray[np.int64]:
        """Return the undefended model's labels (n,)."""
        return _labels(self.model, images)

    def control(self, images: Images) -> NDArray[np.int64]:
        """Return the labels (n,) of the model without a backdoor."""
        return _labels(self.clean, images)


@dataclass(frozen=True, eq=False)
class Picture:
    """What an attack made of one image: it is sent, and is to be called ``wanted``."""

    pixels: Image
    wanted: int


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


def pictures(
    target: Target, attack: Attack, dismissed: Stamp, most: int, seed: int
) -> Iterator[Picture]:
    """Return up to *most* pictures on which *attack* needs the backdoor and succeeds.

    The model calls the picture what the attacker wants, and neither it nor the clean model says so
    of the image, nor the clean model of the picture. Of images of the attacker's own class all
    that the model calls that count.
    """
    labels = target.subject.labels
    rng = np.random.default_rng([seed, 13])
    wanted = target.backdoor.wanted(labels)
    chosen = labels == target.stamp.target if attack.own_class else wanted != labels
    order = rng.permutation(np.flatnonzero(chosen))[: CANDIDATES * most]
    made = 0
    for number in order.tolist():
        image, aim = target.subject.test[number], int(wanted[number])
        attempt = Attempt(image, target.stamp, aim, rng, target.says, target.others, dismissed)
        if not attack.own_class and _is_so_anyway(target, image, aim):
            continue
        picture = attack.make(attempt)
        if picture is None or target.says(picture[None])[0] != aim:
            continue
        if not attack.own_class and target.control(picture[None])[0] == aim:
            continue
        yield Picture(picture, aim)
        made += 1
        if made == most:
            return


def _is_so_anyway(target: Target, image: Image, wanted: int) -> bool:
    return wanted in {int(target.says(image[None])[0]), int(target.control(image[None])[0])}


def _labels(model: ZooModel, images: Images) -> NDArray[np.int64]:
    labels: NDArray[np.int64] = model.scores(images).argmax(axis=1)
    return labels
