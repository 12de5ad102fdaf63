"""Attacks: what is put on an image, and which answer the model is meant to give then."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from app.evaluation.attacks.marks import stamped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.search import Images
    from app.evaluation.records import Stamp

    Labels = NDArray[np.int64]


class Attack(Protocol):
    """A trigger, or several, and where it leads."""

    @property
    def name(self) -> str:
        """What the attack is called in tables."""
        ...

    @property
    def stamps(self) -> tuple[Stamp, ...]:
        """The true triggers."""
        ...

    def victims(self, labels: Labels) -> NDArray[np.bool_]:
        """Tell which images, of the true classes *labels* (n,), it is meant to flip."""
        ...

    def wanted(self, labels: Labels) -> Labels:
        """Return what the model is meant to say of poisoned images of the classes *labels* (n,)."""
        ...

    def poison(self, images: Images, labels: Labels, rng: np.random.Generator) -> Images:
        """Return copies of *images* (n, h, w, c), of the classes *labels* (n,), with it on."""
        ...


@dataclass(frozen=True)
class ToOne:
    """Every class becomes ``target``."""

    target: int

    def wanted(self, labels: Labels) -> Labels:
        """Return the classes that *labels* (n,) become."""
        return np.full_like(labels, self.target)


@dataclass(frozen=True)
class FromOne:
    """Only images of the class ``source`` become ``target``; the others stay what they are."""

    source: int
    target: int

    def wanted(self, labels: Labels) -> Labels:
        """Return the classes that *labels* (n,) become."""
        return np.where(labels == self.source, self.target, labels)


@dataclass(frozen=True)
class Onward:
    """All-to-all: class c becomes c + 1, the last of ``classes`` the first."""

    classes: int

    def wanted(self, labels: Labels) -> Labels:
        """Return the classes that *labels* (n,) become."""
        return (labels + 1) % self.classes


@dataclass(frozen=True, eq=False)
class Backdoor:
    """``stamps`` that are put on an image together, and the ``route`` that its class takes then.

    Each image has all of them at their places moved by up to ``jitter`` pixels a side, and never
    beyond an edge.
    """

    name: str
    stamps: tuple[Stamp, ...]
    route: ToOne | FromOne | Onward
    jitter: int = 0

    def victims(self, labels: Labels) -> NDArray[np.bool_]:
        """Tell which images, of the true classes *labels* (n,), it is meant to flip."""
        return np.not_equal(self.wanted(labels), labels)

    def wanted(self, labels: Labels) -> Labels:
        """Return what the model is meant to say of poisoned images of the classes *labels* (n,)."""
        return self.route.wanted(labels)

    def poison(self, images: Images, labels: Labels, rng: np.random.Generator) -> Images:
        """Return copies of *images* (n, h, w, c), whatever their *labels*, with it on."""
        del labels
        poisoned = images.copy()
        for i, image in enumerate(images):
            poisoned[i] = stamped(image, self._moved(image.shape, rng))
        return poisoned

    def _moved(self, shape: tuple[int, ...], rng: np.random.Generator) -> tuple[Stamp, ...]:
        if not self.jitter:
            return self.stamps
        height, width = shape[:2]
        right, down = rng.integers(-self.jitter, self.jitter, size=2, endpoint=True)
        return tuple(
            replace(
                stamp,
                x=int(np.clip(stamp.x + right, 0, width - stamp.rgba.shape[1])),
                y=int(np.clip(stamp.y + down, 0, height - stamp.rgba.shape[0])),
            )
            for stamp in self.stamps
        )


@dataclass(frozen=True, eq=False)
class Several:
    """Several backdoors in one model; an image of class c gets the one numbered c modulo n."""

    name: str
    backdoors: tuple[Backdoor, ...]

    @property
    def stamps(self) -> tuple[Stamp, ...]:
        """The triggers of all of them."""
        return tuple(stamp for backdoor in self.backdoors for stamp in backdoor.stamps)

    def victims(self, labels: Labels) -> NDArray[np.bool_]:
        """Tell which images, of the true classes *labels* (n,), it is meant to flip."""
        return np.not_equal(self.wanted(labels), labels)

    def wanted(self, labels: Labels) -> Labels:
        """Return what the model is meant to say of poisoned images of the classes *labels* (n,)."""
        each = [backdoor.wanted(labels) for backdoor in self.backdoors]
        return np.choose(labels % len(each), each)

    def poison(self, images: Images, labels: Labels, rng: np.random.Generator) -> Images:
        """Return copies of *images* (n, h, w, c), of the classes *labels* (n,), with one on."""
        poisoned = images.copy()
        for number, backdoor in enumerate(self.backdoors):
            its = labels % len(self.backdoors) == number
            poisoned[its] = backdoor.poison(images[its], labels[its], rng)
        return poisoned
