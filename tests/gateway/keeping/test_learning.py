"""What is learnt of a trigger from its hits, and that an entry never gets worse."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.geometry import Box
from app.detection.plan import make_plan
from app.detection.reference_set.references import Calibration, References
from app.gateway.keeping.learning import REFINED_AT, Learner
from app.gateway.preparation.prepared import Prepared
from app.library.memory import MemoryTriggerLibrary
from app.ports import NOBODY, UpstreamError
from app.settings import Strategy
from tests.detection.blended.worlds import blended_trigger
from tests.detection.stickers import as_jpeg, photograph, sticker, sticker_trigger, stuck
from tests.gateway.opened import REFERENCES, innocents
from tests.tiny import SIDE, TARGET, TRIGGER_BOX, TinyModel, stamped, tiny_trigger

if TYPE_CHECKING:
    from app.detection.search import Answers, Image, Images
    from app.detection.trigger import Trigger
    from app.ports import Caller, Entry

POISONED = stamped(innocents(10))
PREPARED = Prepared(
    References(
        REFERENCES,
        Calibration(TinyModel().classify(REFERENCES).labels, np.zeros((0, 0), np.int64)),
        placebo_rates={},
        seed=7,
    ),
    make_plan(SIDE, SIDE, 3, 0.316),
    key="tiny",
)


class SlowModel(TinyModel):
    """Answers once it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = asyncio.Event()
        self.is_asked = asyncio.Event()

    async def answer(self, images: Images, caller: Caller = NOBODY) -> Answers:
        """Wait, then answer."""
        self.is_asked.set()
        await self.go_on.wait()
        return await super().answer(images, caller)


def _learner(
    library: MemoryTriggerLibrary,
    model: TinyModel | None = None,
    strategy: Strategy = Strategy.FAST,
) -> Learner:
    return Learner(library, model or TinyModel(), strategy)


async def _after(
    images: Images, trigger: Trigger, model: TinyModel | None = None, place: Box | None = None
) -> Entry:
    """Return the entry of *trigger* after hits of *images*, and all that they taught."""
    library = MemoryTriggerLibrary()
    entry = await library.register(trigger)
    learner = _learner(library, model)
    for image in images:
        await learner.hit(entry.id, image, place or trigger.box, PREPARED)
    await learner.settle()
    return library.entry(entry.id)


def rough() -> Trigger:
    """Return the trigger as a search found it: a box with some background, no mask yet."""
    box = Box(8, 4, 4, 4)
    patch = POISONED[0][box.rows, box.columns].copy()
    return replace(tiny_trigger(), box=box, patch=patch)


async def test_a_trigger_that_was_given_up_is_no_error() -> None:
    """A hit of a trigger that a full library has given up meanwhile is let go."""
    library = MemoryTriggerLibrary()
    await _learner(library).hit("t-gone", POISONED[0], None, PREPARED)
    assert () == library.entries()


async def test_three_hits_make_a_trigger_exact() -> None:
    """Before three hits its box is as it was found, then it is the trigger's own."""
    assert (await _after(POISONED[:2], rough())).trigger.mask is None
    entry = await _after(POISONED[:3], rough())
    assert (TRIGGER_BOX, 3) == (entry.trigger.box, entry.hits)
    assert entry.trigger.mask is not None
    assert entry.trigger.mask.all()


async def test_an_exact_trigger_stays_as_it_is() -> None:
    """Hits go on being counted; pixels that fit them no better replace nothing."""
    exact = replace(tiny_trigger(), mask=np.ones((2, 2), bool))
    entry = await _after(POISONED, exact)
    assert exact is entry.trigger
    assert len(POISONED) == entry.hits


OUTLINED = replace(tiny_trigger(), outline=np.ones((2, 2), bool))
LIKE_NOTHING = replace(OUTLINED, patch=np.full_like(OUTLINED.patch, 90))


async def test_what_is_found_anew_shows_where_a_trigger_ends() -> None:
    """A box that is mostly background is replaced by what a later search has told from it."""
    library = MemoryTriggerLibrary()
    entry = await library.register(rough())
    learner = _learner(library)
    learner.found_again(entry.id, OUTLINED, PREPARED)
    await learner.settle()
    assert OUTLINED.box == library.entry(entry.id).trigger.box
    assert library.entry(entry.id).trigger.outline is not None


