"""The figures of a row: a defence in front of a model, over all seeds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import roc_auc_score

from app.evaluation.field.models import NO_ATTACK
from app.evaluation.measures.intervals import Mean, Rate, mean, rate
from app.evaluation.measures.metrics import counts, share

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from app.evaluation.field.cells import Cell
    from app.evaluation.field.columns import Columns

AT_1, AT_01 = 0.01, 0.001


@dataclass(frozen=True)
class Row:
    """A row of the table; None is what doesn't apply, or wasn't measured.

    ``tpr`` and ``fpr`` are at the defence's own line, ``tpr_at_1`` and ``tpr_at_01`` at the one
    that 1 % and 0.1 % of the streams' own clean images exceed. ``clean_fpr`` is of the same network
    without a backdoor. ``earlier`` is how many of the ``runs`` were measured by earlier code of the
    defence. ``added_ms`` is a clean image's time beyond that of a plain answer.
    ``accuracy`` is that of clean images, ``success`` how many poisoned ones are called what the
    attacker wants: before, and after. ``agreement`` is with the model's answers without triggers;
    an image that is refused agrees with none.
    """

    data: str
    network: str
    attack: str
    rate: str
    defence: str
    runs: int
    earlier: int
    images: int
    auroc: Mean | None
    tpr_at_1: Rate | None
    tpr_at_01: Rate | None
    tpr: Rate | None
    fpr: Rate | None
    clean_fpr: Rate | None
    first_flagged: Rate | None
    inferences: Mean | None
    round_trips: Mean | None
    added_ms: Mean | None
    preparation: Mean | None
    accuracy_before: Rate | None
    accuracy_after: Rate | None
    success_before: Rate | None
    success_after: Rate | None
    agreement: Rate | None
    overlap: Mean | None


def rows(measured: Mapping[Cell, Columns], earlier: Collection[Cell] = ()) -> tuple[Row, ...]:
    """Return the rows of what was *measured*, in its order, some of it by *earlier* code."""
    groups: dict[tuple[str, ...], list[Columns]] = {}
    for cell, columns in measured.items():
        groups.setdefault(_key(cell), []).append(columns)
    older = Counter(map(_key, earlier))
    return tuple(_row(key, parts, older[key], groups) for key, parts in groups.items())


def _key(cell: Cell) -> tuple[str, ...]:
    model = cell.model
    return (model.data, model.network, model.attack, model.rate, cell.defence)


def _row(
    key: tuple[str, ...],
    parts: Sequence[Columns],
    earlier: int,
    groups: Mapping[tuple[str, ...], list[Columns]],
) -> Row:
    data, network, attack, poisoning, defence = key
    seen = _Pooled(parts)
    flagged = counts(seen("flagged"), seen("poisoned"))
    clean = ~seen("poisoned")
    unharmed = groups.get((data, network, NO_ATTACK, "", defence))
    return Row(
        data=data,
        network=network,
        attack=attack,
        rate=poisoning,
        defence=defence,
        runs=len(parts),
        earlier=earlier,
        images=len(clean),
        auroc=mean(list(_aurocs(parts))),
        tpr_at_1=caught_at(AT_1, seen("score"), seen("poisoned")),
        tpr_at_01=caught_at(AT_01, seen("score"), seen("poisoned")),
        tpr=flagged.tpr,
        fpr=flagged.fpr,
        clean_fpr=None if unharmed is None else share(_Pooled(unharmed)("flagged")),
        first_flagged=_firsts(parts),
        inferences=_clean_mean(parts, lambda one: one.inferences),
        round_trips=_clean_mean(parts, lambda one: one.round_trips),
        added_ms=_clean_mean(parts, lambda one: 1000 * (one.seconds - one.plain_s)),
        preparation=mean([one.preparation for one in parts]),
        accuracy_before=share((seen("said") == seen("truth"))[clean]),
        accuracy_after=share((seen("answer") == seen("truth"))[clean]),
        success_before=share((seen("said") == seen("wanted"))[~clean]),
        success_after=share((seen("answer") == seen("wanted"))[~clean]),
        agreement=share(seen("answer") == seen("right")),
        overlap=mean([one.overlap for one in parts if one.overlap is not None]),
    )


def caught_at(most: float, score: NDArray[np.float64], poisoned: NDArray[np.bool_]) -> Rate | None:
    """Return the share of the *poisoned* (n,) whose *score* is above all but *most* of the clean.

    Equal scores are on one side of the line, so that fewer than *most* may be above it.
    """
    clean = np.sort(score[~poisoned])[::-1]
    if not len(clean) or not poisoned.any():
        return None
    line = clean[int(most * len(clean))]
    return rate(int((score[poisoned] > line).sum()), int(poisoned.sum()))


class _Pooled:
    """The columns of several runs, one after the other."""

    def __init__(self, parts: Sequence[Columns]) -> None:
        self._parts = parts

    def __call__(self, name: str) -> NDArray[Any]:  # of the column's own kind
        return np.concatenate([getattr(one, name) for one in self._parts])


def _aurocs(parts: Sequence[Columns]) -> Iterator[float]:
    for one in parts:
        if one.poisoned.any() and not one.poisoned.all():
            yield float(roc_auc_score(one.poisoned, one.score))


def _firsts(parts: Sequence[Columns]) -> Rate | None:
    firsts = [bool(one.flagged[one.poisoned][0]) for one in parts if one.poisoned.any()]
    return share(np.array(firsts, bool))


def _clean_mean(parts: Sequence[Columns], column: Callable[[Columns], NDArray[Any]]) -> Mean | None:
    return mean([float(column(one)[~one.poisoned].mean()) for one in parts])
