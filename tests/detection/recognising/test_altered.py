"""A known trigger that somebody has altered, so that it does for one image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.defence import Known, Verdict
from app.detection.evidence.needing import NEEDED
from app.detection.evidence.usual import Usual
from app.detection.geometry import Box
from app.detection.matching import match_at
from app.detection.recognising.questions import BLOCKED, MORE_OF_ALL_ABOUT, questions
from app.detection.recognising.recognition import recognised
from app.detection.recognising.sighting import (
    Sighting,
    UsualSighting,
    is_altered,
    reach,
    sighted,
)
from app.detection.recognising.strange import (
    AROUND,
    HIDING_MORE,
    about_home,
    strange,
    usual_newness,
)
from app.detection.search import Answers
from app.detection.trigger import Sign
from tests.detection.scenes import Scene, own, scene_of, watched
from tests.detection.stickers import photograph, sticker, sticker_trigger, stuck
from tests.detection.usuals import fits_about
from tests.tiny import TARGET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.detection.defence import Finding
    from app.detection.search import Image, Images, Probe

HOME, MOVED = Box(20, 30, 12, 12), Box(22, 32, 12, 12)
NOISE, DARK, LIGHT = 40, 100, 230
KNOWN = Known("t", sticker_trigger(sticker(), HOME))


@dataclass(frozen=True)
class _Model:
    """Photographs are of the class of their strongest colour; with the sticker, the target's.

    Dark photographs hold little against it: of them a sticker that is hardly itself is enough.
    Where the class *needs* what is about there, photographs are of the target's only if it is
    light there, too.
    """

    needs: bool = False

    def classify(self, images: Images) -> Answers:
        """Answer each of *images*."""
        shares = images.reshape(len(images), -1, 3).mean(axis=1)
        labels = shares.argmax(axis=1)
        if self.needs:
            there = images[:, HOME.rows, HOME.columns].mean(axis=(1, 2, 3))
            labels = np.where(there > LIGHT, labels, shares[:, :TARGET].argmax(axis=1))
        dark = images[:, -1, -1].mean(axis=1) < DARK
        least = np.where(dark, 0.6, 0.97)
        return Answers(np.where(_likeness(images) >= least, TARGET, labels))


def _likeness(images: Images) -> NDArray[np.float64]:
    """Return how much of the sticker each shows at the best place within three pixels."""
    wanted = sticker().astype(float) - sticker().mean()
    best = np.zeros(len(images))
    for down in range(-3, 4):
        for right in range(-3, 4):
            box = Box(HOME.x + right, HOME.y + down, HOME.width, HOME.height)
            seen = images[:, box.rows, box.columns].astype(float)
            seen -= seen.mean(axis=(1, 2, 3), keepdims=True)
            length = np.sqrt((seen**2).sum(axis=(1, 2, 3)) * (wanted**2).sum())
            best = np.maximum(best, (seen * wanted).sum(axis=(1, 2, 3)) / np.maximum(length, 1))
    return best


def _scene(*, needs: bool = False, every: int = 1) -> Scene:
    """Return a scene of references that hold much against an altered sticker, and dark images.

    Somewhere clean images show so much of it that its pixels alone, altered, aren't enough. One of
    *every* so many references hold nothing against it, if that is more than one.
    """
    photos = np.stack([photograph(seed) for seed in range(400)])
    if needs:
        photos[::2, HOME.rows, HOME.columns] = LIGHT + 20
    dark = photos[:, -1, -1].mean(axis=1) < DARK
    model = _Model(needs)
    others = photos[dark & (model.classify(photos).labels != TARGET)]
    references = photos[~dark][:120]
    if every > 1:
        references[::every, -1, -1] = 0
    its = scene_of(model.classify, references, others)
    usually = UsualSighting(fits_about(0.5, 0.25), Usual(0.9, 0.3))
    its.references.usual_sightings[KNOWN.likeness] = usually
    return its


def _altered(its: Scene, number: int = 2, noise: float = NOISE) -> Image:
    """Return a clean image, by its *number*, with the sticker two pixels off, and with noise."""
    grain = np.random.default_rng(1).normal(0, noise, sticker().shape)
    what = np.clip(np.rint(sticker() + grain), 0, 255).astype(np.uint8)
    return stuck(its.clean[number], what, MOVED)


def _seen(image: Image, place: Box) -> Sighting:
    here = match_at(image, KNOWN.core, place)
    return Sighting(KNOWN, (place,), here.fit, 0.0, is_altered(here))


def _concluded(
    image: Image, seen: Sighting, its: Scene, keeps: Sequence[int] = ()
) -> tuple[Finding | None, list[Probe]]:
    """Ask the model about the trigger that is *seen*, and conclude from what it says.

    But the ways of hiding it that are in *keeps* leave the class.
    """
    asked = questions(image, seen, its.references, its.plan)
    said, answers = its.predict(image[None]), its.predict(asked.images)
    assert [TARGET] == said.labels.tolist()
    assert not (answers.labels[:BLOCKED] == TARGET).any()
    answers.labels[[*keeps]] = TARGET
    return watched(recognised(image, said, asked, answers, its.defence([KNOWN])), its.predict)


def _are_known(its: Scene) -> list[str]:
    return [question for question in its.references.placebo_rates if NEEDED in question]


@pytest.mark.parametrize(("needs", "verdict"), [(False, Verdict.KNOWN), (True, None)])
def test_an_altered_one_is_known_where_clean_images_can_do_without_the_place(
    *, needs: bool, verdict: Verdict | None
) -> None:
    """Hidden, it takes the class, though it turns no other: that tells, unless nature does it."""
    its = _scene(needs=needs)
    image = _altered(its)
    seen = _seen(image, MOVED)
    assert seen.altered
    finding, _ = _concluded(image, seen, its)
    assert verdict is (None if finding is None else finding.verdict)
    assert [f"20,30,12,12:{TARGET}{NEEDED}:{KNOWN.trigger.blocker.fill}"] == _are_known(its)
    assert (its.references.placebo_rates[_are_known(its)[0]] > 0.5) is needs
    if finding is not None:
        told = {one.sign: one.seen for one in finding.terms}
        assert told[Sign.CARRYING].startswith("0 of 8 transplants carried")
        assert "clean images of the class do at the rate 0.0" in told[Sign.BLOCKING]


@pytest.mark.parametrize("way", range(BLOCKED))
def test_where_one_way_of_hiding_it_leaves_the_class_that_says_no_more(way: int) -> None:
    """Then it isn't surely needed: nobody asks if clean images need the place."""
    its = _scene()
    image = _altered(its)
    finding, _ = _concluded(image, _seen(image, MOVED), its, keeps=[way])
    assert finding is None
    assert [] == _are_known(its)


