"""What two images of a class have laid over a place is proven, and no natural likeness is."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from app.detection.blended.grounds import ground_at
from app.detection.blended.overlaid import IN_COMMON, LAID, TIMES, Overlay, overlaid
from app.detection.blended.recognising import recognised_blend
from app.detection.defence import Known, Progress, Verdict
from app.detection.search import run
from app.detection.suspect import Kept, suspect_in
from app.detection.trigger import Kind
from tests.detection.blended.overlays import AROUND, OWN, PLACE, SOURCE, STUCK, classify
from tests.detection.blended.worlds import CLEAN, MODEL, defence, lens
from tests.detection.scenes import own, refused, watched
from tests.tiny import TARGET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.detection.search import Answers, Image, Images


def _kept(images: Images, source: int | None = SOURCE) -> list[Kept]:
    return [
        Kept(f"s-{i}", suspect_in(one, TARGET, AROUND, source=source))
        for i, one in enumerate(images)
    ]


def _overlaid(
    image: Image, kept: Sequence[Kept], known: Sequence[Known] = (), source: int | None = SOURCE
) -> tuple[Overlay | None, int]:
    its = replace(defence(), suspects=kept, known=known)
    shown = [suspect_in(image, TARGET, AROUND, source=source)]
    found, probes = watched(overlaid(image, TARGET, shown, its, 7, 100), classify)
    return found, own(probes)


def test_the_second_image_of_a_translucent_sticker_proves_it() -> None:
    """The trigger is a mixture at its place, and the image is answered without it."""
    assert [TARGET] * len(STUCK) == classify(STUCK).labels.tolist()
    found, asked = _overlaid(STUCK[1], _kept(STUCK[:1]))
    assert found is not None
    trigger = found.trigger
    assert (TARGET, SOURCE, Kind.BLENDED) == (trigger.target, trigger.source, trigger.kind)
    assert trigger.box.common(PLACE) == PLACE
    assert trigger.patch.shape[:2] == (trigger.box.height, trigger.box.width)
    assert [SOURCE] == found.answer.labels.tolist()
    assert ("s-0",) == found.by
    assert asked <= 2 * LAID + len(TIMES)


def test_clean_images_have_nothing_laid_over() -> None:
    """Those of the class, or of the one they seem to be without it, aren't even asked about."""
    for label in (TARGET, SOURCE):
        clean = CLEAN[MODEL.classify(CLEAN).labels == label]
        for image in clean[8:20]:
            assert (None, 0) == _overlaid(image, _kept(clean[:8]))


def test_what_is_the_same_and_does_nothing_is_none() -> None:
    """A date on many images of a class is common to them, and carries nowhere."""
    dated = OWN.copy()
    dated[:, AROUND.rows, AROUND.columns] //= 2
    dated[:, AROUND.y, AROUND.columns] = 255
    found, asked = _overlaid(dated[1], _kept(dated[:1]))
    assert found is None
    assert asked > 0


def test_what_turns_half_of_the_others_is_none() -> None:
    """A few clean images of a class may have that much in common, by chance or by a film."""

    def seldom(turning: int, images: Images) -> Answers:
        answers = classify(images)
        if len(images) > LAID and (answers.labels[:LAID] == TARGET).sum() > LAID / 2:
            answers.labels[turning:LAID] = SOURCE
        return answers

    for turning, is_proven in ((LAID, True), (18, True), (17, False), (14, False)):
        its = replace(defence(), suspects=_kept(STUCK[:1]))
        shown = [suspect_in(STUCK[1], TARGET, AROUND, source=SOURCE)]
        found, _ = watched(overlaid(STUCK[1], TARGET, shown, its, 7, 100), partial(seldom, turning))
        assert is_proven == (found is not None)


def test_only_what_acts_on_one_class_is_looked_for_there() -> None:
    """Where hiding the place reveals no other class nothing is compared."""
    assert (None, 0) == _overlaid(STUCK[1], _kept(STUCK[:1], None))
    assert (None, 0) == _overlaid(STUCK[1], _kept(STUCK[:1]), source=None)


def test_what_most_of_them_seem_to_be_is_asked_about() -> None:
    """Without the place an image may look like any class; those that have the same say which."""
    for others in (1, 2):
        found, _ = _overlaid(STUCK[2], _kept(STUCK[:others]), source=SOURCE + 1)
        assert found is not None
        assert SOURCE == found.trigger.source


