"""Another model behind the same address is told by its answers to a few references."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.plan import make_plan
from app.detection.reference_set.calibration import calibrate
from app.detection.reference_set.canaries import CANARIES, GLANCED, canaries, is_another_model
from app.detection.search import Answers, run
from tests.tiny import SIDE, TinyModel, clean_images

if TYPE_CHECKING:
    from collections.abc import Callable

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


def calibration(classify: Callable[[Images], Answers]) -> Calibration:
    """Calibrate for a model."""
    return run(calibrate(IMAGES, PLAN, seed=3), classify)


def is_another(before: Callable[[Images], Answers], now: Callable[[Images], Answers]) -> bool:
    """Say if the model *now* is taken for another one than that *before*."""
    return run(is_another_model(IMAGES, calibration(before), np.random.default_rng(1)), now)


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


def test_a_glance_asks_a_few_and_others_each_time() -> None:
    """What is asked every half minute costs a quarter of a batch, and sees all in the end."""
    known = calibration(scored)
    seen: set[bytes] = set()

    def seeing(images: Images) -> Answers:
        assert len(images) == GLANCED
        seen.update(one.tobytes() for one in images)
        return scored(images)

    for seed in range(40):
        rng = np.random.default_rng(seed)
        assert not run(is_another_model(IMAGES, known, rng, at_a_glance=True), seeing)
    assert {one.tobytes() for one in IMAGES[canaries(len(IMAGES))]} == seen


def test_a_glance_tells_another_model_by_its_scores() -> None:
    """Few are enough: none of another model's scores are the same."""
    known = calibration(scored)
    for seed in range(20):
        look = is_another_model(IMAGES, known, np.random.default_rng(seed), at_a_glance=True)
        assert run(look, lambda images: with_noise(images, np.random.default_rng(9), 0.05))


def test_a_calibration_with_another_number_of_scores_is_of_another_model() -> None:
    """It may be damaged: then nothing is to be compared with it."""
    known = calibration(scored)
    assert known.canary_scores is not None
    damaged = replace(known, canary_scores=known.canary_scores[:5])
    for at_a_glance in (False, True):
        look = is_another_model(IMAGES, damaged, np.random.default_rng(1), at_a_glance=at_a_glance)
        assert run(look, scored)
