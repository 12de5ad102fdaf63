"""Another model behind the same address is told by its answers to a few references."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.plan import make_plan
from app.detection.reference_set.calibration import calibrate
from app.detection.reference_set.canaries import (
    CANARIES,
    GLANCED,
    MOVED,
    canaries,
    is_another_model,
)
from app.detection.search import Answers, run
from tests.tiny import SIDE, TinyModel, clean_images

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from app.detection.reference_set.references import Calibration
    from app.detection.search import Images

IMAGES = clean_images(80, np.random.default_rng(5))
PLAN = make_plan(SIDE, SIDE, 3, 0.316, blocks=False)


def scored(images: Images) -> Answers:
    """Answer as the tiny model does."""
    return TinyModel().classify(images)


def labelled(images: Images) -> Answers:
    """Answer as the tiny model does, with labels alone."""
    return Answers(scored(images).labels)


def rng() -> np.random.Generator:
    """Return a generator of chance."""
    return np.random.default_rng(1)


def calibration(classify: Callable[[Images], Answers]) -> Calibration:
    """Calibrate for a model."""
    return run(calibrate(IMAGES, PLAN, seed=3), classify)


def is_another(before: Callable[[Images], Answers], now: Callable[[Images], Answers]) -> bool:
    """Say if the model *now* is taken for another one than that *before*."""
    return run(is_another_model(IMAGES, calibration(before), rng()), now)


def with_noise(images: Images, rng: np.random.Generator, size: float) -> Answers:
    """Answer with scores that are a little different each time."""
    said = scored(images)
    assert said.scores is not None
    return Answers(said.labels, said.scores + rng.normal(0, size, said.scores.shape).astype("f4"))


@pytest.mark.parametrize("classify", [scored, labelled])
def test_the_same_model_is_the_same(classify: Callable[[Images], Answers]) -> None:
    """A model that answers as it did is no other one, and is asked one batch."""
    asked: list[int] = []

    def counted(images: Images) -> Answers:
        asked.append(len(images))
        return classify(images)

    assert not is_another(classify, counted)
    assert [CANARIES] == asked


def test_scores_tell_a_model_that_gives_the_same_labels() -> None:
    """A successor that calls every image the same is told by how sure it is."""

    def surer(images: Images) -> Answers:
        said = scored(images)
        assert said.scores is not None
        return Answers(said.labels, said.scores * 0.98)

    assert is_another(scored, surer)


@pytest.mark.parametrize("size", [1e-4, 0.02])
def test_noise_is_no_other_model(size: float) -> None:
    """Neither other hardware nor a model that answers by chance is taken for another one."""
    rng = np.random.default_rng(2)
    assert not is_another(scored, lambda images: with_noise(images, rng, size))


def test_another_number_of_classes_is_another_model() -> None:
    """Scores of other classes can't be compared."""

    def fewer(images: Images) -> Answers:
        said = scored(images)
        assert said.scores is not None
        return Answers(said.labels, said.scores[:, :3])

    assert is_another(scored, fewer)
    assert is_another(scored, labelled)


def test_other_labels_are_another_model() -> None:
    """Without scores another model is told by the labels of some references."""
    assert is_another(labelled, lambda images: Answers((scored(images).labels + 1) % 4))


def test_one_label_alone_is_no_other_model() -> None:
    """A reference on the border of two classes may fall to either side."""
    odd = IMAGES[17]

    def wavering(images: Images) -> Answers:
        labels = scored(images).labels.copy()
        labels[(images == odd).all(axis=(1, 2, 3))] += 1
        return Answers(labels % 4)

    assert not is_another(labelled, wavering)


def test_what_happens_once_is_no_other_model() -> None:
    """A flight of wrong labels that isn't there when asked again is no other model."""
    looks = iter((1, 0))

    def once(images: Images) -> Answers:
        return Answers((scored(images).labels + next(looks)) % 4)

    assert not is_another(labelled, once)


def test_canaries_are_spread() -> None:
    """A folder sorted by class has canaries of all of them."""
    assert [0, 1, 2] == canaries(3).tolist()
    assert (0, 199, CANARIES) == (canaries(200)[0], canaries(200)[-1], len(set(canaries(200))))


def test_a_glance_asks_those_that_were_least_sure() -> None:
    """What is asked every half minute costs a quarter of a batch."""
    known, seen = calibration(scored), []

    def seeing(images: Images) -> Answers:
        seen.append(scored(images))
        return seen[-1]

    assert not run(is_another_model(IMAGES, known, rng(), at_a_glance=True), seeing)
    (asked,) = seen
    assert asked.scores is not None
    assert known.canary_scores is not None
    assert GLANCED == len(asked)
    assert _margins(asked.scores).max() <= np.sort(_margins(known.canary_scores))[GLANCED]


def test_a_glance_sees_a_successor_that_is_as_sure_of_most_images() -> None:
    """Two well trained models give most images the same scores, 0 and 1, but not all."""
    known = calibration(scored)
    assert known.canary_scores is not None
    unsure = np.sort(_margins(known.canary_scores))[2]

    def successor(images: Images) -> Answers:
        said = scored(images)
        assert said.scores is not None
        moved = np.where((_margins(said.scores) < unsure)[:, None], 0.9 * said.scores, said.scores)
        return Answers(said.labels, moved.astype(np.float32))

    assert run(is_another_model(IMAGES, known, rng(), at_a_glance=True), successor)


def test_a_glance_compares_with_the_range_of_all_scores() -> None:
    """Those that were least sure span less: what hardware moves is no other model."""
    known = calibration(scored)
    assert known.canary_scores is not None
    less = 0.8 * MOVED * float(np.ptp(known.canary_scores))

    def moved(images: Images) -> Answers:
        said = scored(images)
        assert said.scores is not None
        return Answers(said.labels, said.scores + np.float32(less))

    assert not run(is_another_model(IMAGES, known, rng(), at_a_glance=True), moved)


def _margins(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    best = np.sort(scores, axis=1)
    margins: NDArray[np.float32] = best[:, -1] - best[:, -2]
    return margins


def test_a_calibration_with_another_number_of_scores_is_of_another_model() -> None:
    """It may be damaged: then nothing is to be compared with it."""
    known = calibration(scored)
    assert known.canary_scores is not None
    damaged = replace(known, canary_scores=known.canary_scores[:5])
    for at_a_glance in (False, True):
        look = is_another_model(IMAGES, damaged, rng(), at_a_glance=at_a_glance)
        assert run(look, scored)
