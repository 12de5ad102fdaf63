"""The rows as tables for people: two for each network, and how the defences are set."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from app.evaluation.report.tables.sheet import Sheet
from app.evaluation.report.tables.wording import (
    NONE,
    bare_percent,
    index_of,
    number,
    percent,
    plain,
    times,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from app.evaluation.field.figures import Row
    from app.evaluation.field.hyperparameters import Setting
    from app.evaluation.measures.intervals import Rate

_CAUGHT = (
    "In brackets: 95 % intervals (Wilson); ±: of the mean over the runs. TPR at FPR 1 % and 0.1 %:"
    " by the streams' own clean images, with equal scores on one side. TPR, FPR: at the defence's"
    " own line, drawn through clean references for 1 % false alarms (of ours: its verdict)."
    " Our score has few steps (flagged, suspicious, taken to confirmation, none): AUROC says little"
    " of it."
)
_EARLIER = "*: of some runs or all the defence's code has changed since. "
_COST = (
    "Inferences, trips, added time: a clean image's, itself included in the inferences. Once:"
    " inferences before the first image. Accuracy:"
    " of clean images, before → after. Attack: poisoned images called what the attacker wants."
    " Agreement: with the model's answers without triggers. A defence that corrects nothing refuses"
    " what it flags."
)
_TUNED = "None was tuned on these models or streams. Needs: what the model must answer with."


def field_tables(rows: Sequence[Row], settings: Mapping[str, Setting]) -> Iterator[Sheet]:
    """Return the tables of *rows*, and how those of the defences are set that are in them."""
    for (data, network), some in groupby(rows, lambda row: (row.data, row.network)):
        block = tuple(some)
        runs, images = max(row.runs for row in block), max(row.images for row in block)
        said = f"{images:,} images in {runs} run{'s' if runs > 1 else ''} for each row, at most. "
        said += _EARLIER if any(row.earlier for row in block) else ""
        yield _caught(f"{data}, {network}: what is caught", block, said + _CAUGHT)
        yield _costs(f"{data}, {network}: answers and price", block, _COST)
    among = {row.defence for row in rows}
    yield _settings({name: one for name, one in settings.items() if name in among})


def _caught(title: str, block: Sequence[Row], note: str) -> Sheet:
    head = (
        "Attack",
        "Defence",
        "Runs",
        "AUROC",
        "TPR at 1 %",
        "at 0.1 %",
        "TPR",
        "FPR",
        "FPR, clean model",
    )
    cells = tuple(
        (
            _attack(row),
            _defence(row),
            str(row.runs),
            index_of(row.auroc),
            percent(row.tpr_at_1),
            bare_percent(row.tpr_at_01),
            bare_percent(row.tpr),
            bare_percent(row.fpr),
            bare_percent(row.clean_fpr),
            times(row.first_flagged),
        )
        for row in block
    )
    return Sheet(None, title, (*head, "First flagged"), cells, (note,))


def _costs(title: str, block: Sequence[Row], note: str) -> Sheet:
    head = ("Attack", "Defence", "Inferences", "Trips", "Added ms", "Once", "Accuracy")
    cells = tuple(
        (
            _attack(row),
            _defence(row),
            number(row.inferences),
            number(row.round_trips),
            number(row.added_ms),
            plain(row.preparation.value if row.preparation else None),
            _change(row.accuracy_before, row.accuracy_after),
            _change(row.success_before, row.success_after),
            bare_percent(row.agreement),
            index_of(row.overlap),
        )
        for row in block
    )
    return Sheet(None, title, (*head, "Attack succeeds", "Agreement", "IoU"), cells, (note,))


def _settings(settings: Mapping[str, Setting]) -> Sheet:
    cells = tuple((name, one.values, one.chosen, one.needs) for name, one in settings.items())
    head = ("Defence", "Hyper-parameters", "Chosen by", "Needs")
    return Sheet(None, "How the defences are set", head, cells, (_TUNED,), names=len(head))


def _defence(row: Row) -> str:
    return f"{row.defence} *" if row.earlier else row.defence


def _attack(row: Row) -> str:
    return f"{row.attack} {row.rate}".strip()


def _change(before: Rate | None, after: Rate | None) -> str:
    if before is None or after is None:
        return NONE
    return f"{bare_percent(before)} → {bare_percent(after)}"
