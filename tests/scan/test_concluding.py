"""What a wave teaches beside its results."""

from __future__ import annotations

from app.detection.defence import Verdict
from app.gateway.keeping.learning import Learner
from app.gateway.outcome import Prediction
from app.kept import library_of
from app.scan.arrangement import HereLearning
from app.scan.concluding import Concluder
from app.scan.looking.tasks import Examined, Knowledge
from app.settings import Strategy
from tests.gateway.keeping.test_learning import OUTLINED, POISONED, PREPARED, rough
from tests.tiny import TARGET, TinyModel


async def test_what_a_search_finds_anew_shows_where_a_trigger_ends() -> None:
    """As behind a gateway: a box that is mostly background is in few of the images to come."""
    library = library_of(())
    learner = Learner(library, TinyModel(), Strategy.FAST)
    known = Knowledge()
    concluder = Concluder(library, HereLearning(learner, PREPARED), known, lambda _: None)
    said = Prediction(TARGET, 0.9)
    for number, trigger in enumerate((rough(), OUTLINED)):
        look = Examined(
            Verdict.DISCOVERED,
            said,
            said,
            inferences=9,
            searched=True,
            image=POISONED[number],
            trigger=trigger,
            place=trigger.box,
        )
        await concluder.conclude([(f"content {number}", look)], {}, screened=True)
    (entry,) = library.entries()
    assert OUTLINED.box == entry.trigger.box
    assert entry.trigger.outline is not None
    assert 2 == concluder.knowledge.version
