"""One attack on one deployment: what each picture came to, unknown and known."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from app.library.rules.sameness import same_trigger
from tests.benchmarks.evasion.attacks import ATTACKS
from tests.benchmarks.evasion.climbing import Climb, climb
from tests.benchmarks.evasion.ground import Answer, World, as_entry
from tests.benchmarks.evasion.victims import attempts, dismissed_patch, pictures, squares

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.detection.trigger import Trigger
    from app.evaluation.records import Stamp
    from tests.benchmarks.evasion.ground import Ground
    from tests.benchmarks.evasion.victims import Picture, Target

LEARNT_FROM = 12
"""Plain poisoned images: one reveals the trigger, eight are kept to work its pixels out."""

TAUGHT = 4
"""Pictures of each attack that teaches: from three hits on a trigger's pixels are worked out."""

OTHERS = 1_000
"""What is added to a seed for images that aren't attacked."""


@dataclass(frozen=True, eq=False)
class Deployment:
    """A defence with a secret of its own, and what it has learnt of the trigger."""

    target: Target
    seed: int
    ground: Ground
    learnt: Sequence[Trigger]
    dismissed: Stamp


@dataclass(frozen=True)
class Tried:
    """A picture to be called ``wanted``, and what a client heard of it in each state.

    ``unknown`` is None where it was sent while the trigger was known alone.
    """

    wanted: int
    unknown: Answer | None
    known: Answer


async def deploy(
    target: Target, seed: int, ground: Ground, beside: int = 0, taught: Sequence[str] = ()
) -> Deployment:
    """Let *ground* learn the trigger from plain poisoned images, *beside* so many others.

    Then from what the attacks *taught* make, as an attacker would who wants it to unlearn: as the
    first hits after it was worked out.
    """
    dismissed = dismissed_patch(target, seed)
    await ground.reset(World())
    for picture in pictures(target, ATTACKS["plain"], dismissed, LEARNT_FROM, seed + OTHERS):
        await ground.answers([picture.pixels])
    learnt = await ground.learnt()
    if taught:
        await ground.reset(World(learnt))
        for name in taught:
            for picture in pictures(target, ATTACKS[name], dismissed, TAUGHT, seed + OTHERS):
                await ground.answers([picture.pixels])
        learnt = await ground.learnt()
    return Deployment(target, seed, ground, _with_others(learnt, target, beside, seed), dismissed)


def _with_others(learnt: list[Trigger], target: Target, more: int, seed: int) -> list[Trigger]:
    """Return *learnt* and so many *more*, none of which a library takes for another of them."""
    shape, wanted = target.subject.test.shape[1:], target.stamp.target or 0
    known, others = [*learnt], squares(target, seed)
    while len(known) < len(learnt) + more:
        other = as_entry(next(others), wanted, shape)
        if not any(same_trigger(other, one) for one in known):
            known.append(other)
    return known


async def tried(deployment: Deployment, name: str, most: int) -> list[Tried]:
    """Send up to *most* pictures of the attack *name*, each request to a library as it was."""
    target, dismissed = deployment.target, deployment.dismissed
    made = list(pictures(target, ATTACKS[name], dismissed, most, deployment.seed))
    unknown = await answers(deployment, name, made, [])
    known = await answers(deployment, name, made, deployment.learnt)
    return [
        Tried(picture.wanted, first, second)
        for picture, first, second in zip(made, unknown, known, strict=True)
    ]


async def tried_known(deployment: Deployment, name: str, most: int) -> list[Tried]:
    """Send up to *most* pictures of the attack *name*, all to one library, which learns of each."""
    target, ground = deployment.target, deployment.ground
    made = list(pictures(target, ATTACKS[name], deployment.dismissed, most, deployment.seed))
    await ground.reset(_world(deployment, name, deployment.learnt))
    heard: list[Answer] = []
    for start in range(0, len(made), ground.together):
        some = made[start : start + ground.together]
        heard += await ground.answers([picture.pixels for picture in some])
    pairs = zip(made, heard, strict=True)
    return [Tried(picture.wanted, None, answer) for picture, answer in pairs]


async def climbed(
    deployment: Deployment, most: int, queries: int, *, whole: bool = False
) -> tuple[list[Climb], list[Climb]]:
    """Let an attacker search on up to *most* images; unknown at first, and known.

    With *whole* all of the picture is altered as well.
    """
    both: tuple[list[Climb], list[Climb]] = ([], [])
    for climbs, known in zip(both, ([], deployment.learnt), strict=True):
        its = attempts(deployment.target, deployment.dismissed, deployment.seed)
        for attempt in islice(its, most):
            await deployment.ground.reset(World(known))
            needs = deployment.target.needs_backdoor
            climbs.append(await climb(attempt, deployment.ground, needs, queries, whole=whole))
    return both


async def answers(
    deployment: Deployment, name: str, made: Sequence[Picture], known: Sequence[Trigger]
) -> list[Answer]:
    """Send the pictures that the attack *name* *made*, where *known* was learnt before each."""
    together = deployment.ground.together
    world = _world(deployment, name, known)
    heard: list[Answer] = []
    for start in range(0, len(made), together):
        part = [picture.pixels for picture in made[start : start + together]]
        await deployment.ground.reset(world)
        heard += await deployment.ground.answers(part)
    return heard


def _world(deployment: Deployment, name: str, known: Sequence[Trigger]) -> World:
    """Return what a picture of the attack *name* meets, where *known* was learnt."""
    attack, target = ATTACKS[name], deployment.target
    shape, wanted = target.subject.test.shape[1:], target.stamp.target or 0
    others = target.others if attack.decoys_known else ()
    dismissed = [deployment.dismissed] if attack.dismissed else []
    return World(
        [*known, *(as_entry(stamp, wanted, shape) for stamp in others)],
        [as_entry(stamp, wanted, shape) for stamp in dismissed],
    )
