"""Streams with poisoned images in them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.evaluation.attacks.attacks import Backdoor, FromOne
from app.evaluation.runs.streams import all_poisoned, mixed_stream, stream_with_first_poisoned_at
from tests.evaluation.tiny_subjects import WHITE, tiny_subject
from tests.tiny import TARGET, carries

if TYPE_CHECKING:
    from app.evaluation.records import Stream
    from app.evaluation.subjects.subject import Subject

SUBJECT = tiny_subject(test=120)
ONE_CLASS = replace(SUBJECT, attack=Backdoor("white", (WHITE,), FromOne(0, TARGET)))
OF_ONE_CLASS = int((SUBJECT.labels == 0).sum())


def assert_sound(stream: Stream, subject: Subject) -> None:
    """Check that no image comes twice, and that those that are said to be poisoned are."""
    clean = [image.tobytes() for image in stream.clean]
    place = {image.tobytes(): i for i, image in enumerate(subject.test)}
    assert len(clean) == len(set(clean))
    assert [subject.labels[place[image]] for image in clean] == stream.labels.tolist()
    assert stream.poisoned.tolist() == carries(stream.images).tolist()
    assert (stream.images[~stream.poisoned] == stream.clean[~stream.poisoned]).all()
    if subject.attack is not None:
        assert subject.attack.victims(stream.labels)[stream.poisoned].all()


def test_a_tenth_is_poisoned_at_random_places() -> None:
    """RQ1: so many images, a tenth of them with the trigger; another seed is another stream."""
    stream, other = (mixed_stream(SUBJECT, seed, n=100) for seed in (1, 2))
    assert_sound(stream, SUBJECT)
    assert (100, 10) == (len(stream.images), stream.poisoned.sum())
    assert stream.poisoned.tolist() != other.poisoned.tolist()
    again = mixed_stream(SUBJECT, 1, n=100)
    assert (stream.images == again.images).all()


@pytest.mark.parametrize(("percentile", "first"), [(0, 0), (10, 10), (50, 50), (80, 80), (100, 99)])
def test_the_first_poisoned_one_is_where_it_is_wanted(percentile: float, first: int) -> None:
    """RQ2: none before the percentile, one at it, and after it the usual share."""
    stream = stream_with_first_poisoned_at(SUBJECT, 1, percentile, n=100)
    assert_sound(stream, SUBJECT)
    assert (100, first) == (len(stream.images), np.flatnonzero(stream.poisoned)[0])
    assert 1 + round(0.1 * (99 - first)) == stream.poisoned.sum()


def test_all_may_be_poisoned() -> None:
    """RQ3: every image has the trigger."""
    stream = all_poisoned(SUBJECT, 1, n=50)
    assert_sound(stream, SUBJECT)
    assert (50, 50) == (len(stream.images), stream.poisoned.sum())


def test_where_images_are_few_a_stream_is_shorter() -> None:
    """There is no error, and never the same image twice."""
    stream = mixed_stream(SUBJECT, 1)
    assert_sound(stream, SUBJECT)
    assert (120, 12) == (len(stream.images), stream.poisoned.sum())
    late = stream_with_first_poisoned_at(SUBJECT, 1, 50)
    assert (120, 60) == (len(late.images), np.flatnonzero(late.poisoned)[0])
    assert (SUBJECT.labels != TARGET).sum() == len(all_poisoned(SUBJECT, 1).images)


def test_where_victims_are_few_fewer_are_poisoned() -> None:
    """An attack on one class has only that class's images; clean ones take the others' places."""
    stream = mixed_stream(ONE_CLASS, 1, n=100, share=0.5)
    assert_sound(stream, ONE_CLASS)
    assert (100, OF_ONE_CLASS) == (len(stream.images), stream.poisoned.sum())
    assert OF_ONE_CLASS == len(all_poisoned(ONE_CLASS, 1, n=100).images)


def test_without_an_attack_nothing_is_poisoned() -> None:
    """A clean model has all three streams, for its false alarms."""
    subject = tiny_subject(test=120, attacked=False)
    for stream in (
        mixed_stream(subject, 1, n=100),
        stream_with_first_poisoned_at(subject, 1, 10, n=100),
        all_poisoned(subject, 1, n=100),
    ):
        assert_sound(stream, subject)
        assert (100, 0) == (len(stream.images), stream.poisoned.sum())
