"""One score an image, of a classifier of two classes: a probability (sigmoid), or its logit.

It is class 1 above 0.5, or above 0 where it is a logit. Which of the two a model gives its numbers
tell: no probability is below 0 or above 1. Where all of these are whole, and none is below 0, they
are no scores: some servers write class indices with a point (XGBoost's, MLflow's). That is found
out on references before anything is concluded from answers, so that all workers take it alike, and
stays as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from app.detection.search import Answers
from app.ports import OtherModelError, UpstreamAnswerError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

SLACK: Final = 1e-3
"""So much beyond 0 and 1 is a probability's rounding."""

MOST: Final = 2**31
"""No model has so many classes."""

NOT_FINITE: Final = (
    "the upstream's scores are not all finite numbers (NaN, Infinity): make NEO_INPUT_SCALE,"
    " NEO_INPUT_MEAN and NEO_INPUT_STD the model's own, or name another output in NEO_OUTPUTS"
)


class OneScore:
    """What is known of how the model scores: ``alone`` if one score an image is all that it says.

    None before the first answer. ``logits``: they aren't probabilities. ``indices``: nor scores.
    """

    def __init__(self) -> None:
        self.alone: bool | None = None
        self.logits = self.indices = False
        self._settled = False

    def settle(self) -> None:
        """Take it from now on for what it is by now."""
        self._settled = True

    def forget(self) -> None:
        """Forget all of it: another model is there."""
        self.__init__()  # type: ignore[misc]  # a new beginning

    def hear(self, *, alone: bool) -> None:
        """Hear how an answer is scored. Raises OtherModelError if those before were otherwise."""
        if self.alone is not None and self.alone is not alone:
            message = (
                "the upstream gives one score an image, or several, and didn't before: another"
                " model is there, and the references must be calibrated for it first"
            )
            raise OtherModelError(message)
        self.alone = alone

    def answers(self, scores: NDArray[Any], outputs: Mapping[str, NDArray[Any]]) -> Answers:
        """Return the answers that *scores* (n,) are. Raises UpstreamAnswerError."""
        numbers = scores.astype(np.float64)
        if not np.isfinite(numbers).all():
            raise UpstreamAnswerError(NOT_FINITE)
        self.hear(alone=True)
        whole = bool(((numbers >= 0) & (numbers < MOST) & (numbers == np.round(numbers))).all())
        if self.indices and not whole:
            self._become(indices=False)
        elif not self.logits and ((numbers < -SLACK) | (numbers > 1 + SLACK)).any():
            self._become(indices=whole)
        if self.indices:
            return Answers(numbers.astype(np.int64), outputs=outputs)
        if self.logits:
            both = np.stack([np.zeros_like(numbers), numbers], axis=1)
            labels = numbers > 0
        else:
            likely = numbers.clip(0, 1)
            both = np.stack([1 - likely, likely], axis=1)
            labels = numbers > 0.5  # noqa: PLR2004  # more likely than not
        with np.errstate(over="ignore"):
            return Answers(labels.astype(np.int64), both.astype(np.float32), outputs=outputs)

    def _become(self, *, indices: bool) -> None:
        """Take the scores for logits, or for class indices."""
        if self.indices is indices is True:
            return
        if self._settled:
            message = (
                "the upstream's score is no probability, and those of the references were: another"
                " model is there, and the references must be calibrated for it first"
            )
            raise OtherModelError(message)
        self.indices, self.logits = indices, not indices
