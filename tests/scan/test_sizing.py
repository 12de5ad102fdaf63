"""How large a sample is: against what a draw really holds."""

from __future__ import annotations

import numpy as np
import pytest

from app.scan.sizing import sample_size


@pytest.mark.parametrize(
    ("total", "prevalence", "size"),
    [
        (100, 0.001, 100),  # a single poisoned image, if any
        (3000, 0.001, 3000),  # three: all are needed
        (10**6, 0.001, 6281),
        (10**7, 0.001, 6293),  # 6.3 / 0.001
        (10**6, 0.01, 628),
        (10**6, 1.0, 3),
    ],
)
def test_sizes(total: int, prevalence: float, size: int) -> None:
    """Of a rare trigger much is drawn, of a common one little, of a few images all."""
    assert size == sample_size(total, prevalence)


def test_a_sample_holds_three_in_nineteen_of_twenty_draws() -> None:
    """Drawn 20,000 times, it holds three poisoned images as often as it says, and not oftener."""
    total, poisoned = 5000, 25
    size = sample_size(total, poisoned / total)
    rng = np.random.default_rng(0)
    held = rng.hypergeometric(poisoned, total - poisoned, size, 20_000)
    assert 0.945 < (held >= 3).mean() < 0.96
