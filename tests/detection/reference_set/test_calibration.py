"""Calibration: labels and robust references, measured once and the same for everyone."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.reference_set.calibration import calibrate
from app.detection.reference_set.references import FEWEST
from app.detection.search import Answers, run
from tests.detection.scenes import SEED, World, scene, watched

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.detection.geometry import Box
    from app.detection.reference_set.references import Calibration
    from app.detection.search import Image, Images


def _calibration(seed: int = SEED) -> Calibration:
    its = scene()
    return run(calibrate(its.references.images, its.plan, seed), its.predict)


def test_labels_are_the_models_own() -> None:
    """Each reference has the label that the model gives it."""
    its = scene()
    expected = its.predict(its.references.images).labels
    assert np.array_equal(expected, its.references.labels)


def test_every_band_has_its_references() -> None:
    """One array holds, for each band, the same finalists in the order of that band, each once."""
    its = scene()
    robust = its.references.calibration.robust
    assert (len(its.plan.bands), "int64") == (len(robust), str(robust.dtype))
    assert all(len(set(order)) == len(order) for order in robust.tolist())
    assert 1 == len({tuple(sorted(order)) for order in robust.tolist()})


def test_without_bands_references_are_only_labelled() -> None:
    """The paper's strategy has no bands: each reference is asked once, and none is ranked."""
    its = scene()
    images, plan = its.references.images, replace(its.plan, rows=(), columns=())
    calibration, probes = watched(calibrate(images, plan, SEED), its.predict)
    assert len(images) == sum(len(probe) for probe in probes)
    assert np.array_equal(its.references.labels, calibration.labels)
    assert 0 == calibration.robust.size


def _holding(holds: Callable[[int, bool], bool]) -> Calibration:
    """Calibrate with a model whose references hold or not, by class and half that is pasted on."""
    its = scene()
    images = its.references.images
    labels = its.predict(images).labels

    def holding(asked: Images) -> Answers:
        answers = its.predict(asked).labels
        for i, image in enumerate(asked):
            same = (images == image).all(axis=3)
            base = int(same.sum(axis=(1, 2)).argmax())
            pasted = ~same[base]
            left = bool(pasted[:, :8].sum() >= pasted[:, 8:].sum())
            if pasted.any() and not holds(int(labels[base]), left):
                answers[i] = 99
        return Answers(answers)

    return run(calibrate(images, its.plan, SEED), holding)


def test_first_references_are_of_two_classes() -> None:
    """Also where another class holds better in the other half, the rows' opening uses one class.

    The columns' uses another: so its probes, asked before the image's class is known, say something
    of every image.
    """
    calibration = _holding(lambda label, left: (label % 2 == 0) is left)
    classes = calibration.labels[calibration.robust]
    rows, columns = np.split(classes[:, :3], 2)
    (row,), (column,) = set(rows.ravel().tolist()), set(columns.ravel().tolist())
    assert row != column


def test_finalists_are_of_several_classes() -> None:
    """Also where one class alone holds, some of the finalists are others: a label needs others."""
    calibration = _holding(lambda label, _: label == 0)
    of_best = (calibration.labels[calibration.robust] == 0).sum(axis=1)
    assert (of_best >= 4).all()
    assert (of_best <= 10).all()


def test_stubborn_references_are_left_out() -> None:
    """References that keep their class whatever is pasted in their middle are not used."""
    its = scene()
    images = its.references.images.copy()
    stubborn = np.arange(0, len(images), 24)
    images[stubborn, 0, 0] = 240  # a mark by which the model knows them

    def kept_by_some(asked: Images) -> Answers:
        labels = its.predict(asked).labels
        marked = (asked[:, 0, 0] == 240).all(axis=1)
        return Answers(np.where(marked, 1, labels))

    calibration = run(calibrate(images, its.plan, SEED), kept_by_some)
    assert not set(calibration.robust.ravel()) & set(stubborn)