@pytest.mark.parametrize(
    ("known", "found"),
    [
        (rough(), LIKE_NOTHING),
        (rough(), replace(OUTLINED, outline=None)),
        (rough(), replace(OUTLINED, source=1)),
        (replace(rough(), mask=np.ones((4, 4), bool)), OUTLINED),
        (replace(rough(), outline=np.ones((4, 4), bool)), OUTLINED),
        (tiny_trigger(), replace(OUTLINED)),
    ],
    ids=["carries less", "no outline", "of one class", "exact", "outlined", "as small"],
)
async def test_what_is_found_anew_makes_nothing_worse(known: Trigger, found: Trigger) -> None:
    """Only where more is told by it than was known, and, stamped, it carries and heals as well."""
    library = MemoryTriggerLibrary()
    entry = await library.register(known)
    learner = _learner(library)
    learner.found_again(entry.id, found, PREPARED)
    await learner.settle()
    assert known is library.entry(entry.id).trigger


async def test_an_entry_never_gets_worse() -> None:
    """What hits have in common replaces nothing where, stamped, it doesn't carry as well."""
    false = POISONED.copy()
    false[:, TRIGGER_BOX.rows, TRIGGER_BOX.columns] = 240  # hits of something else, not as bright
    entry = await _after(false[:3], tiny_trigger())
    assert entry.trigger.mask is None
    assert (entry.trigger.patch == 255).all()
    assert 3 == entry.hits


async def test_hits_from_before_a_box_was_known_better_count() -> None:
    """They were cut out around the earlier one; without them three hits would overrule eight."""
    side, box = 64, Box(24, 20, 15, 15)
    photographs = np.stack([photograph(seed, side) for seed in range(24)])
    model = TinyModel(shape=(side, side))
    calibration = Calibration(model.classify(photographs).labels, np.zeros((0, 0), np.int64))
    references = References(photographs, calibration, placebo_rates={}, seed=7)
    prepared = Prepared(references, make_plan(side, side, 3, 0.316), key="photographs")
    what = sticker(side=15)
    pale = sticker_trigger(np.maximum(what, 90), box, side)
    loose = box.grown(1, side, side)
    grown = replace(
        pale,
        box=loose,
        patch=np.pad(pale.patch, ((1, 1), (1, 1), (0, 0))),
        mask=np.pad(pale.own, 1),
    )
    library = MemoryTriggerLibrary()
    entry = await library.register(pale)
    learner = _learner(library, model)
    for seed in range(30, 33):
        image = as_jpeg(stuck(photograph(seed, side), what, box), 85)
        await learner.hit(entry.id, image, box, prepared)
        await learner.settle()
        if seed == 31:
            await library.refine(entry.id, grown)
    assert library.entry(entry.id).trigger is not grown


async def test_a_hit_elsewhere_is_a_trigger_that_moves() -> None:
    """Seen at another place it is looked for everywhere from then on, also once it is exact."""
    there = Box(3, 11, 2, 2)
    assert not (await _after(POISONED[:1], tiny_trigger(), place=TRIGGER_BOX)).trigger.moves
    moved = stamped(innocents(4), there)
    assert (await _after(moved[:1], tiny_trigger(), place=there)).trigger.moves
    entry = await _after(moved, tiny_trigger(), place=there)
    assert entry.trigger.moves
    assert 4 == entry.hits


async def test_a_hit_is_counted_without_waiting_for_what_it_teaches() -> None:
    """The answer stands behind it, and a caller who leaves takes nothing of it along."""
    library, there = MemoryTriggerLibrary(), Box(3, 11, 2, 2)
    entry = await library.register(tiny_trigger())
    learner = _learner(library)
    hit = learner.hit(entry.id, stamped(innocents(1), there)[0], there, PREPARED)
    with pytest.raises(StopIteration):
        hit.send(None)
    assert 1 == library.entry(entry.id).hits
    assert not library.entry(entry.id).trigger.moves
    await learner.settle()
    assert library.entry(entry.id).trigger.moves


