"""The cells of the table: which defence in front of which model, on the stream of which seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.evaluation.field.models import NO_ATTACK, FieldError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from app.evaluation.field.models import FieldModel


@dataclass(frozen=True)
class Cell:
    """One run that is to be made."""

    model: FieldModel
    defence: str
    seed: int

    @property
    def words(self) -> frozenset[str]:
        """What it can be chosen by."""
        model = self.model
        rate = (model.rate,) if model.rate else ()
        return frozenset(
            (model.data, model.network, model.attack, *rate, self.defence, f"seed {self.seed}")
        )

    def __str__(self) -> str:
        """Its name in progress and in documents."""
        return f"{self.model.name}, {self.defence}, seed {self.seed}"


def cells(
    models: Sequence[FieldModel],
    defences: Iterable[str],
    seeds: int,
    only: Sequence[frozenset[str]] = (),
) -> tuple[Cell, ...]:
    """Return the cells, model by model and seed by seed; with *only* those with all words of one.

    The models without an attack are among them wherever another model of their network is, for the
    false alarms. Raises FieldError on a word that no cell has.
    """
    names = tuple(defences)
    every = [
        Cell(model, defence, seed) for model in models for seed in range(seeds) for defence in names
    ]
    known = frozenset[str]().union(*(cell.words for cell in every))
    for word in frozenset[str]().union(*only) - known:
        message = f"--only: no cell has {word!r}; the words are {', '.join(sorted(known))}"
        raise FieldError(message)
    if not only:
        return tuple(every)
    chosen = {cell for cell in every if any(words <= cell.words for words in only)}
    beside = {_beside(cell) for cell in chosen}
    found = tuple(
        cell
        for cell in every
        if cell in chosen or (cell.model.attack == NO_ATTACK and _beside(cell) in beside)
    )
    if not found:
        message = "--only: each word is known, but no cell has all of them at once"
        raise FieldError(message)
    return found


def _beside(cell: Cell) -> tuple[str, str, str, int]:
    """Return what a cell has in common with that of the model without an attack."""
    return cell.model.data, cell.model.network, cell.defence, cell.seed
