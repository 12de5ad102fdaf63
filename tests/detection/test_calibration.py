"""Calibration: labels and robust references, measured once and the same for everyone."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.calibration import calibrate
from app.detection.search import Answers, run
from tests.detection.scenes import SEED, World, scene, watched

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.detection.geometry import Box
    from app.detection.references import Calibration
    from app.detection.search import Image, Images


def _calibration(seed: int = SEED) -> Calibration:
    its = scene()
    return run(calibrate(its.references.images, its.plan, seed), its.predict)


def test_labels_are_the_models_own() -> None:
    """Each reference has the label that the model gives it."""
    its = scene()
    expected = its.predict(its.references.images).labels
    assert np.array_equal(expected, its.references.labels)


def test_every_window_has_its_references() -> None:
    """For each window of each scale the same finalists are ranked, each once."""
    its = scene()
    robust = its.references.calibration.robust
    assert [scale.name for scale in its.plan.scales] == list(robust)
    for scale in its.plan.scales:
        orders = robust[scale.name]
        assert len(scale.windows) == len(orders)
        assert all(len(set(order)) == len(order) for order in orders)
        assert 1 == len({tuple(sorted(order)) for order in orders.tolist()})


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


def test_first_references_are_of_one_class() -> None:
    """Also where another class holds better in the other half, the opening uses one class.

    So its probes, asked before the image's class is known, are valid for all images but one
    class's.
    """
    calibration = _holding(lambda label, left: (label % 2 == 0) is left)
    for orders in calibration.robust.values():
        assert 1 == len(set(calibration.labels[orders[:, 0]]))
        assert 1 < len(set(calibration.labels[orders].ravel().tolist()))


def test_finalists_are_of_several_classes() -> None:
    """Also where one class alone holds, some of the finalists are others: a label needs others."""
    calibration = _holding(lambda label, _: label == 0)
    for orders in calibration.robust.values():
        of_best = (calibration.labels[orders] == 0).sum(axis=1)
        assert (of_best >= 4).all()
        assert (of_best <= 10).all()


def test_scales_open_on_different_classes() -> None:
    """A class that resists a trigger keeps it from one scale's first round, not from all."""
    calibration = _calibration()
    first = [set(calibration.labels[o[:, 0]].tolist()) for o in calibration.robust.values()]
    assert 2 == len(first)
    assert not first[0] & first[1]


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
    used = np.unique(np.concatenate([o.ravel() for o in calibration.robust.values()]))
    assert not set(used) & set(stubborn)


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
    finalists = np.unique(np.concatenate([o.ravel() for o in calibration.robust.values()]))
    assert not set(finalists) & set(fragile)


def test_order_follows_the_hits_at_each_window() -> None:
    """Of two references, each weak at another window, each comes later where it is weak."""
    its = scene()
    scale = its.plan.scales[-1]
    compared = 0
    for one, other in pairwise(its.references.calibration.robust[scale.name][0][3:].tolist()):
        weak_at = {one: scale.windows[0], other: scale.windows[-1]}

        def weak(asked: Images, weak_at: dict[int, Box] = weak_at) -> Answers:
            labels = its.predict(asked).labels
            for reference, box in weak_at.items():
                changed = (asked != its.references.images[reference]).any(axis=3)
                inside = np.zeros((16, 16), bool)
                inside[box.rows, box.columns] = True
                labels[changed.any(axis=(1, 2)) & ~changed[:, ~inside].any(axis=1)] = 99
            return Answers(labels)

        calibration = run(calibrate(its.references.images, its.plan, SEED), weak)
        first, *_, last = (order.tolist() for order in calibration.robust[scale.name])
        if {one, other} <= set(first[3:]) & set(last[3:]):  # beyond those of the opening's class
            compared += 1
            assert first.index(other) < first.index(one)
            assert last.index(one) < last.index(other)
    assert compared


def test_same_seed_same_calibration() -> None:
    """Two workers with one seed measure the same."""
    one, other = _calibration(), _calibration()
    assert np.array_equal(one.labels, other.labels)
    for name, order in one.robust.items():
        assert np.array_equal(order, other.robust[name])


def test_secret_seed_decides() -> None:
    """Another seed picks other references, so that an attacker can't know them."""
    one, other = _calibration(1), _calibration(2)
    assert any(not np.array_equal(order, other.robust[name]) for name, order in one.robust.items())


def test_all_its_probes_are_shared_knowledge() -> None:
    """Calibration is charged to no image; its probes and their batches are bounded."""
    its = scene()
    _, probes = watched(calibrate(its.references.images, its.plan, SEED), its.predict)
    assert all(probe.shared for probe in probes)
    assert max(len(probe) for probe in probes) <= 256
    assert sum(len(probe) for probe in probes) <= 6000


@pytest.mark.parametrize("scored", [True, False])
@pytest.mark.parametrize("channels", [1, 3])
def test_labels_alone_are_enough(channels: int, *, scored: bool) -> None:
    """Scores change nothing in a calibration."""
    one = scene(World(channels=channels, scored=scored)).references.calibration
    other = scene(World(channels=channels, scored=True)).references.calibration
    for name, order in one.robust.items():
        assert np.array_equal(order, other.robust[name])


def _is_reference(image: Image, images: Images) -> bool:
    return bool((images == image).all(axis=(1, 2, 3)).any())
