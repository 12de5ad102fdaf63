"""Which cells of the table are measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.evaluation.field.cells import cells
from app.evaluation.field.models import FieldError, FieldModel

MODELS = [
    FieldModel("mnist", network, attack, rate, Path("mnist", network, f"{attack}{rate}"))
    for network in ("plain", "residual")
    for attack, rate in (("badnets", "10%"), ("sig", "1%"), ("none", ""))
]
DEFENCES = ("full", "strip")


def test_every_defence_meets_every_model_on_every_seed() -> None:
    """Six models, two defences, three seeds; all of a model before the next."""
    every = cells(MODELS, DEFENCES, seeds=3)
    assert 36 == len(every)
    assert {MODELS[0]} == {cell.model for cell in every[:6]}


def test_words_choose_cells_and_the_clean_models_beside_them() -> None:
    """All words of one choice; the clean model of the network comes along for false alarms."""
    chosen = cells(MODELS, DEFENCES, 1, [frozenset({"plain", "sig", "full"})])
    assert [("plain", "sig", "full"), ("plain", "none", "full")] == [
        (cell.model.network, cell.model.attack, cell.defence) for cell in chosen
    ]
    assert cells(MODELS, DEFENCES, 1, [frozenset({"1%"})]) == cells(
        MODELS, DEFENCES, 1, [frozenset({"sig"})]
    )


def test_a_seed_chooses_its_stream_also_of_the_clean_models() -> None:
    """So that second and third streams can be measured another day."""
    chosen = cells(MODELS, DEFENCES, 3, [frozenset({"plain", "sig", "full", "seed 2"})])
    assert ["mnist/plain/sig1%, full, seed 2", "mnist/plain/none, full, seed 2"] == [
        str(cell) for cell in chosen
    ]


def test_an_unknown_word_is_told_with_those_there_are() -> None:
    """A word that no cell has, and words that none has together."""
    with pytest.raises(FieldError, match="no cell has 'wanet'; the words are 1%, 10%, badnets,"):
        cells(MODELS, DEFENCES, 1, [frozenset({"wanet"})])
    with pytest.raises(FieldError, match="no cell has all of them"):
        cells(MODELS, DEFENCES, 1, [frozenset({"sig", "badnets"})])
