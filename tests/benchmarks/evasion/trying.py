"""One attack on one deployment: what each picture came to, unknown and known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.benchmarks.evasion.attacks import ATTACKS
from tests.benchmarks.evasion.defended import Defence, Session, as_entry, library_of
from tests.benchmarks.evasion.victims import dismissed_patch, pictures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.detection.trigger import Trigger
    from app.evaluation.records import Stamp
    from app.library.memory import MemoryTriggerLibrary
    from tests.benchmarks.evasion.defended import Answer
    from tests.benchmarks.evasion.victims import Picture, Target

LEARNT_FROM = 12
"""Plain poisoned images: one reveals the trigger, eight are kept to work its pixels out."""


@dataclass(frozen=True, eq=False)
class Deployment:
    """A defence with a secret of its own, and what it has learnt of the trigger."""

    target: Target
    seed: int
    defence: Defence
    learnt: Sequence[Trigger]
    dismissed: Stamp


@dataclass(frozen=True)
class Tried:
    """A picture to be called ``wanted``, and what a client heard of it in each state."""

    wanted: int
    unknown: Answer
    known: Answer


async def deploy(target: Target, seed: int) -> Deployment:
    """Calibrate a deployment and let it learn the trigger from plain poisoned images."""
    defence = await Defence.prepare(target.subject, seed)
    dismissed = dismissed_patch(target, seed)
    library = await library_of([])
    session = Session(defence, library)
    for picture in pictures(target, ATTACKS["plain"], dismissed, LEARNT_FROM, seed + 1_000):
        await session.answer(picture.pixels)
    learnt = [entry.trigger for entry in library.entries()]
    return Deployment(target, seed, defence, learnt, dismissed)


async def tried(deployment: Deployment, name: str, most: int) -> list[Tried]:
    """Send up to *most* pictures of the attack *name*, each to a fresh library of either kind."""
    made = pictures(deployment.target, ATTACKS[name], deployment.dismissed, most, deployment.seed)
    return [
        Tried(
            picture.wanted,
            await _answer(deployment, name, picture, []),
            await _answer(deployment, name, picture, deployment.learnt),
        )
        for picture in made
    ]


async def _answer(
    deployment: Deployment, name: str, picture: Picture, known: Sequence[Trigger]
) -> Answer:
    library = await before(deployment, name, picture.wanted, known)
    return await Session(deployment.defence, library).answer(picture.pixels)


async def before(
    deployment: Deployment, name: str, wanted: int, known: Sequence[Trigger]
) -> MemoryTriggerLibrary:
    """Return the library that a picture of the attack *name* meets, where *known* was learnt."""
    attack, shape = ATTACKS[name], deployment.target.subject.test.shape[1:]
    others = deployment.target.others if attack.decoys_known else ()
    dismissed = [deployment.dismissed] if attack.dismissed else []
    return await library_of(
        [*known, *(as_entry(stamp, wanted, shape) for stamp in others)],
        [as_entry(stamp, wanted, shape) for stamp in dismissed],
    )
