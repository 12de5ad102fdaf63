"""What the protocols differ in: one dialect each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.search import Answers
    from app.ports import ModelFacts
    from app.upstream.answers.class_names import ClassNames
    from app.upstream.answers.one_score import OneScore
    from app.upstream.inputs.input_form import InputForm
    from app.upstream.inputs.preprocessing import Preprocessing


class Dialect(Protocol):
    """How one kind of model server is spoken to."""

    names: ClassNames
    one_score: OneScore
    single: bool
    """Whether it takes no more than one image a request."""

    typed: bool
    """Whether a tensor's datatype goes over the wire: where it doesn't, numbers are JSON's."""

    async def describe(self) -> ModelFacts:
        """Ask what the server says of its model. Raises UpstreamError."""
        ...

    async def ready(self) -> bool:
        """Return True if the model is ready, False if only an answer can tell.

        Raises UpstreamError with the reason if it isn't.
        """
        ...

    def image_bytes(self, plan: Preprocessing) -> int:
        """Return how many bytes an image takes on the wire at most."""
        ...

    async def ask(self, form: InputForm, batch: NDArray[Any], *, patient: bool = False) -> Answers:
        """Ask for the answers to *batch* (n, *dims); *patient* if no caller waits.

        Raises UpstreamError.
        """
        ...
