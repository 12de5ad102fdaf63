"""The dialect of servers that take one picture file a request, and no batches.

Hugging Face's image-classification, SageMaker, TorchServe, BentoML, and whatever was built at home.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from app.ports import ModelFacts
from app.upstream.answers.one_score import OneScore
from app.upstream.answers.rankings import parse_ranking
from app.upstream.dialects.dialect import USUAL, traced
from app.upstream.inputs.preprocessing import file_bytes
from app.wire.selection import beside_content_type
from app.wire.writing import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.detection.search import Answers
    from app.ports import Page
    from app.upstream.answers.class_names import ClassNames
    from app.upstream.answers.rankings import Template
    from app.upstream.dialects.dialect import Asking
    from app.upstream.http.session import Session
    from app.upstream.inputs.input_form import InputForm
    from app.upstream.inputs.preprocessing import Preprocessing
    from app.wire.selection import Selection

HEADERS: Final = {"Content-Type": "image/png", "Accept": "application/json"}


class ImageFiles:
    """The dialect of the model at the session's own address; *template* finds its answer.

    Pictures go as PNG, which keeps every pixel.
    """

    def __init__(
        self, session: Session, model: str, names: ClassNames, template: Template | None = None
    ) -> None:
        self.names = names
        self.one_score = OneScore()
        self.typed = False
        self.single = True
        self._session = session
        self._model = model
        self._template = template

    async def describe(self, *, needed: bool) -> ModelFacts:  # noqa: ARG002
        """Return the model's name: nothing else is known."""
        return ModelFacts(self._model)

    async def input_names(self) -> tuple[str, ...]:
        """Return none."""
        return ()

    async def ready(self) -> bool:
        """Return False: only an answer can tell."""
        return False

    @property
    def pages(self) -> frozenset[Page]:
        """Nothing: the protocol hasn't these."""
        return frozenset()

    async def page(self, page: Page, version: str | None = None) -> bytes | None:  # noqa: ARG002
        """Return None."""
        return None

    async def versions(self, version: str | None, label: str | None) -> tuple[str, ...]:  # noqa: ARG002
        """Return none."""
        return ()

    def image_bytes(self, plan: Preprocessing) -> int:
        """Return how many bytes a picture file takes at most."""
        return file_bytes(plan.form.size)

    def unknown(self, selection: Selection) -> Sequence[str]:
        """Return all of it: a picture file has no place for more."""
        return replace(selection, of_input=beside_content_type(selection)).names

    async def ask(
        self,
        form: InputForm,  # noqa: ARG002  # always files
        batch: NDArray[Any],
        how: Asking = USUAL,
    ) -> Answers:
        """Ask for the answer to the one picture in *batch*. Raises UpstreamError."""
        (file,) = batch.reshape(-1)
        message = traced(Message(HEADERS, (file,)), how)
        reply = await self._session.post("", message, patient=how.patient, ours=how.ours)
        return parse_ranking(reply.body, self.names, self._template, self.one_score)
