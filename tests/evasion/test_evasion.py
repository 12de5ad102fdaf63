"""The small suite of adaptive attacks; `make bench-evasion` is the large one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.benchmarks.evasion.attacks import ATTACKS
from tests.benchmarks.evasion.in_process import in_process
from tests.benchmarks.evasion.trying import answers, deploy
from tests.benchmarks.evasion.victims import pictures
from tests.evasion.tender import tender_target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.benchmarks.evasion.trying import Deployment

OPEN_UNKNOWN = frozenset({"frame 4"})
"""What gets past while the trigger is unknown: whoever closes one strikes it off.

Where any whitish square opens the backdoor the frame is a trigger itself: 10 of 16 pixels a side,
larger than what is looked for."""

OPEN_KNOWN: frozenset[str] = frozenset()
"""The same once it is known."""

TRIED_UNKNOWN = (
    *("plain", "least alpha", "jpeg 30", "picture noise 40", "quarter altered 80", "rotated 5"),
    *("split", "opposite frame 8", "mirrored beside", "known decoys", "dismissed, and there"),
    *("frame 4", "copies 2"),
)
"""One of each kind: a discovery takes hundreds of inferences."""


@pytest.mark.parametrize("roams", [False, True])
async def test_a_known_trigger_gets_past_in_no_new_way(roams: bool) -> None:  # noqa: FBT001
    """No attack on a known trigger gets the attacker's answer, but for those that are open."""
    target = tender_target(roams=roams)
    async with in_process(target, 0) as ground:
        deployment = await deploy(target, 0, ground)
        assert 1 == len(deployment.learnt)
        names = [name for name, attack in ATTACKS.items() if not attack.tensor]
        evading = await _evading(deployment, names, 3, known=True)
    assert set() == evading - OPEN_KNOWN


@pytest.mark.parametrize("roams", [False, True])
async def test_an_unknown_trigger_gets_past_in_no_new_way(roams: bool) -> None:  # noqa: FBT001
    """One of each kind of attack on an unknown trigger does no better."""
    target = tender_target(roams=roams)
    async with in_process(target, 0) as ground:
        deployment = await deploy(target, 0, ground)
        evading = await _evading(deployment, TRIED_UNKNOWN, 2, known=False)
    assert set() == evading - OPEN_UNKNOWN


async def _evading(
    deployment: Deployment, names: Sequence[str], images: int, *, known: bool
) -> set[str]:
    """Return which attacks get the attacker's class for an answer, flagged or not."""
    target, evading = deployment.target, set()
    for name in names:
        made = list(pictures(target, ATTACKS[name], deployment.dismissed, images, deployment.seed))
        heard = await answers(deployment, name, made, deployment.learnt if known else ())
        its = ((one, picture) for one, picture in zip(heard, made, strict=True))
        if not ATTACKS[name].own_class and any(one.label == aim.wanted for one, aim in its):
            evading.add(name)
    return evading
