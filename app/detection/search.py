"""A search asks, a driver fetches: the protocol between the detection core and the outside.

A search is a generator. It yields a `Probe` (images that it wants answered), is sent the `Answers`
and returns its finding. It never waits, retries, logs or looks at a clock, so the same code runs
under the gateway, the scanner, the evaluation and the tests. The shape is httpx's ``auth_flow``.

Errors::

    Refused            thrown into a search at a yield: the driver asks no more, conclude now
    AnswerLengthError  the driver sent another number of answers than images were asked
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

import numpy as np

from app.detection.origins import FOREIGN
from app.values import value_class

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.geometry import Box
    from app.detection.origins import Origin

T = TypeVar("T")

Image: TypeAlias = "NDArray[np.uint8]"
"""One picture: (height, width, channels) with 1 or 3 channels, 0 to 255."""

Images: TypeAlias = "NDArray[np.uint8]"
"""A batch of pictures of one size: (n, height, width, channels)."""


@value_class(frozen=True, eq=False)
class Answers:
    """What the classifier said of n images, in their order.

    ``labels`` is (n,) int64. ``scores`` is (n, classes) float32, or None from a classifier that
    doesn't give them all; ``best`` is then (n,) float32, the score of each label, if it gives that.
    ``outputs`` is all that it said, by name, each (n, ...): passed on as it came, never looked at.
    Of images that were asked for all beside one there are the labels alone, which come last.
    """

    labels: NDArray[np.int64]
    scores: NDArray[np.float32] | None = None
    best: NDArray[np.float32] | None = None
    outputs: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, part: slice) -> Answers:
        if part.start == 0 and part.stop == len(self.labels):
            return self  # an image that is asked about alone has all there is
        return Answers(
            self.labels[part],
            None if self.scores is None else self.scores[part],
            None if self.best is None else self.best[part],
            {name: values[part] for name, values in self.outputs.items()},
        )

    def beside(self, for_all: NDArray[np.int64]) -> Answers:
        """Return them and after them the labels of images that were asked *for_all*: no more."""
        return replace(self, labels=np.concatenate([self.labels, for_all]))


class Purpose(enum.StrEnum):
    """What a probe is for: what the cost of a search is told apart by (NEO, Table VII)."""

    SEARCH = "search"
    """The image itself, and whether there is anything suspicious in it."""
    RECOGNISE = "recognise"
    """Whether it carries a trigger that is known."""
    CONFIRM = "confirm"
    """Whether what is suspicious is a trigger, or nature (NEO: false-positive handling)."""
    BLOCK = "block"
    """Where the trigger lies, and what hides it best."""


@value_class(frozen=True, eq=False)
class Probe:
    """Images (n, height, width, channels), n >= 1, that a search wants answered, in this order.

    ``for_all``: so many of them, the last ones, are asked for every later image (placebo rates): so
    they are not charged to the image in hand, and nothing of it is in them. ``origins`` tells of
    each of the others which of its pixels are those of the image in hand; empty, none is.
    """

    images: Images
    for_all: int = 0
    purpose: Purpose = Purpose.SEARCH
    origins: Sequence[Origin] = ()

    def __post_init__(self) -> None:
        """Raise ValueError if the origins are not one for each image of its own."""
        if self.origins and len(self.origins) != self.own:
            message = f"{len(self.origins)} origins of {self.own} images"
            raise ValueError(message)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def own(self) -> int:
        """How many are asked for the image in hand."""
        return len(self.images) - self.for_all

    @property
    def parts(self) -> tuple[Probe, ...]:
        """What is asked at the same time, but apart: for the image in hand, and for all."""
        if not self.for_all or not self.own:
            return (self,)
        shared = Probe(self.images[self.own :], self.for_all, self.purpose)
        return (replace(self, images=self.images[: self.own], for_all=0), shared)


def probe_for_all(images: Images, purpose: Purpose = Purpose.SEARCH) -> Probe:
    """Return a probe of *images* whose answers are kept as knowledge for every image."""
    return Probe(images, len(images), purpose)


@value_class(frozen=True, eq=False)
class Done(Generic[T]):
    """A search has ended, with this result."""

    result: T


class Refused(Exception):  # noqa: N818  # it is no fault: the driver says that it asks no more
    """The driver has no time or no budget left; the search concludes from what it knows."""


class AnswerLengthError(ValueError):
    """The answers are not one for each image of the probe."""


Search: TypeAlias = Generator[Probe, Answers, T]


def advance(
    search: Search[T], probe: Probe | None = None, answers: Answers | None = None
) -> Probe | Done[T]:
    """Send *answers* to *probe* into *search* and return its next probe or its end.

    Called with the search alone it starts it. StopIteration becomes data here and nowhere else.
    """
    # Not len() of either: each of them is a call, and every image passes here four times.
    if probe is not None and (answers is None or len(answers.labels) != len(probe.images)):
        got = 0 if answers is None else len(answers)
        message = f"{got} answers to {len(probe)} images"
        raise AnswerLengthError(message)
    try:
        return search.send(answers)  # type: ignore[arg-type]  # None starts a generator
    except StopIteration as end:
        return Done(end.value)


def refuse(search: Search[T]) -> T:
    """Tell a started *search* that nothing more will be asked, and return what it concludes."""
    try:
        search.throw(Refused())
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    message = "a refused search asked again"
    raise RuntimeError(message)


def run(search: Search[T], predict: Callable[[Images], Answers]) -> T:
    """Drive *search* to its end with a plain function as the classifier."""
    step = advance(search)
    while isinstance(step, Probe):
        step = advance(search, step, predict(step.images))
    return step.result


def hiding(boxes: Sequence[Box], search: Search[T]) -> Search[T]:
    """Run *search*, which is of the image in hand with something put over *boxes*."""
    step = advance(search)
    while isinstance(step, Probe):
        origins = [one.without(boxes) for one in step.origins]
        try:
            answers = yield replace(step, origins=origins)
        except Refused:
            return refuse(search)
        step = advance(search, step, answers)
    return step.result


def together(searches: Sequence[Search[Any]]) -> Search[list[Any]]:
    """Run several searches as one: one probe a round for all, results in their order.

    A refusal is passed on to each search that has not ended. Of what is asked for all each hears
    the labels.
    """
    steps: list[Probe | Done[Any]] = [advance(search) for search in searches]
    while waiting := [(i, step) for i, step in enumerate(steps) if isinstance(step, Probe)]:
        asked = [probe for _, probe in waiting]
        try:
            answers = yield _as_one(asked)
        except Refused:
            for i, _ in waiting:
                steps[i] = Done(refuse(searches[i]))
            break
        for (i, probe), told in zip(waiting, _told_apart(answers, asked), strict=True):
            steps[i] = advance(searches[i], probe, told)
    return [step.result for step in steps if isinstance(step, Done)]


def _as_one(probes: Sequence[Probe]) -> Probe:
    """Return one probe of all: first what each asks for the image in hand, then what for all."""
    own = [probe.images[: probe.own] for probe in probes]
    for_all = [probe.images[probe.own :] for probe in probes]
    return Probe(
        np.concatenate([*own, *for_all]),
        for_all=sum(probe.for_all for probe in probes),
        purpose=next((one.purpose for one in probes if one.own), probes[0].purpose),
        origins=[one for probe in probes for one in probe.origins or [FOREIGN] * probe.own],
    )


def _told_apart(answers: Answers, probes: Sequence[Probe]) -> Iterator[Answers]:
    """Yield the answers to each of *probes*, which were asked as one."""
    own, for_all = 0, sum(probe.own for probe in probes)
    for probe in probes:
        told, ends = answers[own : own + probe.own], for_all + probe.for_all
        yield told.beside(answers.labels[for_all:ends]) if probe.for_all else told
        own, for_all = own + probe.own, for_all + probe.for_all
