"""One image from start to finish."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.gateway.outcome import Outcome, Prediction, Screening

if TYPE_CHECKING:
    from app.detection.search import Answers, Image
    from app.gateway.examples import Examples
    from app.gateway.readiness import Readiness
    from app.ports import Entry, InputSize, Model, TriggerLibrary


class Gateway:
    """The defence in front of one model."""

    def __init__(self, model: Model, library: TriggerLibrary) -> None:
        self._model = model
        self.library = library

    @property
    def size(self) -> InputSize:
        """The size of the images that the model takes."""
        return self._model.size

    async def predict(self, image: Image) -> Outcome:
        """Screen *image* (of the model's input size) and return its sanitised prediction.

        Raises UpstreamError if the upstream doesn't answer for the image itself, UnscreenedError
        if the defence couldn't be finished and the failure policy is `closed`.
        """
        answers = await self._model.answer(image[None])
        prediction = _prediction(answers)
        return Outcome(prediction, prediction, Screening.OFF, None, 1)

    async def readiness(self) -> Readiness:
        """Ask each part whether it is there."""
        raise NotImplementedError

    async def examples(self, entry: Entry) -> Examples:
        """Stamp the trigger of *entry* on 8 references and ask the model. Raises UpstreamError."""
        raise NotImplementedError


def _prediction(answers: Answers) -> Prediction:
    index = int(answers.labels[0])
    return Prediction(index, None if answers.scores is None else float(answers.scores[0, index]))
