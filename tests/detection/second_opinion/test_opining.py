"""A second opinion of one image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.detection.defence import Finding, Progress, Verdict
from app.detection.search import Done, Probe, advance, refuse, run
from app.detection.second_opinion.lens import FURTHER, LAID
from app.detection.second_opinion.opining import rarity, screened_twice
from tests.detection.second_opinion.looking import MODEL, lens, rarities
from tests.striped import striped
from tests.tiny import TARGET, clean_images

if TYPE_CHECKING:
    from app.detection.search import Image, Search

CLEAN = clean_images(60, np.random.default_rng(21))
VICTIMS = CLEAN[MODEL.classify(CLEAN).labels != TARGET]
RATE = 0.01


def test_a_trigger_without_a_place_is_rare() -> None:
    """Striped images are rarer than nearly all clean ones, and clean ones seldom are."""
    assert np.mean(np.array(rarities(striped(VICTIMS))) <= RATE) > 0.9
    assert np.mean(np.array(rarities(CLEAN)) <= RATE) < 0.06


def _concluding(verdict: Verdict, image: Image, progress: Progress) -> Search[Finding]:
    """Ask for the image alone, and conclude *verdict*."""
    progress.said = yield Probe(image[None])
    return Finding(verdict, progress.said, progress.said)


def _twice(image: Image, verdict: Verdict = Verdict.CLEAR) -> tuple[Finding, list[int]]:
    progress, rounds = Progress(), []
    search = _concluding(verdict, image, progress)
    both = screened_twice(image, search, lens(), RATE, 7, progress)
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


def test_refused_there_is_no_opinion() -> None:
    """Whoever has no time or no budget left hears nothing of it."""
    search = rarity(striped(VICTIMS)[0], lens(), 7, Progress())
    advance(search)
    assert 1.0 == refuse(search)


def test_an_answer_is_needed() -> None:
    """Of an image that has not been answered nothing is said."""
    image = striped(VICTIMS)[0]
    assert 1.0 == run(rarity(image, lens(), 7, Progress()), MODEL.classify)
