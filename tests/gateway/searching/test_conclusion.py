"""What becomes of what a search has concluded."""

from __future__ import annotations

from app.detection.defence import Finding, Known, Verdict
from app.detection.geometry import Box
from app.detection.suspect import suspect_in
from app.gateway.keeping.learning import Learner
from app.gateway.keeping.recording import Recorder
from app.gateway.keeping.suspecting import Watch
from app.gateway.outcome import Screening
from app.gateway.searching.conclusion import concluded
from app.gateway.searching.driving import Driven
from app.gateway.searching.examination import Examiner
from app.gateway.visit import Visit
from app.incidents import Incidents
from app.library.memory import MemoryTriggerLibrary
from app.ports import Arrival
from app.settings import Strategy
from app.suspects import Suspects
from tests.gateway.keeping.test_learning import OUTLINED, POISONED, PREPARED, rough
from tests.gateway.opened import policy
from tests.tiny import TARGET, TinyModel


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


async def test_an_image_with_a_trigger_may_be_a_suspect_too() -> None:
    """Of another one, in all of it: it is kept, and what proves it is no second incident."""
    library, model, suspects = MemoryTriggerLibrary(), TinyModel(), Suspects()
    incidents = Incidents()
    watch = Watch(suspects, None, Recorder(library, incidents))
    entry = await library.register(rough())
    known, learner = Known(entry.id, entry.trigger), Learner(library, model, Strategy.FULL)
    for verdict, image in ((Verdict.KNOWN, POISONED[0]), (Verdict.CLEAR, POISONED[1])):
        height, width, _ = image.shape
        suspect = suspect_in(image, TARGET, Box(0, 0, width, height), source=None)
        its, place = model.classify(image[None]), entry.trigger.box
        finding = Finding(verdict, its, its, known=known, place=place, suspects=(suspect,))
        lookout = watch.of(Visit(Arrival(image)), "")
        examiner = Examiner(PREPARED, library, policy(), learner, lookout=lookout)
        await concluded(image, Driven(finding, 9, 0), examiner, screened=True)
    noted, said = suspects.entries(), model.classify(POISONED[:1])
    assert {True, False} == {one.source.flagged for one in noted}
    found = Finding(Verdict.DISCOVERED, said, said, proven_by=tuple(one.id for one in noted))
    watch.proven(found, entry.id, alone=False)
    (listed,) = incidents.waiting(9)
    assert [listed.sha256] == [one.source.sha256 for one in noted if not one.source.flagged]
