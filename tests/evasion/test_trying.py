"""How pictures of an attack are sent while a trigger is known alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.benchmarks.evasion.ground import Answer, World, as_entry
from tests.benchmarks.evasion.in_process import in_process
from tests.benchmarks.evasion.trying import Deployment, deploy, tried_known
from tests.benchmarks.evasion.victims import dismissed_patch
from tests.evasion.tender import tender_target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from app.detection.trigger import Trigger


class _Notes:
    """A ground that notes what it holds and how many images come in each request."""

    door = "noting"

    def __init__(self, together: int) -> None:
        self.together = together
        self.worlds: list[World] = []
        self.requests: list[int] = []

    async def reset(self, world: World) -> None:
        """Note *world*."""
        self.worlds.append(world)

    async def answers(self, images: Sequence[NDArray[Any]]) -> list[Answer]:
        """Say of each of *images* how many came before it."""
        self.requests.append(len(images))
        before = sum(self.requests[:-1])
        return [Answer(before + i, flagged=True, inferences=None) for i in range(len(images))]

    async def learnt(self) -> list[Trigger]:
        """Return nothing."""
        return []


async def test_known_pictures_all_go_to_one_library_in_full_requests() -> None:
    """It is filled once with what was learnt; each picture has its own answer, in their order."""
    target, ground = tender_target(), _Notes(together=3)
    learnt = [as_entry(target.stamp, target.stamp.target or 0, target.subject.test.shape[1:])]
    deployment = Deployment(target, 0, ground, learnt, dismissed_patch(target, 0))
    made = await tried_known(deployment, "plain", 7)
    assert [learnt] == [list(world.triggers) for world in ground.worlds]
    assert [3, 3, 1] == ground.requests
    assert list(range(7)) == [one.known.label for one in made]
    assert {(target.stamp.target, None)} == {(one.wanted, one.unknown) for one in made}


async def test_the_library_learns_from_one_known_picture_to_the_next() -> None:
    """A trigger that nobody has taught is found by the first picture, and recognised in others."""
    target = tender_target()
    async with in_process(target, 0) as ground:
        taught = await deploy(target, 0, ground)
        untaught = Deployment(target, 0, ground, (), taught.dismissed)
        first, *others = await tried_known(untaught, "plain", 4)
    assert all(one.known.flagged for one in (first, *others))
    most = max(one.known.inferences or 0 for one in others)
    assert most < (first.known.inferences or 0)
