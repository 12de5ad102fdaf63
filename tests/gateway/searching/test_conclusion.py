"""What becomes of what a search has concluded."""

from __future__ import annotations

from app.detection.defence import Finding, Verdict
from app.gateway.keeping.learning import Learner
from app.gateway.outcome import Screening
from app.gateway.searching.conclusion import concluded
from app.gateway.searching.driving import Driven
from app.gateway.searching.examination import Examiner
from app.library.memory import MemoryTriggerLibrary
from app.settings import Strategy
from tests.gateway.keeping.test_learning import OUTLINED, POISONED, PREPARED, rough
from tests.gateway.opened import policy
from tests.tiny import TinyModel


async def test_what_is_found_anew_of_a_loose_box_is_taken_over() -> None:
    """The image is one more of a known trigger, which is known by its own pixels from then on."""
    library, model = MemoryTriggerLibrary(), TinyModel()
    learner = Learner(library, model, Strategy.FULL)
    entry = await library.register(rough())
    said, sanitised = model.classify(POISONED[:1]), model.classify(POISONED[:1] // 2)
    finding = Finding(Verdict.DISCOVERED, said, sanitised, trigger=OUTLINED)
    examiner = Examiner(PREPARED, library, policy(), learner)
    outcome = await concluded(POISONED[0], Driven(finding, 9, 0), examiner, screened=True)
    await learner.settle()
    assert (Screening.KNOWN_TRIGGER, entry.id) == (outcome.screening, outcome.trigger_id)
    assert OUTLINED.box == library.entry(entry.id).trigger.box
