"""A second opinion beside the search: what is suspicious, and what a score of those show."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from app.detection.blended.noting import ENOUGH, RARE
from app.detection.blended.screening_twice import screened_for_blends, screened_twice
from app.detection.defence import Defence, Finding, Known, Progress, Verdict
from app.detection.geometry import Box
from app.detection.plan import make_plan
from app.detection.search import Done, Probe, Purpose, advance, refuse, run
from app.detection.second_opinion.lens import FURTHER, LAID
from app.detection.suspect import Kept, suspect_in
from app.detection.trigger import Kind
from tests.detection.blended import worlds
from tests.detection.scenes import watched
from tests.detection.second_opinion.looking import MODEL, lens
from tests.striped import striped
from tests.tiny import SIDE, TARGET, clean_images, tiny_trigger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.detection.search import Image, Search

CLEAN = clean_images(60, np.random.default_rng(21))
VICTIMS = CLEAN[MODEL.classify(CLEAN).labels != TARGET]
RATE = 0.01
PLAN = make_plan(SIDE, SIDE, 3, 0.316)
NOISE = np.random.default_rng(4).integers(-14, 15, worlds.POISONED.shape)
APART = np.clip(worlds.POISONED + NOISE, 0, 255).astype(np.uint8)
"""They are different pictures: of one colour each they would be one that is sent again."""


def _concluding(verdict: Verdict, image: Image, progress: Progress) -> Search[Finding]:
    """Ask for the image alone, and conclude *verdict*."""
    progress.said = yield Probe(image[None])
    progress.exposed = False
    return Finding(verdict, progress.said, progress.said)


def _twice(image: Image, verdict: Verdict = Verdict.CLEAR) -> tuple[Finding, list[int]]:
    progress, rounds = Progress(), []
    defence = Defence(lens().references, PLAN, (), (), 7)
    search = _concluding(verdict, image, progress)
    both = screened_twice(image, search, lens(), RATE, 7, defence, progress)
    step = advance(both)
    while not isinstance(step, Done):
        rounds.append(len(step))
        step = advance(both, step, MODEL.classify(step.images))
    return step.result, rounds


def test_it_travels_with_the_image() -> None:
    """Of a clean image nothing is asked after the first round, and its answer stays."""
    finding, rounds = _twice(CLEAN[0])
    assert [1 + LAID] == rounds
    assert (Verdict.CLEAR, False) == (finding.verdict, finding.suspicious)
    assert finding.sanitised is finding.said is not None


def test_more_is_asked_of_what_looks_like_a_trigger() -> None:
    """In a second round; what was clear and is rare is suspicious, and its answer stays as well."""
    finding, rounds = _twice(striped(VICTIMS)[0])
    assert [1 + LAID, FURTHER] == rounds
    assert (Verdict.CLEAR, True) == (finding.verdict, finding.suspicious)
    assert finding.sanitised is finding.said is not None


def test_what_carries_a_trigger_is_not_only_suspicious() -> None:
    """The search's own verdict stands."""
    for verdict in (Verdict.KNOWN, Verdict.DISCOVERED, Verdict.UNDECIDED):
        finding, _ = _twice(striped(VICTIMS)[0], verdict)
        assert (verdict, False) == (finding.verdict, finding.suspicious)


def _suspicious(image: Image, kept: Sequence[Kept], known: Sequence[Known] = ()) -> Finding:
    its = replace(worlds.defence(), suspects=kept, known=known)
    progress = Progress()
    search = _concluding(Verdict.CLEAR, image, progress)
    both = screened_twice(image, search, worlds.lens(), RATE, 7, its, progress)
    return run(both, worlds.MODEL.classify)