def test_robust_references_come_first() -> None:
    """References that any pasted part turns are not among the finalists, those that hold are."""
    its = scene()
    images = its.references.images.copy()
    fragile = np.arange(0, len(images), 2)
    images[fragile, 0, 0] = 240  # a mark by which the model knows them

    def turned_by_anything(asked: Images) -> Answers:
        answers = its.predict(asked)
        marked = (asked[:, 0, 0] == 240).all(axis=1)
        mixed = np.array([not _is_reference(image, images) for image in asked])
        return Answers(np.where(marked & mixed, (answers.labels + 1) % 4, answers.labels))

    calibration = run(calibrate(images, its.plan, SEED), turned_by_anything)
    assert not set(calibration.robust.ravel()) & set(fragile)


def test_order_follows_the_hits_at_each_band() -> None:
    """Of two references, each weak at another band, each comes later where it is weak."""
    its = scene()
    compared = 0
    for one, other in pairwise(its.references.calibration.robust[0][3:].tolist()):
        weak_at = {one: its.plan.bands[0], other: its.plan.bands[-1]}

        def weak(asked: Images, weak_at: dict[int, Box] = weak_at) -> Answers:
            labels = its.predict(asked).labels
            for reference, box in weak_at.items():
                changed = (asked != its.references.images[reference]).any(axis=3)
                inside = np.zeros((16, 16), bool)
                inside[box.rows, box.columns] = True
                labels[changed.any(axis=(1, 2)) & ~changed[:, ~inside].any(axis=1)] = 99
            return Answers(labels)

        calibration = run(calibrate(its.references.images, its.plan, SEED), weak)
        first, *_, last = calibration.robust.tolist()
        if {one, other} <= set(first[3:]) & set(last[3:]):  # beyond those of the opening's class
            compared += 1
            assert first.index(other) < first.index(one)
            assert last.index(one) < last.index(other)
    assert compared


def test_same_seed_same_calibration() -> None:
    """Two workers with one seed measure the same."""
    one, other = _calibration(), _calibration()
    assert np.array_equal(one.labels, other.labels)
    assert np.array_equal(one.robust, other.robust)


def test_secret_seed_decides() -> None:
    """Another seed picks other references, so that an attacker can't know them."""
    assert not np.array_equal(_calibration(1).robust, _calibration(2).robust)


def test_all_its_probes_are_shared_knowledge() -> None:
    """Calibration is charged to no image; its probes and their batches are bounded."""
    its = scene()
    _, probes = watched(calibrate(its.references.images, its.plan, SEED), its.predict)
    assert not any(probe.own for probe in probes)
    assert max(len(probe) for probe in probes) <= 256
    assert sum(len(probe) for probe in probes) <= 6000


@pytest.mark.parametrize("scored", [True, False])
@pytest.mark.parametrize("channels", [1, 3])
def test_labels_alone_are_enough(channels: int, *, scored: bool) -> None:
    """Scores change nothing in a calibration."""
    one = scene(World(channels=channels, scored=scored)).references.calibration
    other = scene(World(channels=channels, scored=True)).references.calibration
    assert np.array_equal(one.robust, other.robust)


def _is_reference(image: Image, images: Images) -> bool:
    return bool((images == image).all(axis=(1, 2, 3)).any())


def test_the_backdrop_is_the_mean_of_some_references() -> None:
    """It is smooth where they are noisy, drawn with the secret seed, and always the same."""
    references = scene().references
    mean = references.images.mean(axis=0)
    assert (references.backdrop.shape, "uint8") == (mean.shape, str(references.backdrop.dtype))
    assert np.abs(references.backdrop - mean).max() < 40
    one, again, other = (replace(references, seed=seed).backdrop for seed in (SEED, SEED, SEED + 1))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_the_backdrop_of_few_references_is_their_mean() -> None:
    """All of them are taken where there are no more."""
    references = scene().references
    few = replace(references, images=references.images[:3])
    assert np.array_equal(np.rint(few.images.mean(axis=0)), few.backdrop)


@pytest.mark.parametrize(("count", "enough"), [(FEWEST - 1, False), (FEWEST, True)])
def test_labels_of_any_size_are_counted(count: int, *, enough: bool) -> None:
    """A label that stands for a name may have 31 bits: counting takes no memory for those below."""
    references = scene().references
    labels = np.array([*range(10), *[2**31 - 1] * count])
    named = replace(references, calibration=replace(references.calibration, labels=labels))
    tracemalloc.start()
    try:
        assert enough is named.show_a_class
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
