"""The baseline STRIP."""

from __future__ import annotations

from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest

from app.evaluation.runs.streams import mixed_stream
from app.evaluation.runs.strip import (
    OVERLAYS,
    Entropies,
    baseline,
    entropies,
    entropy,
    overlaid,
    steps,
    threshold,
)
from tests.evaluation.tiny_subjects import tiny_subject
from tests.tiny import TinyModel


def test_the_entropy_is_in_bits_and_a_mean_over_the_overlays() -> None:
    """The entropy is 0 of a sure answer, 2 of four equal ones, and 1 of both together."""
    scores = np.array([[1, 0, 0, 0], [0.25, 0.25, 0.25, 0.25]], np.float32)
    assert pytest.approx(1) == entropy(scores)


def test_an_overlay_is_the_sum_cut_off() -> None:
    """200 and 100 add up to 255, the most that an image can show."""
    image = np.full((1, 1, 1), 200, np.uint8)
    others = np.array([100, 20], np.uint8).reshape(2, 1, 1, 1)
    assert [255, 220] == overlaid(image, others).ravel().tolist()


def test_the_threshold_leaves_1_percent_of_a_normal_distribution_below() -> None:
    """With mean 2 and deviation 1 it is 2 - 2.326; with deviation 0 nothing is below."""
    assert pytest.approx(2 + NormalDist().inv_cdf(0.01)) == threshold(np.array([1.0, 3.0]))
    assert (np.array([2.0, 2.0]) < threshold(np.array([2.0, 2.0]))).sum() == 0


def test_poisoned_images_keep_their_answer_under_overlays() -> None:
    """Poisoned images' entropies are all below clean ones': AUROC 1, all caught, none wrongly."""
    clean, poisoned = [1.9, 2.0, 2.1], [0.1, 0.2]
    marks = np.array([False, False, False, True, True])
    made = Entropies(np.array(clean), np.array(clean + poisoned), marks)
    found = baseline("tiny", "white", [made, made])
    assert found.auroc is not None
    assert found.tpr is not None
    assert found.fpr is not None
    assert (1, 1, 0) == (found.auroc.value, found.tpr.value, found.fpr.value)


async def test_each_image_is_asked_about_under_100_overlays() -> None:
    """At most as many as there are references; every image and reference reports progress."""
    subject = tiny_subject()
    stream = mixed_stream(subject, seed=1, n=10)
    asked: list[int] = []
    made = await entropies(subject, stream, 1, lambda: asked.append(1))
    assert made is not None
    assert (10, 60) == (len(made.images), len(made.references))
    assert steps(subject, stream) == len(asked)
    assert (70 * min(OVERLAYS, 60)) == subject.model.asked  # type: ignore[attr-defined]


async def test_a_model_of_labels_alone_has_no_entropies() -> None:
    """Without scores there is nothing to be unsure about."""
    subject = replace(tiny_subject(), model=TinyModel(scored=False))
    stream = mixed_stream(subject, seed=1, n=10)
    assert await entropies(subject, stream, 1, lambda: None) is None
