"""The screen of `fast`: parts of the image on clean images that are hard to change.

A part of a clean image hardly ever carries that image's class over to another image; a trigger
always does (`detection.md` 3). The opening asks every window once, together with the image itself;
what carries is asked again on other references, narrowed, and asked again.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from app.detection.geometry import windows
from app.detection.images import transplant
from app.detection.references import carries
from app.detection.search import Probe

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from app.detection.geometry import Box
    from app.detection.plan import Plan, Scale
    from app.detection.references import References
    from app.detection.search import Answers, Image, Images, Search

NARROW_REPEATS = 1
"""References that a narrowed window is asked on, others each time."""

KEPT = 4
"""Windows that are narrowed or confirmed at most, at each scale: a trigger is in all that it keeps
alive, and more than a few that nature keeps alive tell nothing new."""


@dataclass(frozen=True)
class Suspect:
    """A window that has carried the image's label so far. ``origin`` is its place in the cover."""

    box: Box
    scale: Scale
    origin: int


@dataclass(frozen=True, eq=False)
class Opening:
    """One transplant of every window of every scale, the i-th on the i-th of the references."""

    image: Image
    suspects: tuple[Suspect, ...]
    onto: tuple[int, ...]
    images: Images


def opening(image: Image, references: References, plan: Plan, rng: np.random.Generator) -> Opening:
    """Prepare the first round: the image's label isn't known yet, so any reference will do."""
    suspects = tuple(
        Suspect(box, scale, origin)
        for scale in plan.scales
        for origin, box in enumerate(scale.windows)
    )
    onto = tuple(references.leading(s.scale.name, s.origin, rng) for s in suspects)
    return _asked(image, suspects, onto, references)


def opened(
    first: Opening, answers: Answers, label: int, references: References
) -> Search[list[Suspect]]:
    """Return the windows that carried *label* in the opening.

    Where a reference of the opening is of class *label* itself its answer says nothing, so that
    window is asked again on another.
    """
    hits = answers.labels == label
    void = references.labels[list(first.onto)] == label
    if void.any():
        again = tuple(s for s, own in zip(first.suspects, void, strict=True) if own)
        onto = tuple(next(references.robust(s.scale.name, s.origin, label)) for s in again)
        asked = _asked(first.image, again, onto, references)
        answers = yield Probe(asked.images)
        hits[void] = answers.labels == label
    return [suspect for suspect, hit in zip(first.suspects, hits, strict=True) if hit]


def _asked(
    image: Image, suspects: tuple[Suspect, ...], onto: tuple[int, ...], references: References
) -> Opening:
    """Paste the i-th of the *suspects* onto the i-th reference."""
    pasted = transplant(image, [s.box for s in suspects], references.images[list(onto)])
    return Opening(image, suspects, onto, pasted)


def survivors(
    image: Image, label: int, scale: Scale, suspects: Sequence[Suspect], references: References
) -> Search[list[Suspect]]:
    """Ask the suspects of *scale* again, narrow those that are left, and ask these.

    Each round is on the references after those of the round before.
    """
    alive = [suspect for suspect in suspects if suspect.scale is scale]
    turn = range(1, 1 + scale.repeats)
    if scale.repeats:
        alive = yield from _carrying_again(image, label, alive, references, turn)
    while wide := [suspect for suspect in alive if narrowed(suspect) != [suspect]]:
        narrow = [part for suspect in wide[:KEPT] for part in narrowed(suspect)]
        unique = list({part.box: part for part in narrow}.values())
        turn = range(turn.stop, turn.stop + NARROW_REPEATS)
        alive = yield from _carrying_again(image, label, unique, references, turn)
    return alive[:KEPT]


def narrowed(suspect: Suspect) -> list[Suspect]:
    """Cut a window into smaller ones that still hold every trigger of the scale, two an axis."""
    scale, box = suspect.scale, suspect.box
    width, height = _next_side(box.width, scale), _next_side(box.height, scale)
    return [
        Suspect(part, scale, suspect.origin) for part in windows(box, width, height, scale.trigger)
    ]


def _next_side(side: int, scale: Scale) -> int:
    """Halve what is more than the trigger; a strip goes down to its windows at once."""
    if side <= scale.narrow:
        return side
    if side > 2 * scale.narrow:
        return scale.narrow
    return max(scale.narrow, (side + scale.trigger) // 2)


def _carrying_again(
    image: Image, label: int, suspects: Sequence[Suspect], references: References, turn: range
) -> Search[list[Suspect]]:
    """Return those that carry onto any of the references whose *turn* it is, asked in one round.

    Not onto each: a reference that holds its class hard against nature may hold it against a
    trigger once in a while. A window for which there are no more references is kept: nothing
    speaks against it.
    """
    trials = [
        (suspect, reference)
        for suspect in suspects
        for reference in islice(
            references.robust(suspect.scale.name, suspect.origin, label), turn.start, turn.stop
        )
    ]
    if not trials:
        return list(suspects)
    hits = yield from carries(
        image, label, [s.box for s, _ in trials], [r for _, r in trials], references
    )
    carried = {suspect for (suspect, _), hit in zip(trials, hits, strict=True) if hit}
    missed = {suspect for suspect, _ in trials} - carried
    return [suspect for suspect in suspects if suspect not in missed]
