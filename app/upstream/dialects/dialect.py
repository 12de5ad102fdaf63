"""What the protocols differ in: one dialect each."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from app.values import value_class

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from app.detection.search import Answers
    from app.ports import ModelFacts, Page
    from app.upstream.answers.class_names import ClassNames
    from app.upstream.answers.one_score import OneScore
    from app.upstream.inputs.input_form import InputForm
    from app.upstream.inputs.preprocessing import Preprocessing
    from app.wire.selection import Selection
    from app.wire.trace import Trace
    from app.wire.writing import Message


@value_class(frozen=True)
class Asking:
    """How a batch is asked: *patient* if no caller waits; by a caller's *selection*, if it has one.

    What a selection leads to says nothing of the model that the gateway stands for. ``behind``: the
    image is answered by now. ``trace`` is what the images are asked within, where that is one.
    """

    patient: bool = False
    selection: Selection | None = None
    behind: bool = False
    trace: Trace | None = None

    @property
    def ours(self) -> bool:
        """Whether a failure tells that the server isn't there for callers' images."""
        return self.selection is None and not self.behind


USUAL: Final = Asking()


class Dialect(Protocol):
    """How one kind of model server is spoken to."""

    names: ClassNames
    one_score: OneScore
    single: bool
    """Whether it takes no more than one image a request."""

    typed: bool
    """Whether a tensor's datatype goes over the wire: where it doesn't, numbers are JSON's."""

    async def describe(self, *, needed: bool) -> ModelFacts:
        """Ask what the server says of its model; where it isn't *needed* it may say nothing.

        Raises UpstreamError.
        """
        ...

    async def input_names(self) -> Collection[str]:
        """Return the input's names where the server tells them elsewhere. Raises UpstreamError."""
        ...

    async def ready(self) -> bool:
        """Return True if the model is ready, False if only an answer can tell.

        Raises UpstreamError with the reason if it isn't.
        """
        ...

    @property
    def pages(self) -> frozenset[Page]:
        """What the server tells besides, as far as it has said so."""
        ...

    async def page(self, page: Page, version: str | None = None) -> bytes | None:
        """Return what the server says in JSON, None where it doesn't. Raises UpstreamError."""
        ...

    async def versions(self, version: str | None, label: str | None) -> tuple[str, ...]:
        """Return the versions that can be asked: all that it tells, or a single one.

        Raises UpstreamError.
        """
        ...

    def image_bytes(self, plan: Preprocessing) -> int:
        """Return how many bytes an image takes on the wire at most."""
        ...

    def unknown(self, selection: Selection) -> Sequence[str]:
        """Return what of a *selection* the server has no place for, by its names."""
        ...

    async def ask(self, form: InputForm, batch: NDArray[Any], how: Asking = USUAL) -> Answers:
        """Ask for the answers to *batch* (n, *dims). Raises UpstreamError."""
        ...


def traced(message: Message, how: Asking) -> Message:
    """Return *message* with the trace that it is asked within."""
    if how.trace is None:
        return message
    return replace(message, headers={**message.headers, **how.trace.headers})


def apart(dialect: Dialect, how: Asking) -> tuple[ClassNames, OneScore]:
    """Return what answers are read with: the dialect's own, or copies for a caller's selection."""
    if how.selection is None:
        return dialect.names, dialect.one_score
    return copy(dialect.names), copy(dialect.one_score)
