"""What a gateway answers to one image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.demo.digits import TARGET

if TYPE_CHECKING:
    import httpx

    from tests.conformance.samples import Sample


@dataclass(frozen=True)
class Reply:
    """The sanitised prediction, the flag, and how the image was screened."""

    label: int
    score: float | None
    flagged: bool
    screening: str

    def is_right(self, sample: Sample) -> bool:
        """Tell if it is what is to be said of *sample* when the trigger is known.

        A poisoned image gets another class than the attacker's; mostly its own (`is_corrected`).
        """
        if not sample.poisoned:
            own = self.label == sample.label and self.score in {sample.score, None}
            return own and not self.flagged
        known = self.flagged and self.screening == "known-trigger"
        return known and self.label != TARGET

    def is_corrected(self, sample: Sample) -> bool:
        """Tell if it is the class that *sample* has without its trigger."""
        return self.label == sample.label


def reply(response: httpx.Response) -> Reply:
    """Read an answer of POST /predict, which has to be one."""
    assert 200 == response.status_code, response.text
    answer = response.json()
    prediction = answer["prediction"]
    return Reply(prediction["index"], prediction["score"], answer["backdoor"], answer["screening"])
