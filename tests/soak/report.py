"""The run's figures as tables and as JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.soak.ledger import Episode, Ledger
    from tests.soak.watch import Worker

KILLING = frozenset({"worker killed"})
"""What cuts connections by its nature: a killed process ends no request well."""

WORDS = frozenset({"after", "there", "what"})
"""Columns that are no numbers."""


@dataclass(frozen=True)
class Outage:
    """What one fault cost: seconds without a good answer, at the longest and until the first."""

    fault: str
    lasted: float
    longest: float
    recovery: float


def good(ledger: Ledger) -> bool:
    """Tell if nothing happened that must not."""
    unstated = [fault for (_, fault) in ledger.unstated if fault not in KILLING]
    return not (ledger.wrong or ledger.unflagged or ledger.false_alarms or unstated)


def outages(ledger: Ledger) -> list[Outage]:
    """Return what each fault cost, in order."""
    until = [episode.start for episode in ledger.episodes[1:]] + [ledger.now]
    pairs = zip(ledger.episodes, until, strict=True)
    return [_outage(episode, next_, ledger.good) for episode, next_ in pairs]


def figures(ledger: Ledger, workers: Iterable[Worker], seed: int) -> dict[str, Any]:
    """Return everything, for JSON."""
    return {
        "seed": seed,
        "seconds": ledger.now,
        "sent": ledger.sent,
        "answered": ledger.answered,
        "images": ledger.images,
        "poisoned": ledger.poisoned,
        "flagged": ledger.flagged,
        "triggers_known": len(ledger.known),
        "missed": dict(ledger.missed),
        "wrong": [asdict(note) for note in ledger.wrong],
        "unflagged": [asdict(note) for note in ledger.unflagged],
        "false_alarms": [asdict(note) for note in ledger.false_alarms],
        "refused": _listed(ledger.refused),
        "unstated": _listed(ledger.unstated),
        "hostile": _listed(ledger.hostile_answers),
        "faults": [asdict(outage) for outage in outages(ledger)],
        "workers": [asdict(worker) for worker in workers],
        "good": good(ledger),
    }


def tables(ledger: Ledger, workers: Iterable[Worker]) -> Iterator[Table]:
    """Return the same to be read."""
    yield _totals(ledger)
    yield _by_fault(ledger)
    yield _workers(workers)
    if notes := [*ledger.wrong, *ledger.unflagged, *ledger.false_alarms]:
        table = _table("What must not happen", "at", "what", "after")
        for note in notes[:40]:
            table.add_row(f"{note.at:.1f} s", note.what, note.fault)
        yield table
    if ledger.unstated:
        table = _table("Not stated by the policy", "what", "after", "times")
        for (what, fault), count in ledger.unstated.most_common(40):
            table.add_row(what, fault, str(count))
        yield table


def _totals(ledger: Ledger) -> Table:
    table = _table(f"{ledger.now:.0f} s of load", "", "count")
    rows = {
        "requests sent": ledger.sent,
        "answered": ledger.answered,
        **{f"refused: {kind}": n for kind, n in sorted(_summed(ledger.refused, 0).items())},
        "images answered": ledger.images,
        "of them poisoned": ledger.poisoned,
        "flagged": ledger.flagged,
        "triggers found": len(ledger.known),
        **{f"not flagged, {when}": n for when, n in sorted(ledger.missed.items())},
        "WRONG (must be 0)": len(ledger.wrong),
        "UNFLAGGED though known (must be 0)": len(ledger.unflagged),
        "FALSE ALARMS (must be 0)": len(ledger.false_alarms),
        "UNSTATED errors (must be 0 but where a worker is killed)": ledger.unstated.total(),
    }
    for name, count in rows.items():
        table.add_row(name, f"{count:,}")
    return table


def _by_fault(ledger: Ledger) -> Table:
    heads = ("times", "refused", "unstated", "longest outage", "until good again")
    table = _table("Faults", "fault", *heads)
    found = outages(ledger)
    refused, unstated = _summed(ledger.refused, 1), _summed(ledger.unstated, 1)
    for name in sorted({outage.fault for outage in found}):
        mine = [outage for outage in found if outage.fault == name]
        longest, recovery = (
            max(getattr(o, what) for o in mine) for what in ("longest", "recovery")
        )
        counts = (len(mine), refused[name], unstated[name])
        table.add_row(name, *map(str, counts), f"{longest:.1f} s", f"{recovery:.1f} s")
    return table


def _workers(workers: Iterable[Worker]) -> Table:
    heads = ("there", "MB when warm", "most", "after", "MB at end", "open files", "most")
    table = _table("Workers", "process", *heads)
    for worker in workers:
        warm = "" if worker.rss_warm is None else f"{worker.rss_warm:.0f}"
        table.add_row(
            str(worker.pid),
            f"{worker.since:.0f} to {worker.seen:.0f} s",
            *(warm, f"{worker.rss_most:.0f}", worker.most_under, f"{worker.rss:.0f}"),
            *(str(worker.files), str(worker.files_most)),
        )
    return table


def _outage(episode: Episode, until: float, good_at: list[float]) -> Outage:
    lifted = until if episode.end is None else episode.end
    inside = [at for at in good_at if episode.start <= at <= until]
    gaps = [b - a for a, b in pairwise([episode.start, *inside, until])]
    recovered = next((at for at in inside if at >= lifted), until)
    lasted = lifted - episode.start
    return Outage(episode.name, lasted, max(gaps), recovered - lifted)


def _summed(counts: Counter[tuple[str, str]], place: int) -> Counter[str]:
    """Sum *counts* over the other part of their names."""
    summed: Counter[str] = Counter()
    for name, count in counts.items():
        summed[name[place]] += count
    return summed


def _listed(counts: Counter[tuple[str, str]]) -> list[dict[str, Any]]:
    return [{"what": w, "fault": f, "count": n} for (w, f), n in counts.most_common()]


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="left" if name in WORDS else "right")
    return table
