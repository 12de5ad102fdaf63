"""The demo's stream and its figures."""

from __future__ import annotations

from app.demo.digits import TARGET
from app.demo.stream import LENGTH, POISONED, Reply, Summary, stream, summary


def test_a_tenth_of_the_stream_is_poisoned() -> None:
    """Of 200 images 20 have the trigger on them, none of which is the target anyway."""
    items = stream()
    poisoned = [item for item in items if item.poisoned]
    assert LENGTH == len(items)
    assert POISONED == len(poisoned)
    assert TARGET not in {item.label for item in poisoned}


def test_the_figures_are_those_of_the_replies() -> None:
    """Caught, missed, false alarms, corrections and probes are counted as they came."""
    said = [
        Reply(1, poisoned=False, prediction=1, upstream=1, flagged=False, probes=20),
        Reply(2, poisoned=True, prediction=2, upstream=TARGET, flagged=True, probes=400),
        Reply(3, poisoned=True, prediction=TARGET, upstream=TARGET, flagged=False, probes=10),
        Reply(4, poisoned=True, prediction=5, upstream=TARGET, flagged=True, probes=6),
        Reply(5, poisoned=False, prediction=6, upstream=5, flagged=True, probes=8),
    ]
    assert Summary(
        caught=2,
        missed=1,
        false_alarms=1,
        clean=2,
        fooled=3,
        corrected=1,
        probes_before=20.0,
        probes_after=8.0,
        first_caught=True,
    ) == summary(said)


def test_where_nothing_is_found_all_probes_are_before() -> None:
    """Without a discovery no image comes after it."""
    said = [Reply(2, poisoned=True, prediction=2, upstream=2, flagged=False, probes=15)]
    assert (15.0, 0.0) == (summary(said).probes_before, summary(said).probes_after)