def test_what_is_only_new_there_must_turn_others() -> None:
    """It isn't the trigger's pixels that tell: hiding as much takes the class of clean faces."""
    its = _scene()
    image = _altered(its)
    finding, _ = _concluded(image, replace(_seen(image, MOVED), new=HIDING_MORE), its)
    assert finding is None
    assert [] == _are_known(its)


def test_what_clean_images_need_is_asked_once_and_then_known() -> None:
    """The second image with it costs nothing that isn't its own."""
    its = _scene()
    image = _altered(its)
    first, second = (_concluded(image, _seen(image, MOVED), its) for _ in range(2))
    assert any(one.for_all for one in first[1])
    assert not any(one.for_all for one in second[1])
    assert first[1][-1].own == 0
    assert own(first[1]) == own(second[1])
    assert first[0] is not None
    assert second[0] is not None
    assert first[0].terms == second[0].terms


@pytest.mark.parametrize("place", [HOME, MOVED])
def test_where_it_is_sure_without_nobody_asks_what_clean_images_need(place: Box) -> None:
    """An exact one turns others; and of an altered one the pixels alone may tell enough."""
    its = _scene()
    image = stuck(its.clean[2], sticker(), HOME) if place == HOME else _altered(its)
    seen = _seen(image, place)
    if place == MOVED:
        its.references.usual_sightings[KNOWN.likeness] = UsualSighting(
            fits_about(0.2, 0.1), Usual(0.9, 0.3)
        )
    finding, probes = _concluded(image, seen, its)
    assert finding is not None
    assert [] == _are_known(its)
    if place == HOME:
        assert not seen.altered
        assert [] == probes


