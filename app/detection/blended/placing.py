"""Which suspects a place of an image is held against, and whether it needs to be; no probe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.detection.blended.grounds import ground_at
from app.detection.suspects.resemblance import is_again

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.detection.defence import Defence
    from app.detection.geometry import Box
    from app.detection.search import Image
    from app.detection.suspect import Kept, Suspect
    from app.detection.trigger import Trigger

OVERLAP = 0.5  # of a place, that all suspects have in common
COMPARED = 8  # suspects of one place and caller, those seen last
CALLERS = 8  # whose suspects are compared, each by themselves
SAME_OVERLAP = 0.25  # of two boxes, from which on they are one place
SAME_SHARE = 0.6  # of the smaller one, that is in the larger: the same
HALF_OF_IT = 0.5  # of a picture that is mixed into all of an image, that a part of it shows


def is_known(suspect: Suspect, image: Image, defence: Defence) -> bool:
    """Say if a mixture is known about there, or dismissed: its images are told by that.

    One that is mixed into all of an image lies there only if the place shows a part of it.
    """
    size = (suspect.image_height, suspect.image_width, image.shape[2])
    triggers = [
        one.trigger
        for one in (*defence.known, *defence.dismissed)
        if one.trigger.alpha is not None
        and one.trigger.target == suspect.target
        and (one.trigger.image_height, one.trigger.image_width, one.trigger.patch.shape[2]) == size
    ]
    return any(
        _shows(image, one, suspect.box, defence)
        if one.is_whole
        else _is_about(one.box, suspect.box)
        for one in triggers
    )


def _is_about(one: Box, other: Box) -> bool:
    """Say if both are one place, by the rule of the library (`app/library/rules/sameness.py`)."""
    common = one.common(other)
    shared = 0 if common is None else common.area
    return one.overlap(other) >= SAME_OVERLAP or shared >= SAME_SHARE * min(one.area, other.area)


def _shows(image: Image, trigger: Trigger, box: Box, defence: Defence) -> bool:
    """Say if *image* has in *box* what is left there of a picture that is mixed into all of it."""
    ground = ground_at(box, defence.references)
    left = (trigger.alpha or 0.0) * ground.span.residue(trigger.patch[box.rows, box.columns])
    common = ground.in_common(ground.span.residue(image[box.rows, box.columns]), left)
    return common >= HALF_OF_IT * ground.in_common(left, left)


def by_callers(suspect: Suspect, image: Image, defence: Defence) -> list[list[Kept]]:
    """Return the suspects that lead to the same class from another, of each caller, his first.

    Those that are at its place; the same picture, sent again, proves nothing.
    """
    found: dict[str, list[Kept]] = {defence.caller: []}
    size = image.shape
    for one in defence.suspects:
        its = one.suspect
        if its.target != suspect.target or its.source is None:
            continue
        if size != (its.image_height, its.image_width, its.patch.shape[2]):
            continue
        is_there = _in_common(suspect, its) is not None
        if is_there and not is_again(suspect.sketch, its, defence.references):
            found.setdefault(one.caller, []).append(one)
    return [*found.values()][:CALLERS]


def there(suspect: Suspect, possible: Sequence[Kept]) -> tuple[list[Kept], Box]:
    """Return which of those *possible* are at the place of *suspect*, and where all are.

    Of one picture that which shows most of the place: twice it proves no more.
    """
    there: list[Kept] = []
    box = suspect.box
    for one in _nearest(suspect, possible):
        common = _in_common(suspect, one.suspect, box)
        if common is not None:
            there.append(one)
            box = common
        if len(there) == COMPARED:
            break
    return there, box


def _in_common(suspect: Suspect, other: Suspect, box: Box | None = None) -> Box | None:
    """Return what *box*, by default that of *suspect*, and *other* share; None if it is little."""
    common = (box or suspect.box).common(other.box)
    return common if common is not None and common.area >= OVERLAP * suspect.box.area else None


def _nearest(suspect: Suspect, possible: Sequence[Kept]) -> list[Kept]:
    """Return of each picture of those *possible* the one that is nearest to *suspect*.

    The nearest of them first: one that is off would leave little that the others have in common.
    """
    nearest: dict[bytes, Kept] = {}
    for one in possible:
        picture = one.suspect.sketch.tobytes()
        before = nearest.setdefault(picture, one).suspect
        if suspect.box.overlap(one.suspect.box) > suspect.box.overlap(before.box):
            nearest[picture] = one
    return sorted(nearest.values(), key=lambda one: -suspect.box.overlap(one.suspect.box))
