"""Which runs the experiments need."""

from __future__ import annotations

from app.evaluation.plan import Arrangement, Experiment, arrangements, errands
from app.settings import Strategy


def test_experiments_share_their_streams() -> None:
    """RQ1 and RQ4 look at the same runs; RQ2 has three streams, RQ3 one."""
    assert (Arrangement.MIXED,) == arrangements([Experiment.RQ4, Experiment.RQ1], attacked=True)
    assert tuple(Arrangement) == arrangements(list(Experiment), attacked=True)


def test_without_an_attack_nothing_is_poisoned() -> None:
    """Only the experiments about false alarms and false triggers remain."""
    assert (Arrangement.MIXED,) == arrangements(list(Experiment), attacked=False)
    assert () == arrangements([Experiment.RQ2, Experiment.RQ3], attacked=False)


def test_strategies_follow_each_other_on_each_stream() -> None:
    """The strategies of one stream follow each other, so a stopped evaluation compares them."""
    made = errands("one", [Arrangement.MIXED], [Strategy.FAST, Strategy.OFF], range(2))
    assert [(0, "fast"), (0, "off"), (1, "fast"), (1, "off")] == [
        (errand.seed, errand.strategy) for errand in made
    ]
