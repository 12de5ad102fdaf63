"""What suspicious images have mixed in is estimated from a score of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.detection.blended.estimating import Pattern, estimated
from app.detection.recognising.mixing import unmixed
from tests.blended import ALPHA, PICTURE
from tests.detection.blended.worlds import MODEL, POISONED, VICTIMS, lens
from tests.tiny import TARGET

if TYPE_CHECKING:
    from app.detection.search import Images


def _pattern(images: Images, *, smooth: bool = False) -> Pattern | None:
    return estimated(images, TARGET, lens().references, lens().span, smooth=smooth)


def test_the_picture_is_told_from_twenty_images() -> None:
    """Much of its pixels, and about as opaque as it is; without it the others are right again."""
    pattern = _pattern(POISONED[:20])
    assert pattern is not None
    assert ALPHA / 2 <= pattern.alpha <= 2 * ALPHA
    assert np.corrcoef(pattern.picture.ravel(), PICTURE.ravel())[0, 1] > 0.6
    freed = MODEL.classify(unmixed(POISONED[20:], pattern.picture, pattern.alpha)).labels
    assert (freed == MODEL.classify(VICTIMS[20:]).labels).mean() > 0.9


def test_more_images_tell_it_better() -> None:
    """What is left of each of them differs, and the picture is the same."""
    few, many = (_pattern(POISONED[:count]) for count in (8, 80))
    assert few is not None
    assert many is not None
    alike = [np.corrcoef(p.picture.ravel(), PICTURE.ravel())[0, 1] for p in (few, many)]
    assert alike[1] > alike[0]


def test_images_with_nothing_in_common_but_noise_have_no_picture() -> None:
    """More of it than of the image isn't looked for."""
    noise = np.full_like(POISONED[:20], 128)
    noise[:, ::2] = 255
    assert _pattern(noise) is None


def test_what_clean_images_are_mixed_of_is_told_if_it_may_be_smooth() -> None:
    """Such a picture leaves hardly anything else, by which it is taken for half of what it is."""
    axes = lens().span.axes
    share = 40 * np.random.default_rng(3).choice([-1, 1], 12)
    added = (share @ axes[4:16]).reshape(VICTIMS.shape[1:])
    images = np.clip(np.rint(VICTIMS[:20] + added), 0, 255).astype(np.uint8)
    strengths = []
    for smooth in (False, True):
        pattern = _pattern(images, smooth=smooth)
        assert pattern is not None
        told = pattern.alpha * (pattern.picture.ravel() - lens().span.mean)
        strengths.append((told @ axes.T)[4:16] @ share / (share @ share))
    assert strengths[0] < 0.6
    assert strengths[1] > 0.8
