"""Is a known trigger there? First by its pixels, then by what the model says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.detection.defence import Known, Verdict
from app.detection.geometry import Box
from app.detection.recognising.presence import Presence, presence, presences, unmistakable
from app.detection.recognising.recognition import last_resort, questions
from app.detection.search import Answers, run
from app.detection.trigger import Fill
from tests.detection.scenes import Scene, scene, told, watched
from tests.tiny import SIDE, TARGET, TRIGGER_BOX, stamped, tiny_trigger

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.detection.search import Image, Images

OWN = np.ones((2, 2), bool)
NONE = np.zeros((2, 2), bool)


def _showing(levels: list[list[int]]) -> Image:
    """Return a dark image with these four pixels where the trigger, all 255, would be."""
    image = np.zeros((16, 16, 3), np.uint8)
    image[TRIGGER_BOX.rows, TRIGGER_BOX.columns] = np.array(levels, np.uint8)[..., None]
    return image


@pytest.mark.parametrize(
    ("levels", "mask", "natural", "expected"),
    [
        ([[255, 255], [255, 255]], None, 0.0, Presence.THERE),
        ([[231, 231], [231, 231]], OWN, 0.0, Presence.THERE),  # 24 levels off
        ([[255, 255], [0, 0]], OWN, 0.0, Presence.THERE),  # half of it
        ([[255, 0], [0, 0]], OWN, 0.0, Presence.ABSENT),
        ([[230, 230], [230, 230]], OWN, 0.0, Presence.ABSENT),  # 25 levels off
        ([[0, 0], [0, 0]], None, 0.0, Presence.UNCLEAR),
        ([[0, 0], [0, 0]], None, 0.29, Presence.UNCLEAR),
        ([[0, 0], [0, 0]], None, 0.3, Presence.ABSENT),  # carried by nature: pixels are asked for
        ([[0, 0], [0, 0]], NONE, 0.0, Presence.UNCLEAR),
        ([[255, 255], [255, 255]], NONE, 0.0, Presence.UNCLEAR),  # translucent: pixels never tell
        ([[0, 0], [0, 0]], NONE, 0.3, Presence.ABSENT),
        ([[255, 0], [0, 0]], np.array([[True, False], [False, False]]), 0.0, Presence.THERE),
        ([[0, 255], [255, 255]], np.array([[True, False], [False, False]]), 0.0, Presence.ABSENT),
    ],
)
def test_presence(
    levels: list[list[int]],
    mask: np.ndarray[tuple[int, int], np.dtype[np.bool_]] | None,
    natural: float,
    expected: Presence,
) -> None:
    """The stored pixels decide, unless they are unknown and nature seldom carries there."""
    trigger = replace(tiny_trigger(), mask=mask, natural=natural)
    assert expected is presence(_showing(levels), trigger)


def test_presence_of_a_colour() -> None:
    """One channel that is far off is enough for a pixel not to be the trigger's."""
    image = _showing([[255, 255], [255, 255]])
    image[..., 1] = 200
    assert Presence.ABSENT is presence(image, replace(tiny_trigger(), mask=OWN))


@given(st.integers(0, 2**32 - 1), st.integers(0, 6), st.sampled_from([1, 3]))
def test_many_triggers_are_compared_as_each_alone(seed: int, count: int, channels: int) -> None:
    """One comparison for all triggers says of each what its own would."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 60, (SIDE, SIDE, channels), dtype=np.uint8)
    known = []
    for i in range(count):
        width, height = (int(side) for side in rng.integers(1, 5, 2))
        box = Box(int(rng.integers(SIDE - width)), int(rng.integers(SIDE - height)), width, height)
        mask = None if rng.random() < 0.4 else rng.random((height, width)) < 0.5
        patch = rng.integers(0, 60, (height, width, channels), dtype=np.uint8)
        trigger = replace(tiny_trigger(channels), box=box, patch=patch, mask=mask)
        known.append(Known(f"t-{i}", replace(trigger, natural=float(rng.random()))))
    expected = [presence(image, one.trigger) for one in known]
    assert expected == presences(image, tuple(known))


def test_unmistakable_asks_for_pixels_where_nature_has_none() -> None:
    """Nearly all of the trigger's own pixels are there, and nature has none like it there."""
    poisoned = _showing([[255, 255], [255, 255]])
    assert unmistakable(poisoned, replace(tiny_trigger(), mask=OWN))
    assert not unmistakable(_showing([[255, 255], [255, 0]]), replace(tiny_trigger(), mask=OWN))
    assert unmistakable(poisoned, tiny_trigger())  # while its own are unknown, the whole box
    for odd in ({"mask": NONE}, {"mask": OWN, "natural": 0.3}, {"natural": 0.3}):
        assert not unmistakable(poisoned, replace(tiny_trigger(), **odd))


