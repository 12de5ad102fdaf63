"""What a wave teaches beside its results."""

from __future__ import annotations

from dataclasses import replace

from app.detection.defence import Verdict
from app.gateway.keeping.learning import Learner
from app.gateway.outcome import Prediction
from app.kept import library_of
from app.scan.arrangement import HereLearning
from app.scan.concluding import Concluder
from app.scan.looking.tasks import Examined, Knowledge
from app.settings import Strategy
from tests.gateway.keeping.test_learning import OUTLINED, POISONED, PREPARED, rough
from tests.tiny import TARGET, TinyModel, tiny_trigger


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


async def test_a_row_says_what_its_image_has_confirmed() -> None:
    """Each number by its own name; of what was recognised only where it lies."""
    library = library_of(())
    learner = Learner(library, TinyModel(), Strategy.FAST)
    concluder = Concluder(library, HereLearning(learner, PREPARED), Knowledge(), lambda _: None)
    trigger = tiny_trigger()
    evidence = replace(
        trigger.evidence, carried=21, transplants=24, placebo=0.0416666, heal_rate=0.875
    )
    found = replace(trigger, evidence=evidence)
    said, image = Prediction(TARGET, 0.9), POISONED[0]
    seen = Examined(Verdict.KNOWN, said, said, 7, searched=True, image=image, known="t-1")
    discovered = replace(seen, verdict=Verdict.DISCOVERED, known=None, trigger=found)
    looks = [
        ("first", replace(discovered, place=found.box)),
        ("next", replace(seen, place=found.box)),
        ("copies", seen),
    ]
    told = (await concluder.conclude(looks, {}, screened=True)).pictures
    place = {"x": 9, "y": 5, "width": 2, "height": 2}
    confirmed = {"carried": 21, "transplants": 24, "placebo_rate": 0.0417, "heal_rate": 0.875}
    assert [{"place": place, **confirmed}, {"place": place}, {}] == [
        told[name].result.evidence for name in ("first", "next", "copies")
    ]
