"""Two copies in one window, of which each turns fewer images than both: parts of it are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.detection.evidence.confirmation import Look
from app.detection.finding.discovery import Discovery, established
from app.detection.finding.parting import in_parts, likely_parts
from app.detection.geometry import Box
from app.detection.search import Answers, run
from tests.detection.roaming import STICKER, roaming, with_stickers
from tests.detection.scenes import SEED, watched
from tests.tiny import TARGET

if TYPE_CHECKING:
    from app.detection.search import Images

FIRST, SECOND = Box(5, 6, 3, 3), Box(20, 18, 3, 3)
WINDOW = Box(3, 3, 22, 20)


def test_copies_in_one_window_are_found() -> None:
    """Together they are no box of a trigger's size, and neither heals alone; both are hidden."""
    its = roaming()

    def weakly(images: Images) -> Answers:
        """Of one copy alone an image in five stays as it is."""
        shown = [(images[:, b.rows, b.columns] == STICKER).all((1, 2, 3)) for b in (FIRST, SECOND)]
        holds = (images[:, 0, 0].sum(axis=1, dtype=int) % 5 == 0) & (shown[0] != shown[1])
        without = images.copy()
        for box in (FIRST, SECOND):
            without[holds, box.rows, box.columns] = 0
        return its.predict(without)

    for clean in its.others(TARGET)[:4]:
        image, rng = with_stickers(clean, FIRST, SECOND), np.random.default_rng(SEED)
        look = Look((WINDOW,), None)
        found = run(established(image, TARGET, look, its.defence(), rng), weakly)
        assert isinstance(found, Discovery)
        (box,) = found.located.pieces
        assert max(box.overlap(FIRST), box.overlap(SECOND)) >= 0.5
        assert found.answer is not None
        assert [its.label(clean)] == found.answer.labels.tolist()


def test_what_is_not_new_has_no_parts() -> None:
    """Nor where too few references say what is new, or a part is all of it; nothing is asked."""
    its, unknown = roaming(), 99
    clean = its.of_class(TARGET)[0]
    stickers = with_stickers(clean, FIRST, SECOND)
    for image, label, window in (
        (clean, TARGET, WINDOW),
        (stickers, unknown, WINDOW),
        (stickers, TARGET, FIRST),
    ):
        look = Look((window,), None, necessary=True)
        search = likely_parts(image, label, look, its.defence(), np.random.default_rng(SEED))
        parts, probes = watched(search, its.predict)
        assert ([], []) == (parts, list(probes))


def test_parts_are_spread_over_the_window() -> None:
    """Evenly, the outer ones flush with its edges; each once."""
    parts = in_parts(WINDOW, 10)
    assert [3, 9, 15] == sorted({part.x for part in parts})
    assert [3, 8, 13] == sorted({part.y for part in parts})
    assert all((10, 10) == (part.width, part.height) for part in parts)
    assert [WINDOW] == in_parts(WINDOW, 40)