def _recognised(first: list[int], more: int) -> tuple[Verdict, int | None, int]:
    """Screen for a known trigger with a model that answers its probes as told.

    *more* is its answer to any further transplant. Returns verdict, sanitised label, rounds.
    """
    its, prepared = scene(), iter([[TARGET], first])

    def tell(images: Images) -> Answers:
        return Answers(np.array(next(prepared, [more] * len(images))))

    defence = its.defence([Known("t", tiny_trigger())], search=False)
    finding, rounds = told(its.search(its.clean[0], defence), its.predict, tell)
    given = None if finding.sanitised is None else int(finding.sanitised.labels[0])
    return finding.verdict, given, rounds


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ([1, 3, 2, 2, 2], (Verdict.KNOWN, 1, 2)),
        ([2, 3, 2, 2, 2], (Verdict.KNOWN, 3, 2)),  # only the second blocker hides it
        ([2, 2, 2, 2, 2], (Verdict.CLEAR, TARGET, 2)),  # not necessary
        ([2, 2, 0, 1, 3], (Verdict.CLEAR, TARGET, 2)),
    ],
)
def test_trigger_is_necessary_and_sufficient(
    first: list[int], expected: tuple[Verdict, int, int]
) -> None:
    """Blocked, the image leaves the target; the transplants answer it; else it has no trigger."""
    assert expected == _recognised(first, more=0)


@pytest.mark.parametrize(
    ("more", "expected"), [(TARGET, (Verdict.KNOWN, 1, 3)), (0, (Verdict.CLEAR, TARGET, 3))]
)
def test_more_transplants_decide_where_the_first_are_few(
    more: int, expected: tuple[Verdict, int, int]
) -> None:
    """If the first transplants don't carry, more are asked before the image is let through."""
    assert expected == _recognised([1, 3, 0, 0, 0], more)


def test_questions_hide_and_carry_the_trigger() -> None:
    """The first two probes hide the trigger, the others show it on references of other classes."""
    its = scene()
    poisoned = stamped(its.others(TARGET)[:1])[0]
    asked = questions(poisoned, Known("t", tiny_trigger()), its.references, its.plan)
    labels = its.predict(asked.images).labels
    assert TARGET not in labels[:2]
    assert [TARGET] * 3 == labels[2:].tolist()


def _stubborn(its: Scene, image: Image, *, scored: bool) -> Callable[[Images], Answers]:
    """Return the scene's model, but that *image* stays the target whatever hides its trigger."""

    def classify(images: Images) -> Answers:
        answers = its.predict(images)
        assert answers.scores is not None
        scores = answers.scores.copy()
        scores[(images[:, -1] == image[-1]).all(axis=(1, 2)), TARGET] = 2
        return Answers(scores.argmax(axis=1), scores if scored else None)

    return classify


def test_last_resort_is_the_next_class() -> None:
    """Where every fill looks like the trigger, the class that scores next to it is the answer."""
    its = scene()
    clean = its.others(TARGET)[0]
    poisoned = stamped(clean[None])[0]
    asked = questions(poisoned, Known("t", tiny_trigger()), its.references, its.plan)
    model = _stubborn(its, poisoned, scored=True)
    answer, probes = watched(last_resort(poisoned, asked, TARGET), model)
    assert answer is not None
    assert its.label(clean) == int(answer.labels[0])
    assert [3 * len(Fill)] == [len(probe) for probe in probes]


def test_last_resort_tries_every_fill() -> None:
    """A fill that hides the trigger after all gives the answer."""
    its = scene()
    clean = its.others(TARGET)[0]
    poisoned = stamped(clean[None])[0]
    asked = questions(poisoned, Known("t", tiny_trigger()), its.references, its.plan)
    answer = run(last_resort(poisoned, asked, TARGET), its.predict)
    assert answer is not None
    assert its.label(clean) == int(answer.labels[0])


def test_last_resort_without_scores() -> None:
    """Where every fill looks like the trigger and there are no scores, there is no answer."""
    its = scene()
    poisoned = stamped(its.others(TARGET)[:1])[0]
    asked = questions(poisoned, Known("t", tiny_trigger()), its.references, its.plan)
    model = _stubborn(its, poisoned, scored=False)
    assert run(last_resort(poisoned, asked, TARGET), model) is None


@pytest.mark.parametrize("scored", [True, False])
def test_what_cannot_be_healed_is_never_let_through(*, scored: bool) -> None:
    """A known trigger that no fill hides: another class where scores tell, else undecided."""
    its = scene()
    clean = its.others(TARGET)[0]
    poisoned = stamped(clean[None])[0]
    known = Known("t", replace(tiny_trigger(), mask=OWN))
    search = its.search(poisoned, its.defence([known]))
    finding = run(search, _stubborn(its, poisoned, scored=scored))
    assert finding.known is known
    if scored:
        assert Verdict.KNOWN is finding.verdict
        assert finding.sanitised is not None
        assert its.label(clean) == int(finding.sanitised.labels[0])
    else:
        assert (Verdict.UNDECIDED, True) == (finding.verdict, finding.exposed)
        assert finding.sanitised is None
