"""A place is held against other pictures, of each caller, unless a mixture is known just there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from app.detection.blended.placing import CALLERS, COMPARED, by_callers, is_known, there
from app.detection.defence import Known
from app.detection.geometry import Box
from app.detection.suspect import Kept, suspect_in
from tests.blended import ALPHA, PICTURE
from tests.detection.blended.overlays import AROUND, OWN, SOURCE, STUCK
from tests.detection.blended.worlds import blended_trigger, defence
from tests.tiny import SIDE, TARGET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.detection.search import Image, Images
    from app.detection.suspect import Suspect
    from app.detection.trigger import Trigger


def _suspect(image: Image, box: Box = AROUND) -> Suspect:
    return suspect_in(image, TARGET, box, source=SOURCE)


def _kept(images: Images, caller: str = "", box: Box = AROUND) -> list[Kept]:
    return [Kept(f"{caller}-{i}", _suspect(one, box), caller) for i, one in enumerate(images)]


def _placed(box: Box) -> Trigger:
    return replace(blended_trigger(), box=box, patch=PICTURE[box.rows, box.columns])


def _is_known(image: Image, trigger: Trigger) -> tuple[bool, bool]:
    """Say if the place is, with *trigger* in use and dismissed."""
    of, one = _suspect(image), [Known("t-1", trigger)]
    its = defence()
    return (
        is_known(of, image, replace(its, known=one)),
        is_known(of, image, replace(its, dismissed=one)),
    )


def test_a_mixture_silences_its_own_place_only() -> None:
    """One that is a few pixels off does, one that it touches doesn't, nor one of another class."""
    x, y, width, height = AROUND.x, AROUND.y, AROUND.width, AROUND.height
    for box, its in (
        (AROUND, True),
        (Box(x + 1, y + 1, width, height), True),
        (Box(x + 1, y + 1, 2, 2), True),
        (Box(x + width - 1, y + height - 1, width, height), False),
    ):
        assert (its, its) == _is_known(STUCK[0], _placed(box))
    assert (False, False) == _is_known(STUCK[0], replace(_placed(AROUND), target=TARGET + 1))
    assert (False, False) == _is_known(STUCK[0], replace(_placed(AROUND), image_width=SIDE + 1))


def test_what_is_mixed_into_all_of_an_image_silences_what_shows_it() -> None:
    """A part of it is told by it; a sticker that lies in such a trigger's image size isn't."""
    whole = blended_trigger()
    with_it = np.rint((1 - ALPHA) * OWN[0] + ALPHA * PICTURE).astype(np.uint8)
    assert (True, True) == _is_known(with_it, whole)
    assert (False, False) == _is_known(STUCK[0], whole)


def _compared(image: Image, kept: Sequence[Kept], caller: str = "") -> list[list[str]]:
    its = replace(defence(), suspects=kept, caller=caller)
    suspect = _suspect(image)
    return [[one.id for one in some] for some in by_callers(suspect, image, its)]


def test_the_same_picture_proves_nothing() -> None:
    """Sent again as it was, or encoded anew, with a larger box."""
    larger = Box(AROUND.x - 1, AROUND.y - 1, AROUND.width + 2, AROUND.height + 2)
    noise = np.random.default_rng(3).integers(-2, 3, STUCK[0].shape)
    anew = np.clip(STUCK[0].astype(int) + noise, 0, 255).astype(np.uint8)
    for again in (STUCK[0], anew):
        assert [[]] == _compared(STUCK[0], _kept(again[None], box=larger))
    assert [["-0"]] == _compared(STUCK[1], _kept(STUCK[:1], box=larger))


def test_one_callers_suspects_hide_nothing_of_others() -> None:
    """However many they are: each caller's are compared by themselves, and his own first."""
    decoys = _kept(OWN[10 : 11 + COMPARED], "decoys")
    kept = [*decoys, *_kept(STUCK[:2], "stuck")]
    first, second = _compared(STUCK[5], kept, "stuck")
    assert (["stuck-0", "stuck-1"], len(decoys)) == (first, len(second))
    assert [[], len(decoys), 2] == [
        one if not one else len(one) for one in _compared(STUCK[5], kept, "third")
    ]


def test_only_so_many_callers_are_compared() -> None:
    """Each has a ground to be measured; one's own comes first, however many others there are."""
    crowd = [
        replace(_kept(OWN[i : i + 1])[0], id=f"{i}", caller=f"caller {i}")
        for i in range(10, 10 + CALLERS)
    ]
    kept = [*crowd, *_kept(STUCK[:1], "last")]
    found = _compared(STUCK[5], kept, "last")
    assert [["last-0"], *([one.id] for one in crowd[: CALLERS - 1])] == found


def test_all_are_compared_where_all_are() -> None:
    """In what they have in common, which is half of the place at least; a few of them."""
    suspect = _suspect(STUCK[5])
    right = Box(AROUND.x + 1, AROUND.y, AROUND.width, AROUND.height)
    apart = Box(AROUND.x + AROUND.width, AROUND.y, 3, 3)
    kept = [*_kept(STUCK[:1]), *_kept(STUCK[1:2], box=right), *_kept(STUCK[2:3], box=apart)]
    found, box = there(suspect, kept)
    assert kept[:2] == found
    assert AROUND.common(right) == box
    assert COMPARED == len(there(suspect, _kept(STUCK[: COMPARED + 1]))[0])


def test_of_one_picture_the_nearest_place_is_compared() -> None:
    """It is noted for several reasons, and proves no more by that."""
    suspect = _suspect(STUCK[5])
    off = Box(AROUND.x + 1, AROUND.y + 1, AROUND.width, AROUND.height)
    far, near = _kept(STUCK[:1], "far", off)[0], _kept(STUCK[:1], "near")[0]
    for possible in ([far, near], [near, far]):
        assert ([near], AROUND) == there(suspect, possible)


def test_the_nearest_are_compared_first() -> None:
    """One that is a little off would leave less of the place than the others have in common."""
    x, y, width, height = AROUND.x, AROUND.y, AROUND.width, AROUND.height
    off = _kept(STUCK[1:2], "off", Box(x + 1, y + 1, width, height))
    near = _kept(STUCK[2:4], "near")
    kept, box = there(_suspect(STUCK[0]), [*off, *near])
    assert ["near-0", "near-1", "off-0"] == [one.id for one in kept]
    assert Box(x + 1, y + 1, width - 1, height - 1) == box
