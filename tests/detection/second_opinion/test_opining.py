"""A second opinion of one image."""

from __future__ import annotations

import numpy as np

from app.detection.defence import Progress
from app.detection.plan import make_plan
from app.detection.search import advance, refuse, run
from app.detection.second_opinion.opining import rarity
from tests.detection.second_opinion.looking import MODEL, lens, rarities
from tests.striped import striped
from tests.tiny import SIDE, TARGET, clean_images

CLEAN = clean_images(60, np.random.default_rng(21))
VICTIMS = CLEAN[MODEL.classify(CLEAN).labels != TARGET]
RATE = 0.01
PLAN = make_plan(SIDE, SIDE, 3, 0.316)


def test_a_trigger_without_a_place_is_rare() -> None:
    """Striped images are rarer than nearly all clean ones, and clean ones seldom are."""
    assert np.mean(np.array(rarities(striped(VICTIMS))) <= RATE) > 0.9
    assert np.mean(np.array(rarities(CLEAN)) <= RATE) < 0.06


def test_refused_there_is_no_opinion() -> None:
    """Whoever has no time or no budget left hears nothing of it."""
    search = rarity(striped(VICTIMS)[0], lens(), 7, Progress())
    advance(search)
    assert 1.0 == refuse(search)


def test_an_answer_is_needed() -> None:
    """Of an image that has not been answered nothing is said."""
    image = striped(VICTIMS)[0]
    assert 1.0 == run(rarity(image, lens(), 7, Progress()), MODEL.classify)
