"""Which pixels of what is asked are the caller's own: told by where they were put."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.defence import Known
from app.detection.geometry import Box
from app.detection.origins import FOREIGN, WHOLE, Origin, beside, masks, within
from app.detection.search import Probe, advance, together
from tests.detection.kinds import KINDS
from tests.detection.scenes import World, scene, watched
from tests.tiny import clean_images

BY_CHANCE = 0.02
"""Share of pixels that are the same without being the image's own; 0.006 at most here."""

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.search import Search

LEFT, TOP, CORNER = Box(0, 0, 2, 4), Box(0, 0, 4, 2), Box(0, 0, 2, 2)


@pytest.mark.parametrize(
    ("origin", "rows"),
    [
        (WHOLE, ["1111", "1111", "1111", "1111"]),
        (FOREIGN, ["0000", "0000", "0000", "0000"]),
        (within([CORNER]), ["1100", "1100", "0000", "0000"]),
        (beside([LEFT]), ["0011", "0011", "0011", "0011"]),
        (within([LEFT]).without([TOP]), ["0000", "0000", "1100", "1100"]),
        (within([LEFT]).only([TOP]), ["1100", "1100", "0000", "0000"]),
        (within([CORNER]).only([Box(2, 2, 2, 2)]), ["0000", "0000", "0000", "0000"]),
        (WHOLE.only([CORNER]), ["1100", "1100", "0000", "0000"]),
    ],
)
def test_masks(origin: Origin, rows: list[str]) -> None:
    """What is seen of an image is in the mask, what is hidden isn't."""
    (mask,) = masks([origin], 4, 4)
    assert rows == ["".join(str(int(own)) for own in row) for row in mask]


@pytest.mark.parametrize("is_known", [False, True])
@pytest.mark.parametrize("its_world", [*KINDS.values(), World((48, 48))], ids=[*KINDS, "large"])
def test_every_probe_tells_its_origins(its_world: World, *, is_known: bool) -> None:
    """Of all that is asked about an image every pixel called its own is so, and no others are."""
    its, (backdoor,) = scene(its_world), its_world.backdoors
    _, poisoned = its.poisoned(backdoor)
    defence = its.defence()
    if is_known:
        trigger = its.screened(poisoned[0]).trigger
        assert trigger is not None
        defence = its.defence([Known("t-1", trigger)])
    image = poisoned[1]
    _, probes = watched(its.search(image, defence), its.predict)
    assert WHOLE == probes[0].origins[0]
    assert [not probe.own for probe in probes] == [not probe.origins for probe in probes]
    for probe in (part for both in probes for part in both.parts):
        if probe.origins:
            own = masks(probe.origins, *image.shape[:2])
            same = (probe.images == image).all(axis=3)
            assert same[own].all()
            assert _are_all(probe, same, own)


def _are_all(probe: Probe, same: NDArray[np.bool_], own: NDArray[np.bool_]) -> bool:
    """Say if no large part of *probe* that is the *same* as the image isn't called its *own*.

    Here and there another image, or what blocks one, has the same colour.
    """
    claimed = [origin != FOREIGN for origin in probe.origins]
    return bool((same & ~own)[claimed].mean(axis=(1, 2)).max(initial=0.0) < BY_CHANCE)


def test_together_tells_every_origin() -> None:
    """Searches that ask in one probe keep the origins of each."""
    images = clean_images(2, np.random.default_rng(1))

    def asking(origins: list[Origin]) -> Search[None]:
        yield Probe(images, origins=origins)

    step = advance(together([asking([]), asking([WHOLE, within([LEFT])])]))
    assert isinstance(step, Probe)
    assert [FOREIGN, FOREIGN, WHOLE, within([LEFT])] == step.origins


def test_an_origin_for_each_image() -> None:
    """Origins that can't be those of the images are refused, as are any of what is shared."""
    images = clean_images(2, np.random.default_rng(1))
    with pytest.raises(ValueError, match="1 origins of 2 images"):
        Probe(images, origins=[WHOLE])
    with pytest.raises(ValueError, match="origins"):
        Probe(images, for_all=1, origins=[WHOLE, FOREIGN])
