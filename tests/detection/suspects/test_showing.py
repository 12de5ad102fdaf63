"""Which of many images show a suspect: the same as image by image, at a fraction of the time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.detection.suspect import Kept, sketched
from app.detection.suspects.alike import UNUSUAL, weighed
from app.detection.suspects.resemblance import is_again
from app.detection.suspects.showing import MOST, showing, telling
from app.detection.trigger import Sign, Term
from tests.detection.suspects.worlds import SOURCE, TARGET, over_general, pictures, victims


@pytest.fixture(scope="module")
def kept() -> list[Kept]:
    """Return what one image has left."""
    its = over_general()
    suspect, *_ = its.screened(victims(its)[0], its.defence()).suspects
    return [Kept("s-0", suspect)]


def test_all_at_once_is_the_same_as_one_by_one(kept: list[Kept]) -> None:
    """Whoever shows it is told by which class it would have to be called; few clean ones are."""
    its = over_general()
    borne, clean = victims(its), list(pictures(100, 3))
    references, suspect = its.defence().references, kept[0].suspect
    told = showing([*borne, *clean], kept, references)
    one_by_one = [
        weighed(image, suspect, references)[0] >= UNUSUAL
        and not is_again(sketched(image), suspect, references)
        for image in (*borne, *clean)
    ]
    assert [{TARGET} if shows else set() for shows in one_by_one] == told
    assert not told[0], "it is the same picture"
    assert sum(map(bool, told[: len(borne)])) >= len(borne) - 2
    assert sum(map(bool, told[len(borne) :])) <= 3


def test_few_are_told_the_likeliest_first(kept: list[Kept]) -> None:
    """Those that are of images of another size are left out."""
    suspect, references = kept[0].suspect, over_general().defence().references
    likelier = replace(suspect, terms=(Term(Sign.BLOCKING, 7.0, ""),), source=SOURCE)
    other = replace(likelier, image_width=64)
    several = [Kept(str(i), one) for i, one in enumerate([*[suspect] * MOST, likelier, other])]
    found = telling(several, references)
    assert MOST == len(found)
    assert str(MOST) == found[0].id
    assert str(MOST + 1) not in {one.id for one in found}


def test_where_no_image_could_be_read_nothing_is_shown(kept: list[Kept]) -> None:
    """All pictures that came together may be damaged."""
    assert showing([], kept, over_general().defence().references) == []