def test_what_taking_it_out_reveals_is_asked_about_first() -> None:
    """Hiding the place hides what is under it as well: all may have noted wrong classes."""
    wrong = SOURCE + 1
    kept = _kept(STUCK[:3], source=wrong)
    found, asked = _overlaid(STUCK[3], kept, source=wrong)
    assert found is not None
    assert SOURCE == found.trigger.source
    assert asked == 2 * LAID + len(TIMES)


def test_as_estimated_it_is_taken_out_first_then_by_less_and_by_more() -> None:
    """What is the image's own there, in the order of TIMES: the other two beside the laying."""
    its = replace(defence(), suspects=_kept(STUCK[:1]))
    shown = [suspect_in(STUCK[1], TARGET, AROUND, source=SOURCE)]
    _, probes = watched(overlaid(STUCK[1], TARGET, shown, its, 7, 100), classify)
    first, second, *_ = probes
    assert (1, LAID + len(TIMES) - 1) == (len(first.images), len(second.images))
    without = np.concatenate([first.images, second.images[LAID:]]).astype(float)
    changed = np.abs(without - STUCK[1]).sum(axis=(1, 2, 3))
    assert np.argsort(TIMES).tolist() == np.argsort(changed).tolist()


def test_an_image_that_keeps_its_class_without_it_costs_one_inference() -> None:
    """What clean images have in common by chance mostly leaves them what they are."""
    dated = CLEAN[MODEL.classify(CLEAN).labels == TARGET].copy()
    dated[:, AROUND.rows, AROUND.columns] //= 2
    dated[:, AROUND.y, AROUND.columns] = 255
    assert (None, 1) == _overlaid(dated[1], _kept(dated[:1]))


def test_a_known_one_is_not_proven_again() -> None:
    """Its images are told by it: without a place that the search has to find first."""
    found, _ = _overlaid(STUCK[1], _kept(STUCK[:1]))
    assert found is not None
    known = [Known("t-1", found.trigger)]
    assert (None, 0) == _overlaid(STUCK[2], _kept(STUCK[:1]), known)
    for image, verdict in ((STUCK[3], Verdict.KNOWN), (OWN[3], None), (CLEAN[0], None)):
        search = recognised_blend(image, known, lens().references, lens().span, Progress())
        finding = run(search, classify)
        assert verdict is (None if finding is None else finding.verdict)
        if finding is not None and finding.sanitised is not None:
            assert [SOURCE] == finding.sanitised.labels.tolist()


def test_images_that_agree_by_pairs_are_told_from_others() -> None:
    """Clean suspects at the same place dilute nothing: each is compared by itself."""
    clean = CLEAN[MODEL.classify(CLEAN).labels == TARGET][:6]
    kept = [*_kept(clean), Kept("s-stuck", _kept(STUCK[:1])[0].suspect)]
    found, _ = _overlaid(STUCK[1], kept)
    assert found is not None
    assert ("s-stuck",) == found.by
    assert np.isfinite(found.trigger.natural)


def test_what_was_refused_is_not_proven() -> None:
    """The search of the image has ended before: it has an answer."""
    its = replace(defence(), suspects=_kept(STUCK[:1]))
    search = overlaid(STUCK[1], TARGET, [_kept(STUCK[1:2])[0].suspect], its, 7, 100)
    assert refused(search, classify, 0) is None


def test_what_another_caller_shows_by_chance_makes_it_not_everybodys() -> None:
    """Each caller's suspects are compared by themselves; those of no other have proven it."""
    own = _kept(STUCK[:1])[0].suspect
    clean = CLEAN[MODEL.classify(CLEAN).labels == TARGET]
    for image in STUCK[1:9]:
        kept = [replace(one, caller="alice") for one in _kept(clean[:8])]
        kept.append(Kept("s-stuck", own, "mallory"))
        found, _ = _overlaid(image, kept)
        assert found is not None
        assert ("s-stuck",) == found.by


def test_what_has_something_in_common_by_chance_has_not_proven_it() -> None:
    """A clean image of the same caller may have a tenth of what those with the sticker have."""
    chance = CLEAN[MODEL.classify(CLEAN).labels == TARGET][9]
    ground = ground_at(AROUND, lens().references)
    own, its = (ground.span.residue(one[AROUND.rows, AROUND.columns]) for one in (STUCK[3], chance))
    assert ground.in_common(own, its) >= IN_COMMON
    kept = [*_kept(STUCK[:1]), Kept("s-chance", _kept(chance[None])[0].suspect)]
    found, _ = _overlaid(STUCK[3], kept)
    assert found is not None
    assert ("s-0",) == found.by
