"""The classifier behind HTTP: what it takes, what it says, and for whom it is asked."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from app.values import value_class

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from app.detection.origins import Origin
    from app.detection.search import Answers, Image, Images
    from app.wire.selection import Selection
    from app.wire.tensors import TensorSpec
    from app.wire.trace import Trace


@dataclass(frozen=True)
class InputSize:
    """The size of the images that the model takes; ``channels`` is 1 or 3."""

    height: int
    width: int
    channels: int


@value_class(frozen=True, eq=False)
class Arrival:
    """An image as a caller has sent it: what it shows, and its own numbers if it was a tensor.

    ``image`` (height, width, channels) are pixels. ``spec`` describes the caller's tensor, None for
    a picture. ``row`` is this image's part of it, None where the pixels say it exactly. ``refused``
    says why its request is one to be refused, None where it isn't: `image` is no more than near it.
    """

    image: Image
    spec: TensorSpec | None = None
    row: NDArray[Any] | None = None
    refused: str | None = None


@value_class(frozen=True, eq=False)
class Caller:
    """The request that images are sent upstream for.

    ``spent`` is how many were sent for it before: the request with the fewest goes first.
    ``arrival`` is its own image, if that came as a tensor: the pixels that are its own, as
    ``origins`` has them of each image, go upstream as they came. ``selection`` is what else it
    says. What is asked for everybody has neither. ``behind``: its image is answered by now, and
    what is asked yet must not be in the way of those that aren't. ``trace`` goes with requests that
    have its images alone.
    """

    spent: int = 0
    arrival: Arrival | None = None
    origins: Sequence[Origin] = ()
    selection: Selection | None = None
    behind: bool = False
    trace: Trace | None = None

    @property
    def long(self) -> bool:
        """Whether it has sent more than 19 of 20 clean images need."""
        return self.spent >= LONG

    @property
    def yields(self) -> bool:
        """Whether slots are kept from it for others."""
        return self.behind or self.spent >= LONG

    @property
    def background(self) -> bool:
        """Whether no client waits for the answer, so that it may take longer."""
        return self.spent >= BACKGROUND.spent


LONG: Final = 64
"""Images sent for one request, from which on shorter ones go first."""

NOBODY: Final = Caller()
"""A request that nothing is known of."""

BACKGROUND: Final = Caller(spent=1_000_000)
"""Work of the gateway itself, such as calibrating: every client's request goes first."""


@dataclass(frozen=True)
class ModelFacts:
    """What the model server says of its model, for clients that ask the gateway instead.

    ``inputs`` and ``outputs`` are empty where it says nothing, and ``most_images``, which it takes
    in one request, is None.
    """

    name: str
    platform: str = ""
    versions: tuple[str, ...] = ()
    inputs: tuple[TensorSpec, ...] = ()
    outputs: tuple[TensorSpec, ...] = ()
    most_images: int | None = None


class Page(enum.Enum):
    """What a server may tell of its model besides: Triton's extensions of the protocol.

    The value is the name that it announces the extension by.
    """

    CONFIGURATION = "model_configuration"
    STATISTICS = "statistics"
    REPOSITORY = "model_repository"
    """The models that it has; of several the gateway's own counts."""


class Model(Protocol):
    """The classifier behind HTTP."""

    @property
    def size(self) -> InputSize:
        """The size of the images that it takes. Raises UpstreamError while nobody has said it."""
        ...

    async def answer(self, images: Images, caller: Caller = NOBODY) -> Answers:
        """Answer *images* (n, height, width, channels), one answer each, in their order.

        Raises UpstreamError: then no answer of this call is known; ArrivalError if the server
        refuses the form of the caller's own tensor.
        """
        ...

    async def check(self) -> None:
        """Return if the model is ready to answer. Raises UpstreamError with the reason if not."""
        ...


class Description(enum.Enum):
    """What a server says of its model, beside what it said before."""

    SAME = enum.auto()
    OTHER_WORDS = enum.auto()
    """Another version, say."""
    OTHER_INPUT = enum.auto()
    """It takes other tensors, so it is another model."""


class ServedModel(Model, Protocol):
    """A model behind a server: it takes its callers' own tensors, describes itself, may change.

    ``is_strange``: its last answer had other classes than those before. ``note`` says what the
    server takes less than usual, None where there is nothing to say.
    """

    is_strange: bool

    @property
    def note(self) -> str | None:
        """What whoever runs it should know; no I/O."""
        ...

    async def sound_out(self, images: Images) -> None:
        """Find out on *images*, before they are calibrated, how the server scores.

        Raises UpstreamError.
        """
        ...

    async def introduce(self, images: Images, labels: NDArray[np.int64]) -> None:
        """Learn from *images* of these *labels* what else the server says of its classes.

        Raises UpstreamError.
        """
        ...

    async def redescribed(self) -> Description:
        """Ask the server again how it describes the model. Raises UpstreamError."""
        ...

    def forget(self) -> None:
        """Forget what the server has said of the model: another one is there."""
        ...

    async def arrivals(
        self, spec: TensorSpec, values: NDArray[Any], *, tolerant: bool = False
    ) -> tuple[Arrival, ...]:
        """Return the images that a caller's tensor *values*, described by *spec*, holds.

        Raises ArrivalError if the model doesn't take it, UpstreamError if it can't be known yet.
        Where *tolerant*, numbers that no pixel gives are no error: the images are `refused`.
        """
        ...

    async def facts(self) -> ModelFacts:
        """Return what the server says of the model. Raises UpstreamError."""
        ...

    async def described(self) -> ModelFacts:
        """Return the same, completed by the settings and by what its answers were.

        Raises UpstreamError.
        """
        ...

    @property
    def pages(self) -> frozenset[Page]:
        """What the server tells besides, as far as it has said so; no I/O."""
        ...

    async def page(self, page: Page, version: str | None = None) -> bytes | None:
        """Return what the server says in JSON, None where it doesn't. Raises UpstreamError."""
        ...

    async def versions(
        self, version: str | None = None, label: str | None = None
    ) -> tuple[str, ...]:
        """Return the versions that can be asked: all, as far as they are told, or a single one.

        Raises UpstreamError.
        """
        ...

    async def input_names(self) -> Collection[str]:
        """Return the names that a caller may give the input; none if nobody tells them.

        Raises UpstreamError.
        """
        ...

    def class_name(self, index: int) -> str | None:
        """Return the server's own name of a class, None if it has none; no I/O."""
        ...
