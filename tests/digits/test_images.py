"""The real digits."""

from __future__ import annotations

from app.digits.images import digits


def test_the_digits_are_told_apart() -> None:
    """All 5,000 digits are used, each for one purpose."""
    split = digits()
    parts = [split.training, split.references, split.stream]
    assert [3500, 500, 1000] == [len(part.images) for part in parts]
    assert all(len(part.images) == len(part.labels) for part in parts)
    different = {image.tobytes() for part in parts for image in part.images}
    assert len(different) > 4900  # MNIST itself has a few twins
