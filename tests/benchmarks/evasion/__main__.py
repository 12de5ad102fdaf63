"""`make bench-evasion`: who knows the source tries to get a trigger past the gateway.

make bench-evasion ARGS="--models signs/signs_flower --attacks plain 'alpha *' --doors 'v2 *'"
make bench-evasion ARGS="--in-process --secrets 3 --json evasion.json"    without HTTP: faster
make bench-evasion ARGS="--in-process --beside 10"    ten other triggers of the class are known, too
make bench-evasion ARGS="--in-process --taught 'copies 2'"    learnt from such pictures, too
make bench-evasion ARGS="--known --doors '*'"    known only, and it goes on learning
make bench-evasion ARGS="--in-process --attacks 'search*' --lockout 3"    as with NEO_LOCKOUT_AFTER

Every attack is made of clean images that neither the model nor one without a backdoor calls what
the attacker wants; those pictures count that make the backdoored model say so, and not the other.
Evaded: not flagged, and the attacker's class is answered. Unknown: no trigger is known before each
request. Known: what plain poisoned images have taught is. The search is an attacker's who sees the
answers: 500 queries an image, of which the gateway learns.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING

import orjson
from rich.console import Console

from tests.benchmarks.evasion.in_process import in_process
from tests.benchmarks.evasion.options import read_options
from tests.benchmarks.evasion.over_http import over_http
from tests.benchmarks.evasion.rows import MISSED, SEARCHES, Row, head, line, row, row_of_search
from tests.benchmarks.evasion.trying import climbed, deploy, tried, tried_known
from tests.benchmarks.evasion.victims import read_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.benchmarks.evasion.climbing import Climb
    from tests.benchmarks.evasion.options import Options
    from tests.benchmarks.evasion.trying import Deployment, Tried
    from tests.benchmarks.evasion.victims import Target

INTERRUPTED = 130


def main() -> None:
    """Try every attack on every model; print the table, and save it if a file is named."""
    options = read_options(__doc__)
    console = Console()
    if not options.zoo.is_dir():
        console.print("skipped: no zoo")
        return
    logging.getLogger("app").setLevel(logging.ERROR)  # what became of an image is in the table
    try:
        asyncio.run(_try_all(options, console))
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None


async def _try_all(options: Options, console: Console) -> None:
    rows: list[Row] = []

    def note(made: Row) -> None:
        rows.append(made)
        _print(console, line(made, _plain(rows, made)))
        _save(options, rows)  # Ctrl-C keeps what is done

    _print(console, head())
    for name, folder in options.models.items():
        target = read_target(name, folder, options.zoo)
        if target is None:
            _print(console, f"skipped: {name}, which isn't backdoored by one trigger")
            continue
        await _try_model(options, console, target, note)
    _print(console, f"\n{MISSED} misses its target")


async def _try_model(
    options: Options, console: Console, target: Target, note: Callable[[Row], None]
) -> None:
    """Try every attack on a deployment after the other; *note* the pooled rows with the last."""
    what = _Pooled(target.subject.name)
    for seed in range(options.secrets):
        door = (
            over_http if options.over_http else partial(in_process, lockout_after=options.lockout)
        )
        async with door(target, seed) as ground:
            deployment = await deploy(target, seed, ground, options.beside, options.taught)
            if not deployment.learnt:
                _print(console, f"{what.model}: the deployment {seed} learnt nothing")
            for door_name, attack in _errands(options):
                ground.door = door_name
                made = await what.row(options, deployment, attack)
                if seed == options.secrets - 1:
                    note(made)


def _errands(options: Options) -> Iterator[tuple[str, str]]:
    for door, attacks in options.doors.items():
        for attack in attacks:
            yield door, attack


class _Pooled:
    """What all deployments of a model have come to, by door and attack."""

    def __init__(self, model: str) -> None:
        self.model = model
        self._tried: defaultdict[tuple[str, str], list[Tried]] = defaultdict(list)
        self._climbs: defaultdict[tuple[str, str], tuple[list[Climb], list[Climb]]] = defaultdict(
            lambda: ([], [])
        )

    async def row(self, options: Options, deployment: Deployment, attack: str) -> Row:
        """Try *attack* once more; return what it comes to by now."""
        door = deployment.ground.door
        if attack in SEARCHES:
            searches = -(-options.searches // options.secrets)
            whole = SEARCHES[attack]
            made = await climbed(deployment, searches, options.queries, whole=whole)
            all_climbs = self._climbs[door, attack]
            for climbs, more in zip(all_climbs, made, strict=True):
                climbs.extend(more)
            return row_of_search(self.model, door, attack, all_climbs)
        images = -(-options.images // options.secrets)
        trying = tried_known if options.known else tried
        self._tried[door, attack] += await trying(deployment, attack, images)
        return row(self.model, door, attack, self._tried[door, attack])


def _plain(rows: Sequence[Row], made: Row) -> Row | None:
    """Return the row of the plain trigger on the same model, the last one."""
    same = (one for one in reversed(rows) if one.model == made.model and one.attack == "plain")
    return next(same, None)


def _print(console: Console, text: str) -> None:
    console.print(text, soft_wrap=True, highlight=False, markup=False)


def _save(options: Options, rows: Sequence[Row]) -> None:
    if options.json:
        told = {"images": options.images, "secrets": options.secrets, "rows": rows}
        how = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        options.json.write_bytes(orjson.dumps(told, option=how))


if __name__ == "__main__":
    main()
