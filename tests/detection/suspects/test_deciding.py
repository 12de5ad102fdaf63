"""What one image made likely becomes a trigger when others show the same, and only then."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from app.detection.defence import Finding, Verdict
from app.detection.geometry import Box
from app.detection.suspect import Kept, Suspect, suspect_in
from app.detection.suspects.deciding import decided
from app.detection.trigger import Sign, Term
from tests.detection.scenes import own, watched
from tests.detection.suspects.worlds import (
    DATE,
    ELSEWHERE,
    LARGE,
    LARGE_STICKER,
    PLACE,
    SIDE,
    SOURCE,
    STICKER,
    TARGET,
    bearing,
    by_its_ends,
    over_general,
    over_the_digit,
    victims,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.detection.search import Image
    from tests.detection.scenes import Scene

OTHER = 3
"""A class that isn't the images'."""

NEEDED = (Term(Sign.BLOCKING, 2.0, "without it the image loses its class"),)


def _kept(*suspects: Suspect) -> list[Kept]:
    return [Kept(f"s-{i}", one) for i, one in enumerate(suspects)]


def _screened(its: Scene, image: Image, kept: Sequence[Kept] = ()) -> Finding:
    return its.screened(image, replace(its.defence(), suspects=kept))


def _suspects(its: Scene, image: Image) -> tuple[Suspect, ...]:
    finding = _screened(its, image)
    assert Verdict.CLEAR is finding.verdict
    return finding.suspects


def test_one_image_alone_is_suspected() -> None:
    """Of an image that proves nothing its place and its pixels are kept, and what speaks for it."""
    its = over_general()
    suspect, *_ = _suspects(its, victims(its)[0])
    assert (TARGET, SOURCE) == (suspect.target, suspect.source)
    assert PLACE == suspect.box.common(PLACE)
    assert [Sign.BLOCKING] == [one.sign for one in suspect.terms][:1]


def test_another_image_proves_it() -> None:
    """The second image that shows it is answered as if it hadn't; what proved it is named."""
    its = over_general()
    first, *others = victims(its)
    kept = _kept(*_suspects(its, first))
    for image in others[:5]:
        finding = _screened(its, image, kept)
        assert Verdict.DISCOVERED is finding.verdict
        assert finding.trigger is not None
        assert finding.sanitised is not None
        assert [SOURCE] == finding.sanitised.labels.tolist()
        assert (TARGET, SOURCE) == (finding.trigger.target, finding.trigger.source)
        assert finding.trigger.box.overlap(PLACE) >= 0.7
        assert ("s-0",) == finding.proven_by == finding.suspects_seen
        assert Sign.STREAM in {one.sign for one in finding.trigger.evidence.terms}


def test_the_same_picture_again_proves_nothing() -> None:
    """Nor does the next frame of a video, in another light and a pixel off."""
    its = over_general()
    first = victims(its)[0]
    kept = _kept(*_suspects(its, first))
    frame = np.clip(np.roll(first, 1, axis=1).astype(np.int16) + 9, 0, 255).astype(np.uint8)
    for again in (first, frame):
        finding = _screened(its, again, kept)
        assert (Verdict.CLEAR, ()) == (finding.verdict, finding.suspects)


def test_a_date_on_many_images_is_no_trigger() -> None:
    """Pixels that are the same in image after image, and do nothing, are never blocked."""
    its = over_general()
    kept: list[Kept] = []
    for image in its.of_class(TARGET)[:12]:
        finding = _screened(its, bearing(image, DATE, ELSEWHERE), kept)
        assert Verdict.CLEAR is finding.verdict
        kept = [*kept, *_kept(*finding.suspects)]


def test_clean_images_are_not_asked_more() -> None:
    """Where no suspect is shown a clean image takes the same questions as without any."""
    its = over_general()
    kept = _kept(*(one for image in victims(its)[:4] for one in _suspects(its, image)))
    for image in its.clean[:40]:
        without = watched(its.search(image), its.predict)
        beside = replace(its.defence(), suspects=kept)
        finding, probes = watched(its.search(image, beside), its.predict)
        assert Verdict.CLEAR is finding.verdict
        assert own(without[1]) == own(probes)


def test_pixels_that_do_not_carry_prove_nothing() -> None:
    """Suspects of another place, which hiding doesn't need, are compared and let go."""
    its = over_general()
    first, second, *_ = victims(its)
    suspect, *_ = _suspects(its, bearing(first, DATE, ELSEWHERE))
    moved = _kept(replace(suspect, box=replace(suspect.box, x=18, y=1)))
    assert Verdict.CLEAR is _screened(its, second, moved).verdict
    assert STICKER.shape == (PLACE.height, PLACE.width, 3)


def test_over_a_digit_that_tells_two_classes_apart() -> None:
    """Where the class carries by nature it is weighed by what third classes show there."""
    its = over_the_digit()
    first, *others = victims(its)
    suspect = suspect_in(first, TARGET, PLACE.grown(3, SIDE, SIDE), source=OTHER, terms=NEEDED)
    found = [_screened(its, image, _kept(suspect)) for image in others[:8]]
    assert sum(one.verdict is Verdict.DISCOVERED for one in found) >= 7
    for finding in found:
        if (trigger := finding.trigger) is not None:
            assert (TARGET, SOURCE) == (trigger.target, trigger.source)
            laid_over = trigger.alpha is not None and trigger.box.common(PLACE) == PLACE
            assert laid_over or trigger.box.overlap(PLACE) >= 0.5


def test_a_large_one_of_which_any_part_is_enough() -> None:
    """Hidden where one suspect shows it, the image keeps its class: all of them show where it ends.

    One suspect alone proves nothing then.
    """
    its = by_its_ends()
    first, second, third, *_ = (bearing(one, LARGE_STICKER, LARGE) for one in its.of_class(SOURCE))
    upper, lower = (Box(6, y, 20, 10) for y in (LARGE.y - 5, LARGE.y + 4))
    above, below = _kept(
        suspect_in(first, TARGET, upper, source=None, terms=NEEDED),
        suspect_in(second, TARGET, lower, source=None, terms=NEEDED),
    )
    alone, shown = (
        watched(
            decided(third, TARGET, replace(its.defence(), suspects=kept), np.random.default_rng(1)),
            its.predict,
        )[0]
        for kept in ([above], [above, below])
    )
    assert (None, ()) == (alone.found, alone.by)
    assert {above.id, below.id} == set(shown.by)
    assert shown.found is not None
    assert shown.found.answer is not None
    assert [SOURCE] == shown.found.answer.labels.tolist()
    assert LARGE == shown.found.located.pieces[0].common(LARGE)


def test_a_digit_itself_is_no_trigger() -> None:
    """Clean images of the class all show it, and lose their class without it."""
    its = over_the_digit()
    kept: list[Kept] = []
    for image in its.of_class(TARGET)[:12]:
        assert Verdict.CLEAR is _screened(its, image, kept).verdict
        suspect = suspect_in(image, TARGET, PLACE.grown(3, SIDE, SIDE), source=SOURCE, terms=NEEDED)
        kept = [*kept, Kept(f"s-{len(kept)}", suspect)]
