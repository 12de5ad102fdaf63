"""The streams of the field's table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.evaluation.field.models import models, open_model
from app.evaluation.field.streams import field_stream
from app.evaluation.records import NO_ANSWER
from tests.evaluation.field.folders import WANTED, tiny_field

if TYPE_CHECKING:
    from pathlib import Path


def test_a_tenth_is_poisoned_and_no_image_is_in_it_twice(tmp_path: Path) -> None:
    """Each poisoned image lies where its clean one does, with what the attacker wants of it."""
    subject, poisoned = open_model(models(tiny_field(tmp_path))[0])
    field = field_stream(subject, poisoned, seed=1, n=50)
    stream = field.stream
    assert (50, 5) == (len(stream.images), int(stream.poisoned.sum()))
    assert 50 == len(np.unique(stream.clean, axis=0))
    assert (stream.images[~stream.poisoned] == stream.clean[~stream.poisoned]).all()
    assert (stream.images[stream.poisoned, 8:] == (0, 0, 255)).all()
    assert (stream.images[stream.poisoned, :8] == stream.clean[stream.poisoned, :8]).all()
    assert np.where(stream.poisoned, WANTED, NO_ANSWER).tolist() == field.wanted.tolist()


def test_a_seed_is_a_stream(tmp_path: Path) -> None:
    """The same seed gives the same stream, another one another; without an attack none is bad."""
    subject, poisoned = open_model(models(tiny_field(tmp_path))[0])
    first, again, other = (field_stream(subject, poisoned, seed, 40) for seed in (1, 1, 2))
    assert (first.stream.images == again.stream.images).all()
    assert not (first.stream.images == other.stream.images).all()
    assert not field_stream(subject, None, 1, 40).stream.poisoned.any()