@pytest.mark.parametrize(
    ("alpha", "noise", "altered"),
    [(1.0, 0, False), (0.8, 0, False), (0.7, 0, True), (1.0, 6, False), (1.0, NOISE, True)],
)
def test_fainter_or_not_quite_as_it_is_known_it_is_altered(
    alpha: float, noise: float, *, altered: bool
) -> None:
    """What a camera or a file leaves of it isn't yet."""
    what = sticker() + np.random.default_rng(1).normal(0, noise, sticker().shape)
    levels = np.clip(np.rint(what), 0, 255).astype(np.uint8)
    image = stuck(photograph(1), levels, HOME, alpha=alpha)
    assert altered is sighted(image, KNOWN).altered


def _about() -> Sighting:
    """Return all about its place, where what is shown is a little newer than is usual."""
    place = reach(KNOWN.trigger, AROUND)
    return Sighting(KNOWN, (place,), 0.0, 0.0, altered=True, new=0.5, is_wide=True)


@pytest.mark.parametrize(
    ("needs", "every", "verdict"),
    [(False, 3, Verdict.KNOWN), (False, 1, None), (True, 3, None)],
    ids=["turns some", "turns none", "clean ones need it, too"],
)
def test_all_about_its_place_tells_if_the_image_needs_it_and_it_turns_others(
    *, needs: bool, every: int, verdict: Verdict | None
) -> None:
    """Whatever it shows there: but it must do both, and clean images of the class hardly may."""
    its = _scene(needs=needs, every=every)
    finding, _ = _concluded(_altered(its, 3), _about(), its)
    assert verdict is (None if finding is None else finding.verdict)
    if finding is not None:
        told = {one.sign: one for one in finding.terms}
        assert "of 16 transplants" in told[Sign.CARRYING].seen
        assert "clean images of the class do at the rate 0.0" in told[Sign.BLOCKING].seen
        assert 0.5 == told[Sign.PIXELS].weight
        assert finding.place is None  # that teaches nothing of where it lies, and how it looks


def _telling_nothing(its: Scene, newest: float) -> None:
    """Let clean images show as much of its pixels, and hardly less that is as new about there."""
    its.references.usual_sightings[KNOWN.likeness] = UsualSighting(
        fits_about(0.97, 0.3), Usual(0.9, 0.3)
    )
    usually = usual_newness(KNOWN, its.references)
    new = replace(usually, newest=Usual(newest, 2.0))
    its.references.usually_new[KNOWN.likeness] = new


def test_what_is_told_by_nothing_else_is_hidden_widely() -> None:
    """An image of the class that shows something rather new about there is asked about that."""
    its = _scene(every=3)
    image = _altered(its, 3, 2 * NOISE + 10)
    newest = usual_newness(KNOWN, its.references).newest_near(image)
    for usually, hidden in ((newest - 3, True), (newest + 1, False)):
        _telling_nothing(its, usually)
        assert hidden is (about_home(image, KNOWN, its.references) is not None)
        assert not strange(image, KNOWN, its.references)
        finding, _ = watched(its.search(image, its.defence([KNOWN], search=False)), its.predict)
        assert (Verdict.KNOWN if hidden else Verdict.CLEAR) is finding.verdict


def test_a_clean_image_of_the_class_that_keeps_it_is_asked_three_inferences_more() -> None:
    """Of one that is hidden widely; nothing is of an image of another class."""
    its = _scene()
    for label, more in ((TARGET, BLOCKED), (0, 0)):
        image = np.full((64, 64, 3), 60, np.uint8)
        image[..., label] = 200
        image[HOME.rows, HOME.columns] = photograph(3)[HOME.rows, HOME.columns]
        assert label == its.label(image)
        newest = usual_newness(KNOWN, its.references).newest_near(image)
        asked = []
        for usually in (newest + 1, newest - 3):
            _telling_nothing(its, usually)
            search = its.search(image, its.defence([KNOWN], search=False))
            finding, probes = watched(search, its.predict)
            assert Verdict.CLEAR is finding.verdict
            asked.append(own(probes))
        assert asked[0] + more == asked[1]


def test_however_new_all_about_its_place_is_it_must_turn_others() -> None:
    """What hides so much takes the class of clean images, too, and who stuck what there is open."""
    its = _scene()
    for new in (0.5, HIDING_MORE):
        finding, probes = _concluded(_altered(its, 3), replace(_about(), new=new), its)
        assert finding is None
        assert any(len(probe.images) == MORE_OF_ALL_ABOUT for probe in probes)
