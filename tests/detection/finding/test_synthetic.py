"""Synthetic poisoned images have known right answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.detection.finding.synthetic import pasted, synthesise
from app.detection.geometry import Box
from app.detection.search import Answers, run
from tests.detection.scenes import SEED, scene
from tests.tiny import TARGET, stamped

WINDOW = Box(8, 4, 4, 4)


def test_synthetic_images_have_known_right_answers() -> None:
    """All of them answer the target, and without the window what the model says of them."""
    its = scene()
    onto = its.references.others(TARGET, np.random.default_rng(SEED))
    poisoned = stamped(its.others(TARGET)[:1])[0]
    synthetic = run(synthesise(poisoned, TARGET, [WINDOW], onto, its.references), its.predict)
    assert synthetic is not None
    assert {TARGET} == set(its.predict(synthetic.poisoned).labels.tolist())
    assert synthetic.labels.tolist() == its.predict(synthetic.clean).labels.tolist()
    assert TARGET not in synthetic.labels


def test_window_that_turns_too_few() -> None:
    """A window of a clean image turns nearly nothing, so there is nothing to localise on."""
    its = scene()
    onto = its.references.others(TARGET, np.random.default_rng(SEED))
    search = synthesise(its.of_class(TARGET)[0], TARGET, [WINDOW], onto, its.references)
    assert run(search, its.predict) is None


@pytest.mark.parametrize(("least", "enough"), [(0.5, True), (0.6, False)])
def test_how_many_must_turn_is_told(least: float, *, enough: bool) -> None:
    """A window that turns half of the references is enough where half are."""
    its = scene()
    onto = its.references.others(TARGET, np.random.default_rng(SEED))
    search = synthesise(its.clean[0], TARGET, [WINDOW], onto, its.references, least)
    synthetic = run(search, lambda images: Answers(np.arange(len(images)) % 2 * TARGET))
    assert enough is (synthetic is not None)


def test_some_of_them() -> None:
    """A part of them keeps image, reference and right answer together, and what is enough."""
    its = scene()
    onto = its.references.others(TARGET, np.random.default_rng(SEED))
    whole = replace(pasted(its.clean[0], [WINDOW], onto, its.references), enough=0.4)
    part = whole.only(np.array([3, 1]))
    assert np.array_equal(whole.poisoned[[3, 1]], part.poisoned)
    assert np.array_equal(its.references.images[onto[[3, 1]]], part.clean)
    assert its.references.labels[onto[[3, 1]]].tolist() == part.labels.tolist()
    assert 0.4 == part.enough
