"""What an image's pixels say of known triggers at their stored places."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.detection.defence import Known
from app.detection.geometry import Box
from app.detection.matching import LEVELS
from app.detection.recognising.presence import at_their_places, fits, is_common
from tests.detection.scenes import scene
from tests.tiny import SIDE, TRIGGER_BOX, tiny_trigger

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.search import Image

OWN = np.ones((2, 2), bool)
NONE = np.zeros((2, 2), bool)
ONE = np.array([[True, False], [False, False]])


def _showing(levels: list[list[int]]) -> Image:
    """Return a dark image with these four pixels where the trigger, all 255, would be."""
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    image[TRIGGER_BOX.rows, TRIGGER_BOX.columns] = np.array(levels, np.uint8)[..., None]
    return image


@pytest.mark.parametrize(
    ("levels", "mask", "expected"),
    [
        ([[255, 255], [255, 255]], None, True),
        ([[231, 231], [231, 231]], OWN, True),  # 24 levels off
        ([[230, 230], [230, 230]], OWN, False),  # 25 levels off
        ([[255, 255], [0, 0]], OWN, True),  # half of it
        ([[255, 0], [0, 0]], OWN, False),
        ([[0, 0], [0, 0]], None, False),
        ([[255, 255], [255, 255]], NONE, False),  # no pixel is its own
        ([[255, 0], [0, 0]], ONE, True),
        ([[0, 255], [255, 255]], ONE, False),
    ],
)
def test_half_of_its_pixels_are_there(
    levels: list[list[int]],
    mask: NDArray[np.bool_] | None,
    expected: bool,  # noqa: FBT001
) -> None:
    """A trigger is at its place if half of its own pixels are about as stored."""
    known = Known("t", replace(tiny_trigger(), mask=mask))
    assert [expected] == at_their_places(_showing(levels), (known,))


def test_every_channel_counts() -> None:
    """One channel that is far off is enough for a pixel not to be the trigger's."""
    image = _showing([[255, 255], [255, 255]])
    image[..., 1] = 255 - LEVELS - 1
    assert [False] == at_their_places(image, (Known("t", tiny_trigger()),))


@given(st.integers(0, 2**32 - 1), st.integers(0, 6), st.sampled_from([1, 3]))
def test_many_triggers_are_compared_as_each_alone(seed: int, count: int, channels: int) -> None:
    """One comparison for all triggers says of each what its own would."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 60, (SIDE, SIDE, channels), dtype=np.uint8)
    known = []
    for i in range(count):
        width, height = (int(side) for side in rng.integers(1, 5, 2))
        box = Box(int(rng.integers(SIDE - width)), int(rng.integers(SIDE - height)), width, height)
        mask = None if rng.random() < 0.4 else rng.random((height, width)) < 0.5
        patch = rng.integers(0, 60, (height, width, channels), dtype=np.uint8)
        known.append(
            Known(f"t-{i}", replace(tiny_trigger(channels), box=box, patch=patch, mask=mask))
        )
    expected = [at_their_places(image, (one,))[0] for one in known]
    assert expected == at_their_places(image, tuple(known))


@pytest.mark.parametrize(("share", "expected"), [(0.0, False), (0.05, False), (0.3, True)])
def test_what_many_clean_images_show_is_common(share: float, expected: bool) -> None:  # noqa: FBT001
    """Pixels that more than a tenth of the references show at that place tell nothing."""
    its = scene()
    images = its.references.images.copy()
    images[: round(share * 100), TRIGGER_BOX.rows, TRIGGER_BOX.columns] = 250
    references = replace(its.references, images=images)
    assert expected == is_common(Known("t", tiny_trigger()), references)


@pytest.mark.parametrize("change", [{"image_height": 17}, {"image_width": 20}])
def test_images_of_another_size_do_not_fit(change: dict[str, int]) -> None:
    """A trigger is one of images of its size and channels, and no others."""
    image = _showing([[0, 0], [0, 0]])
    assert fits(image, tiny_trigger())
    assert not fits(image, tiny_trigger(channels=1))
    assert not fits(image, replace(tiny_trigger(), **change))  # type: ignore[arg-type]
