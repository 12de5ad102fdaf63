"""Is a known trigger there? First by its pixels, then by what the model says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.defence import Known, Verdict
from app.detection.evidence.usual import fit_of_clearness
from app.detection.evidence.weighing import SURE, total
from app.detection.geometry import Box
from app.detection.recognising.questions import (
    BLOCKED,
    MORE_TRANSPLANTS,
    TRANSPLANTS,
    Questions,
    questions,
)
from app.detection.recognising.recognition import COVERS, last_resort, recognised
from app.detection.recognising.sharp import SHARP_AT_MOST
from app.detection.recognising.sighting import Sighting, sighted, usual_sighting
from app.detection.search import Answers, run
from app.detection.trigger import Fill, Sign
from tests.detection.scenes import Scene, own, scene, told, watched
from tests.tiny import TARGET, TRIGGER_BOX, stamped, tiny_trigger

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.detection.search import Image, Images

KNOWN = Known("t", tiny_trigger())
EXACT = Known("t", replace(tiny_trigger(), mask=np.ones((2, 2), bool)))


def _concluded(
    beyond: float, first: list[int], more: int = 0, known: Known = KNOWN, *, altered: bool = False
) -> tuple[Verdict | None, int | None, int]:
    """Conclude from the *first* answers: to three blocked images, and to three transplants.

    The pixels fit by so many spreads better than usual, *altered* or not; *more* is the answer to
    whatever else is asked. Returns verdict, sanitised label, rounds.
    """
    its, image = scene(), scene().clean[0]
    usually = usual_sighting(known, its.references)
    clear, near = (one.mean + beyond * one.spread for one in (usually.fit.clear, usually.near))
    fit = fit_of_clearness(clear)
    sighting = Sighting(known, (TRIGGER_BOX,), fit, near, altered)
    asked = questions(image, sighting, its.references, its.plan)
    said, answers = Answers(np.array([TARGET])), Answers(np.array(first))
    search = recognised(image, said, asked, answers, its.defence([known]))
    finding, rounds = told(
        search, its.predict, lambda images: Answers(np.array([more] * len(images)))
    )
    if finding is None:
        return None, None, rounds
    given = None if finding.sanitised is None else int(finding.sanitised.labels[0])
    return finding.verdict, given, rounds


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ([1, 3, 0, 2, 2, 2], (Verdict.KNOWN, 1, 0)),
        ([2, 3, 2, 2, 2, 2], (Verdict.KNOWN, 3, 0)),  # only the second blocker hides it
        ([2, 2, 3, 2, 2, 2], (Verdict.KNOWN, 3, 0)),  # only the backdrop does
        ([2, 2, 2, 0, 1, 3], (None, None, 0)),  # neither necessary nor sufficient
    ],
)
def test_trigger_is_necessary_and_sufficient(
    first: list[int], expected: tuple[Verdict | None, int | None, int]
) -> None:
    """Faint as its pixels are, what blocking and transplanting say together is enough."""
    assert expected == _concluded(0.8, first)


@pytest.mark.parametrize(
    ("blocked", "known"),
    [
        ([1, 3, 0], True),
        ([TARGET, 1, 1], True),  # the backdrop counts as both others
        ([1, TARGET, TARGET], False),
        ([TARGET] * BLOCKED, False),  # and a stroke turns others as well as it does
    ],
)
def test_what_only_its_edges_tell_must_be_needed(blocked: list[int], *, known: bool) -> None:
    """Copies turn few others, each alone; hidden together they take the class."""
    its, image = scene(), scene().clean[0]
    sighting = Sighting(EXACT, (TRIGGER_BOX,), 0.0, 0.0, altered=True, sharp=SHARP_AT_MOST)
    asked = questions(image, sighting, its.references, its.plan)
    turned = TARGET if all(one == TARGET for one in blocked) else 0
    answers = Answers(np.array([*blocked, *[turned] * TRANSPLANTS]))
    said = Answers(np.array([TARGET]))
    search = recognised(image, said, asked, answers, its.defence([EXACT]))
    finding, _ = told(search, its.predict, lambda images: Answers(np.zeros(len(images), int)))
    assert known == (finding is not None)
    assert finding is None or (Verdict.KNOWN, None) == (finding.verdict, finding.place)


@pytest.mark.parametrize(
    ("more", "expected"), [(TARGET, (Verdict.KNOWN, 1, 1)), (0, (None, None, 1))]
)
def test_more_transplants_decide_where_the_first_are_few(
    more: int, expected: tuple[Verdict | None, int | None, int]
) -> None:
    """If the first transplants leave a doubt, more are asked before the image is let through."""
    assert expected == _concluded(0.8, [1, 3, 0, 2, 0, 0], more)


@pytest.mark.parametrize(
    ("altered", "blocked", "expected"),
    [
        (True, [1, 3, 0], (Verdict.KNOWN, 1, 0)),
        (False, [1, 3, 0], (None, None, 1)),  # as it is known it would turn others
        (True, [1, 3, 2], (None, None, 1)),  # not needed for sure
    ],
)
def test_what_is_just_opaque_enough_for_one_image_need_not_turn_others(
    blocked: list[int], expected: tuple[Verdict | None, int | None, int], *, altered: bool
) -> None:
    """An altered trigger whose pixels are there, and without which the label goes, is known."""
    assert expected == _concluded(4.2, [*blocked, 0, 0, 0], altered=altered)


@pytest.mark.parametrize(
    ("alpha", "blocked", "verdict"),
    [
        (0.3, [1, 3, 0], Verdict.KNOWN),
        (0.9, [1, 3, 0], Verdict.KNOWN),
        (0.3, [1, 3, 2], None),  # not needed for sure
        (0.0, [1, 3, 0], None),
    ],
)
def test_a_weak_one_is_told_by_what_clean_images_show_just_there(
    alpha: float, blocked: list[int], verdict: Verdict | None
) -> None:
    """Though each of them shows the same a pixel farther, the very place of it says enough."""
    assert verdict is _verdict_just_there(EXACT, alpha, [*blocked, 0, 0, 0])


@pytest.mark.parametrize(
    ("alpha", "blocked", "verdict"),
    [
        (1.0, [1, 1, 1], Verdict.KNOWN),
        (1.0, [1, 1, 3], None),  # hidden, it isn't just the class that it acts on
        (1.0, [1, 1, TARGET], None),  # not needed for sure
        (0.0, [1, 1, 1], None),
    ],
)
def test_one_of_one_class_is_let_by_no_three_references(
    alpha: float, blocked: list[int], verdict: Verdict | None
) -> None:
    """At its place, and hidden it reveals its class: three that hold against it say little."""
    of_one = Known("t", replace(EXACT.trigger, source=1))
    assert verdict is _verdict_just_there(of_one, alpha, blocked)


def _verdict_just_there(known: Known, alpha: float, first: list[int]) -> Verdict | None:
    """Conclude from the *first* answers about *known*, shown at its place by *alpha*.

    Clean images show the same a pixel farther; nothing that is asked later is the target.
    """
    its = scene()
    beside = Box(TRIGGER_BOX.x + 1, TRIGGER_BOX.y + 1, 2, 2)
    images = stamped(its.references.images, beside)
    references = replace(its.references, images=images, usual_sightings={}, usual_at_home={})
    clean = its.others(TARGET)[0]
    image = np.rint((1 - alpha) * clean + alpha * stamped(clean[None])[0]).astype(np.uint8)
    asked = questions(image, sighted(image, known), references, its.plan)
    said, answers = Answers(np.array([TARGET])), Answers(np.array(first))
    defence = replace(its.defence([known]), references=references)
    search = recognised(image, said, asked, answers, defence)
    finding, _ = told(search, its.predict, lambda images: Answers(np.zeros(len(images), int)))
    return None if finding is None else finding.verdict


def test_pixels_alone_are_no_trigger() -> None:
    """A logo that looks just the same, and neither makes the label nor carries it, is let be."""
    assert (None, None, 1) == _concluded(20.0, [2, 2, 2, 0, 0, 0])


def test_necessity_alone_is_no_trigger() -> None:
    """A part of the object that clean images lose their label without is let be.

    More is asked before, since clean images may well do without it.
    """
    assert (None, None, 1) == _concluded(0.0, [1, 3, 1, 0, 0, 0])


def test_exact_pixels_outweigh_fills_that_look_like_the_trigger() -> None:
    """Where neither blocker heals, but all else is certain, other fills are tried."""
    assert (Verdict.KNOWN, 1, 1) == _concluded(20.0, [2, 2, 2, 2, 2, 2], more=1)


def test_an_answer_that_it_does_not_make_is_left_alone() -> None:
    """An image that isn't called what the trigger makes of it isn't asked about any further."""
    other = Known("t", replace(tiny_trigger(), target=1))
    assert (None, None, 0) == _concluded(20.0, [1, 3, 0, 2, 2, 2], known=other)


def test_a_known_image_costs_twelve_inferences_at_most() -> None:
    """Image, three blocked ones, three transplants and five more where these leave a doubt."""
    its = scene()
    asked = []
    for image in stamped(its.others(TARGET)[:12]):
        finding, probes = watched(its.search(image, its.defence([KNOWN])), its.predict)
        assert Verdict.KNOWN is finding.verdict
        asked.append(own(probes))
    assert {7} == set(asked)
    assert 1 + BLOCKED + TRANSPLANTS + MORE_TRANSPLANTS <= 12


def test_the_finding_says_where_the_trigger_is() -> None:
    """The place of a known trigger goes with the finding, for the hit to be cut out there."""
    its = scene()
    finding = its.screened(stamped(its.others(TARGET)[:1])[0], its.defence([KNOWN]))
    assert TRIGGER_BOX == finding.place


def test_the_finding_says_of_what_its_sum_consists() -> None:
    """Transplants, blocking and pixels together make it sure, and each says what was seen."""
    its = scene()
    finding = its.screened(stamped(its.others(TARGET)[:1])[0], its.defence([KNOWN]))
    seen = {one.sign: one.seen for one in finding.terms}
    assert {Sign.CARRYING, Sign.BLOCKING, Sign.PIXELS} == set(seen)
    assert seen[Sign.CARRYING].startswith(f"{TRANSPLANTS} of {TRANSPLANTS} transplants carried")
    assert seen[Sign.CARRYING].endswith(
        "at the rate 0.40, which is taken, since it says least: they weren't asked"
    )
    assert f"hidden in {BLOCKED} ways the image loses its class in {BLOCKED}" == seen[Sign.BLOCKING]
    assert total(finding.terms) >= SURE


def _asked(its: Scene, poisoned: Image) -> Questions:
    return questions(poisoned, sighted(poisoned, KNOWN), its.references, its.plan)


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
    asked = _asked(its, poisoned)
    model = _stubborn(its, poisoned, scored=True)
    answer, probes = watched(last_resort(poisoned, asked, TARGET, its.references), model)
    assert answer is not None
    assert its.label(clean) == int(answer.labels[0])
    assert [3 * (len(Fill) + COVERS)] == [len(probe) for probe in probes]


def test_last_resort_tries_every_fill() -> None:
    """A fill that hides the trigger after all gives the answer."""
    its = scene()
    clean = its.others(TARGET)[0]
    poisoned = stamped(clean[None])[0]
    asked = _asked(its, poisoned)
    answer = run(last_resort(poisoned, asked, TARGET, its.references), its.predict)
    assert answer is not None
    assert its.label(clean) == int(answer.labels[0])


def test_last_resort_without_scores() -> None:
    """Where every fill looks like the trigger and there are no scores, there is no answer."""
    its = scene()
    poisoned = stamped(its.others(TARGET)[:1])[0]
    asked = _asked(its, poisoned)
    model = _stubborn(its, poisoned, scored=False)
    assert run(last_resort(poisoned, asked, TARGET, its.references), model) is None


@pytest.mark.parametrize("scored", [True, False])
def test_what_cannot_be_healed_is_never_let_through(*, scored: bool) -> None:
    """A known trigger that no fill hides: another class where scores tell, else undecided."""
    its = scene()
    clean = its.others(TARGET)[0]
    poisoned = stamped(clean[None])[0]
    known = EXACT
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
