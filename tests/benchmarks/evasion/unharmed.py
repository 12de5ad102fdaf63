"""False alarms where they are likeliest: clean images that are called what a known trigger wants.

`python -m tests.benchmarks.evasion.unharmed --models mnist/poisoned_1 --secrets 2` prints a row for
each model: in each deployment the trigger is learnt from plain poisoned images, then every test
image without it that the model calls the attacker's class is screened for it and for new ones.
"""

from __future__ import annotations

import argparse
import asyncio
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.progress import track

from app.evaluation.measures.intervals import rate
from tests.benchmarks.evasion.ground import World
from tests.benchmarks.evasion.in_process import in_process
from tests.benchmarks.evasion.options import MODELS, models_in
from tests.benchmarks.evasion.trying import deploy
from tests.benchmarks.evasion.victims import read_target
from tests.benchmarks.zoo import ZOO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.benchmarks.evasion.ground import Answer
    from tests.benchmarks.evasion.victims import Target


def main() -> None:
    """Print a row for each model."""
    options, console = _options(), Console(width=120)
    folders = models_in(ZOO)
    if not folders:
        console.print("skipped: no zoo")
        return
    console.print("| model | secrets | clean images called the target | flagged | inferences |")
    console.print("|---|---|---|---|---|")
    for name in options.models:
        target = read_target(name, folders[name], ZOO)
        if target is None:
            console.print(f"skipped: {name}, which isn't backdoored by one trigger")
            continue
        answers: list[Answer] = []
        for secret in track(range(options.secrets), name, console=console, transient=True):
            answers += asyncio.run(_answers(target, secret, options.images))
        console.print(_row(name, options.secrets, answers), highlight=False)


def _row(name: str, secrets: int, answers: Sequence[Answer]) -> str:
    hits, of = sum(one.flagged for one in answers), len(answers)
    flagged = rate(hits, of)
    bounds = f" ({100 * flagged.low:.2f} to {100 * flagged.high:.2f} %)" if flagged else ""
    cost = np.mean([one.inferences or 0 for one in answers])
    return f"| {name} | {secrets} | {of} | {hits}{bounds} | {cost:.1f} |"


async def _answers(target: Target, secret: int, most: int) -> list[Answer]:
    subject, wanted = target.subject, target.stamp.target
    called = np.flatnonzero(target.says(subject.test) == wanted)
    chosen = np.random.default_rng([secret, 15]).permutation(called)[:most]
    async with in_process(target, secret) as ground:
        deployment = await deploy(target, secret, ground)
        await ground.reset(World(deployment.learnt))
        return await ground.answers(list(subject.test[chosen]))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", default=MODELS, metavar="FOLDER/NAME")
    parser.add_argument("--secrets", type=int, default=1)
    parser.add_argument("--images", type=int, default=1000, help="of each deployment, at most")
    return parser.parse_args()


if __name__ == "__main__":
    main()
