"""Of an archive's JPEGs only those are decoded in full in which a trigger may be."""

from __future__ import annotations

import pickle
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.datasets import load_sample_images

from app.detection.geometry import Box
from app.detection.reference_set.references import Calibration, References
from app.ports import Entry, InputSize
from app.scan.looking.comparer import Comparer, Decoding
from app.scan.looking.tasks import Asked, Knowledge, Passed, Task, Unusable
from app.scan.sources.items import Content
from app.settings import Resize
from tests.carried import carrying, drawn, of_size, placed
from tests.files import encoded

if TYPE_CHECKING:
    from app.detection.search import Images
    from app.detection.trigger import Trigger
    from app.scan.looking.tasks import Look

SIDE = 128
CARRYING = (2, 5, 11)


@cache
def _photographs() -> Images:
    rng = np.random.default_rng(3)
    parts = []
    for _ in range(42):
        whole = load_sample_images().images[rng.integers(2)]
        y, x = (int(rng.integers(length - 200)) for length in whole.shape[:2])
        parts.append(of_size(whole[y : y + 200, x : x + 200], SIDE))
    return np.stack(parts)


def _trigger(side: int = 16) -> Trigger:
    return drawn("blocks", np.random.default_rng(8), SIDE, (side, side + 1))


def _images(trigger: Trigger) -> Images:
    """Return twelve photographs, those CARRYING with the trigger."""
    rng = np.random.default_rng(4)
    images = _photographs()[30:].copy()
    for i in CARRYING:
        images[i] = carrying(trigger, images[i], rng, is_noise=False)
    return images


def _comparer(trigger: Trigger, *, in_full: bool = False) -> Comparer:
    unknown = Calibration(np.full(30, -1), np.zeros((0, 0), np.int64))
    references = References(_photographs()[:30], unknown, {}, seed=1)
    decoding = Decoding(10**6, Resize.STRETCH, in_full)
    comparer = Comparer(InputSize(SIDE, SIDE, 3), decoding, references)
    comparer.know([Entry("t-1", trigger, None, None, 3)])  # type: ignore[arg-type]  # as small
    return comparer


def _read(comparer: Comparer, bodies: list[bytes]) -> list[Look | Asked]:
    return comparer.read(_task(bodies, screened=False))


def _task(bodies: list[bytes], *, screened: bool) -> Task:
    contents = [Content(body) for body in bodies]
    return Task(contents, screened, version=1, knowledge=pickle.dumps(Knowledge(1)))


def _asked(read: list[Look | Asked]) -> tuple[int, ...]:
    return tuple(i for i, one in enumerate(read) if isinstance(one, Asked))


def test_only_jpegs_that_may_carry_it_are_decoded_in_full() -> None:
    """What the others are half their sides have told."""
    comparer = _comparer(_trigger())
    read = _read(comparer, [encoded(one, "JPEG", quality=85) for one in _images(_trigger())])
    assert _asked(read) == CARRYING
    assert comparer.decoded_in_full == len(CARRYING)


def test_all_jpegs_are_decoded_in_full_on_request() -> None:
    """Whatever a file shows of itself in half its sides."""
    comparer = _comparer(_trigger(), in_full=True)
    read = _read(comparer, [encoded(one, "JPEG", quality=85) for one in _images(_trigger())])
    assert _asked(read) == CARRYING
    assert comparer.decoded_in_full == len(read)


def test_what_is_asked_about_is_the_picture_in_full() -> None:
    """As the gateway would decode it."""
    images = [encoded(one, "JPEG", quality=85) for one in _images(_trigger())]
    read = _read(_comparer(_trigger()), images)
    screened = _comparer(_trigger()).read(_task(images, screened=True))
    for i in CARRYING:
        seen, whole = read[i], screened[i]
        assert isinstance(seen, Asked)
        assert isinstance(whole, Asked)
        assert np.array_equal(seen.image, whole.image)


@pytest.mark.parametrize("file_format", ["PNG", "BMP"])
def test_other_files_are_all_decoded(file_format: str) -> None:
    """With the same outcome."""
    comparer = _comparer(_trigger())
    assert _asked(_read(comparer, [encoded(one, file_format) for one in _images(_trigger())])) == (
        CARRYING
    )
    assert comparer.decoded_in_full == len(_images(_trigger()))


def test_a_small_trigger_is_looked_for_in_full() -> None:
    """Half the sides would leave too few of its pixels."""
    trigger = _trigger(8)
    comparer = _comparer(trigger)
    images = [encoded(one, "JPEG", quality=95) for one in _images(trigger)]
    assert _asked(_read(comparer, images))
    assert comparer.decoded_in_full == len(images)


def test_a_chequerboard_of_two_pixels_is_looked_for_in_full() -> None:
    """At an odd place half the sides would be grey all over."""
    fields = ((np.indices((24, 24)) // 2).sum(axis=0) % 2 * 255).astype(np.uint8)
    patch, mask = fields[..., None].repeat(3, axis=2), np.ones((24, 24), bool)
    somewhere = placed(patch, mask, np.random.default_rng(5), SIDE)
    trigger = replace(somewhere, box=Box(41, 61, 24, 24))
    images = _photographs()[30:].copy()
    images[list(CARRYING), 61:85, 41:65] = trigger.patch
    comparer = _comparer(trigger)
    assert _asked(_read(comparer, [encoded(one, "JPEG", quality=90) for one in images])) == CARRYING
    assert comparer.decoded_in_full == len(images)


def test_a_damaged_jpeg_is_told_as_before() -> None:
    """Among others, which it changes nothing for."""
    bodies = [encoded(one, "JPEG", quality=85) for one in _images(_trigger())]
    bodies[0] = bodies[0][: len(bodies[0]) // 2]
    bodies[7] = b"no picture"
    read = _read(_comparer(_trigger()), bodies)
    assert _asked(read) == CARRYING
    assert isinstance(read[0], Unusable)
    assert "truncated" in read[0].reason
    assert isinstance(read[7], Unusable)
    assert isinstance(read[1], Passed)


def test_triggers_of_another_size_leave_nothing_to_compare() -> None:
    """All pictures are decoded, as what can't be is a row, and pass."""
    comparer = _comparer(replace(_trigger(), image_width=SIDE + 1))
    read = _read(comparer, [encoded(one, "JPEG") for one in _images(_trigger())])
    assert _asked(read) == ()
    assert comparer.decoded_in_full == len(read)
