"""What a crash leaves of a wave says the same as if nothing had happened."""

from __future__ import annotations

import numpy as np

from app.detection.defence import Verdict
from app.detection.geometry import Box
from app.detection.suspect import suspect_in
from app.gateway.outcome import Prediction
from app.scan.looking.drafts import decode_look, encode_look
from app.scan.looking.tasks import Examined
from tests.tiny import clean_images


def test_all_of_a_look_comes_back() -> None:
    """That it is suspicious, and what may be a trigger in it, too."""
    image = clean_images(1, np.random.default_rng(3))[0]
    suspect = suspect_in(image, 2, Box(3, 4, 6, 6), source=1)
    said = Prediction(2, 0.75)
    look = Examined(
        Verdict.CLEAR, said, said, 17, searched=True, suspicious=True, suspects=(suspect,)
    )
    kept = encode_look(look)
    assert kept is not None
    back = decode_look(kept)
    assert isinstance(back, Examined)
    assert (True, said, 17) == (back.suspicious, back.said, back.inferences)
    (its,) = back.suspects
    assert (suspect.box, suspect.target, suspect.source) == (its.box, its.target, its.source)
    assert np.array_equal(suspect.patch, its.patch)