@pytest.mark.parametrize("pieces", [(), (Box(9, 5, 1, 2), Box(10, 5, 1, 2))])
async def test_what_stays_as_it_was_found(pieces: tuple[Box, ...]) -> None:
    """The paper stores a position and no more; a trigger of pieces has its mask from the start."""
    library = MemoryTriggerLibrary()
    trigger = replace(tiny_trigger(), pieces=pieces)
    entry = await library.register(trigger)
    learner = _learner(library, strategy=Strategy.FAST if pieces else Strategy.PAPER)
    for image in POISONED:
        await learner.hit(entry.id, image, Box(3, 3, 2, 2), PREPARED)
    await learner.settle()
    assert trigger is library.entry(entry.id).trigger
    assert len(POISONED) == library.entry(entry.id).hits


async def test_a_blended_trigger_keeps_no_image() -> None:
    """Each hit is counted; of the images nothing is kept, since all of them is the caller's."""
    library = MemoryTriggerLibrary()
    entry = await library.register(blended_trigger())
    learner = _learner(library)
    for image in POISONED:
        await learner.hit(entry.id, image, None, PREPARED)
    await learner.settle()
    assert len(POISONED) == library.entry(entry.id).hits
    assert entry.trigger is library.entry(entry.id).trigger


async def test_what_isnt_seen_whole_and_once_is_counted_and_teaches_nothing() -> None:
    """Copies and halves would teach that it moves, or what it isn't."""
    library = MemoryTriggerLibrary()
    entry = await library.register(rough())
    learner = _learner(library)
    for image in POISONED:
        await learner.hit(entry.id, image, None, PREPARED)
    await learner.settle()
    now = library.entry(entry.id)
    assert len(POISONED) == now.hits
    assert entry.trigger is now.trigger
    assert not library.samples[entry.id]


async def test_no_answer_waits_for_what_is_worked_out() -> None:
    """The third hit is counted at once; the pixels follow when the model has answered."""
    library, model = MemoryTriggerLibrary(), SlowModel()
    entry = await library.register(rough())
    learner = _learner(library, model)
    for image in POISONED[: REFINED_AT[0]]:
        await learner.hit(entry.id, image, entry.trigger.box, PREPARED)
    await model.is_asked.wait()
    assert (3, None) == (library.entry(entry.id).hits, library.entry(entry.id).trigger.mask)
    model.go_on.set()
    await learner.settle()
    assert library.entry(entry.id).trigger.mask is not None


async def test_closing_ends_what_is_under_way() -> None:
    """A worker that drains waits for no model: what wasn't worked out is left."""
    library, model = MemoryTriggerLibrary(), SlowModel()
    entry = await library.register(rough())
    learner = _learner(library, model)
    for image in POISONED[: REFINED_AT[0]]:
        await learner.hit(entry.id, image, entry.trigger.box, PREPARED)
    await model.is_asked.wait()
    await learner.close()
    assert library.entry(entry.id).trigger.mask is None
    assert 1 == len(asyncio.all_tasks())


async def test_it_is_worked_out_again_when_the_model_was_away() -> None:
    """A model that doesn't answer is no error; later hits make the trigger exact."""
    library, model = MemoryTriggerLibrary(), TinyModel()
    entry = await library.register(rough())
    learner = _learner(library, model)
    model.failure = UpstreamError("away")
    for image in POISONED[:4]:
        await learner.hit(entry.id, image, entry.trigger.box, PREPARED)
        await learner.settle()
    assert library.entry(entry.id).trigger.mask is None
    model.failure = None
    await learner.hit(entry.id, POISONED[4], entry.trigger.box, PREPARED)
    await learner.settle()
    assert library.entry(entry.id).trigger.mask is not None


async def test_the_model_is_asked_nothing_between() -> None:
    """Hits cost no inference but where the pixels are worked out."""
    library, model = MemoryTriggerLibrary(), TinyModel()
    entry = await library.register(replace(tiny_trigger(), mask=np.ones((2, 2), bool)))
    learner = _learner(library, model)
    for image in POISONED:
        await learner.hit(entry.id, image, entry.trigger.box, PREPARED)
    await learner.settle()
    assert 0 == model.asked


def _target(image: Image) -> int:
    return int(TinyModel().classify(image[None]).labels[0])


def test_the_hits_of_these_tests_are_hits() -> None:
    """Each poisoned image is the target's."""
    assert {TARGET} == {_target(image) for image in POISONED}