def _lensed(image: Image, verdict: Verdict, known: Sequence[Known], **more: Any) -> Finding:
    """Return what becomes of a *verdict* of the search on *image*, by a known trigger's answer."""
    its, progress = replace(worlds.defence(), known=known, **more), Progress()

    def searched() -> Search[Finding]:
        progress.said = yield Probe(image[None])
        trigger = tiny_trigger() if verdict is Verdict.DISCOVERED else None
        one = known[0] if verdict is Verdict.KNOWN else None
        return Finding(verdict, progress.said, progress.said, trigger, one)

    both = screened_twice(image, searched(), worlds.lens(), RATE, 7, its, progress)
    return run(both, worlds.MODEL.classify)


def test_a_part_of_it_that_was_taken_for_a_trigger_hides_nothing() -> None:
    """The image is kept as well, and a score of such images show what is mixed into all of it."""
    part = Known("t-1", tiny_trigger())
    for verdict in (Verdict.KNOWN, Verdict.DISCOVERED):
        finding = _lensed(worlds.POISONED[0], verdict, [part])
        assert (verdict, False) == (finding.verdict, finding.suspicious)
        assert [True] == [one.is_whole for one in finding.suspects]
        last = _lensed(APART[ENOUGH - 1], verdict, [part], suspects=_kept())
        assert (Verdict.DISCOVERED, None) == (last.verdict, last.known)
        assert last.trigger is not None
        assert Kind.BLENDED is last.trigger.kind


def test_what_is_known_to_be_mixed_in_comes_before_a_part_of_it() -> None:
    """Blocking a part leaves the rest in the image, which may still decide."""
    known = [Known("t-1", tiny_trigger()), Known("t-2", worlds.blended_trigger())]
    for verdict in (Verdict.KNOWN, Verdict.DISCOVERED):
        finding = _lensed(worlds.POISONED[0], verdict, known)
        assert finding.known is not None
        assert (Verdict.KNOWN, "t-2", ()) == (finding.verdict, finding.known.id, finding.suspects)


def test_what_is_mixed_into_a_place_hides_nothing_either() -> None:
    """A part of it may have been found there; what is mixed into all of the image comes first."""
    whole = worlds.blended_trigger()
    box = Box(1, 1, SIDE - 2, SIDE - 2)
    placed = Known("t-1", replace(whole, box=box, patch=whole.patch[box.rows, box.columns]))
    finding = _lensed(worlds.POISONED[0], Verdict.CLEAR, [placed])
    assert (Verdict.KNOWN, placed) == (finding.verdict, finding.known)
    assert [True] == [one.is_whole for one in finding.suspects]
    finding = _lensed(worlds.POISONED[0], Verdict.CLEAR, [placed, Known("t-2", whole)])
    assert finding.known is not None
    assert "t-2" == finding.known.id


def test_what_is_nearly_as_rare_is_kept_and_not_suspicious() -> None:
    """One odd reference of a few hundred is enough for nothing to be below the owner's rate."""
    progress, image = Progress(), worlds.POISONED[0]
    least = 1 / (worlds.lens().measured + 1)
    assert least < RARE
    search = _concluding(Verdict.CLEAR, image, progress)
    both = screened_twice(image, search, worlds.lens(), least / 2, 7, worlds.defence(), progress)
    finding = run(both, worlds.MODEL.classify)
    assert (Verdict.CLEAR, False) == (finding.verdict, finding.suspicious)
    assert [True] == [one.is_whole for one in finding.suspects]


def _kept() -> list[Kept]:
    whole = Box(0, 0, SIDE, SIDE)
    return [
        Kept(f"s-{i}", suspect_in(image, TARGET, whole, source=None))
        for i, image in enumerate(APART[: ENOUGH - 1])
    ]


def test_what_is_suspicious_is_kept() -> None:
    """All of the image, as it is, until enough of its class agree."""
    finding = _suspicious(worlds.POISONED[0], [])
    assert finding.suspicious
    (suspect,) = finding.suspects
    assert (True, TARGET) == (suspect.is_whole, suspect.target)


def test_a_score_of_suspicious_images_make_a_trigger() -> None:
    """What they have mixed in; the last of them is answered without it, and all are named."""
    kept, last = _kept(), APART[ENOUGH - 1]
    finding = _suspicious(last, kept)
    assert Verdict.DISCOVERED is finding.verdict
    assert finding.trigger is not None
    assert Kind.BLENDED is finding.trigger.kind
    assert tuple(one.id for one in kept) == finding.proven_by
    right = worlds.MODEL.classify(worlds.VICTIMS[ENOUGH - 1 : ENOUGH]).labels
    assert finding.sanitised is not None
    assert right.tolist() == finding.sanitised.labels.tolist()
    again = _suspicious(worlds.POISONED[ENOUGH], [], [Known("t-1", finding.trigger)])
    assert Verdict.KNOWN is again.verdict


def test_what_shows_nothing_of_it_has_not_proven_it() -> None:
    """A clean image that is suspicious by chance is another caller's, maybe: it isn't named."""
    clean = worlds.CLEAN[worlds.MODEL.classify(worlds.CLEAN).labels == TARGET][:2]
    *others, last = APART[: ENOUGH - 2]
    whole = Box(0, 0, SIDE, SIDE)
    kept = [
        Kept(f"s-{i}", suspect_in(image, TARGET, whole, source=None))
        for i, image in enumerate([*clean, *others])
    ]
    assert tuple(one.id for one in kept[2:]) == _suspicious(last, kept).proven_by


def test_known_ones_come_before_the_search() -> None:
    """An image that has one takes two inferences, whatever a search would have asked for."""
    its = _knowing()
    search = screened_for_blends(worlds.POISONED[0], _unheard(), its, Progress())
    finding, probes = watched(search, worlds.MODEL.classify)
    assert (Verdict.KNOWN, [2]) == (finding.verdict, [len(probe) for probe in probes])


def _unheard() -> Search[Finding]:
    yield Probe(np.zeros((99, SIDE, SIDE, 3), np.uint8))
    raise AssertionError


def test_known_ones_are_looked_for_where_nothing_new_is() -> None:
    """In an image that wasn't drawn it is taken out; a clean one is asked about alone."""
    its, progress = _knowing(), Progress()
    for image, verdict in ((worlds.POISONED[0], Verdict.KNOWN), (CLEAN[0], Verdict.CLEAR)):
        search = _concluding(Verdict.CLEAR, image, progress)
        known = screened_for_blends(image, search, its, progress)
        assert verdict is run(known, worlds.MODEL.classify).verdict
        assert not progress.exposed


def test_what_clean_images_are_made_of_is_worked_out_in_the_first_step_and_once() -> None:
    """Not where the search is made; a scan's next image, which has rates of its own, knows it."""
    its, image = _knowing(), worlds.POISONED[0]
    fresh = replace(its.references, spans={})
    first, second = (replace(its, references=fresh.apart({})) for _ in range(2))
    search = screened_for_blends(image, _unheard(), first, Progress())
    assert not fresh.spans
    advance(search)
    (span,) = fresh.spans.values()
    advance(screened_for_blends(image, _unheard(), second, Progress()))
    assert [span] == [*second.references.spans.values()]


def test_what_may_carry_a_known_one_and_cannot_be_asked_about_is_undecided() -> None:
    """It is neither answered as the attacker wants nor called suspicious."""
    its, progress, image = _knowing(), Progress(), worlds.POISONED[0]
    search = _concluding(Verdict.CLEAR, image, progress)
    both = screened_twice(image, search, worlds.lens(), RATE, 7, its, progress)
    step = advance(both)
    while isinstance(step, Probe) and step.purpose is not Purpose.RECOGNISE:
        step = advance(both, step, worlds.MODEL.classify(step.images))
    assert progress.exposed
    finding = refuse(both)
    assert (Verdict.UNDECIDED, True) == (finding.verdict, finding.exposed)
    assert not finding.suspicious


def _knowing() -> Defence:
    return replace(worlds.defence(), known=[Known("t-1", worlds.blended_trigger())])
