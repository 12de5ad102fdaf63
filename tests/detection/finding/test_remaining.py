"""An image that keeps its label because what hides the trigger rebuilds it isn't of that class."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.evidence.confirmation import Look
from app.detection.evidence.nature import Nature
from app.detection.finding.healing import WIDENED, heal
from app.detection.finding.remaining import freed_of_the_rest
from app.detection.finding.synthetic import pasted
from app.detection.geometry import Box
from app.detection.search import Answers
from app.detection.trigger import Blocker, Fill
from tests.detection.scenes import SEED, Scene, World, own, scene, watched
from tests.tiny import TARGET, Backdoor, stamped

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.detection.finding.healing import Healed
    from app.detection.search import Image, Images, Probe

BACKDOOR = Backdoor(Box(18, 11, 3, 3), TARGET)
FRAME = BACKDOOR.box.grown(6, 32, 32)
UNNATURAL = Nature(rate=0.0, novelty=2.0, one_class=False, over_general=False)


@pytest.fixture(scope="module")
def its() -> Scene:
    """Return a scene with room for a frame around the trigger."""
    return scene(World((32, 32), backdoors=(BACKDOOR,)))


def _healed(
    its: Scene,
    image: Image,
    predict: Callable[[Images], Answers] | None = None,
    nature: Nature = UNNATURAL,
) -> tuple[Healed, list[Probe]]:
    """Hide the trigger in *image*, which seemed not to need it."""
    rng, windows = np.random.default_rng(SEED), [BACKDOOR.box.grown(2, 32, 32)]
    synthetic = pasted(image, windows, its.references.others(TARGET, rng), its.references)
    look = Look((BACKDOOR.box,), None, necessary=False)
    search = heal(image, TARGET, look, windows, synthetic, nature, its.defence(), rng)
    healed, probes = watched(search, predict or its.predict)
    assert healed is not None
    return healed, probes


def _framed(clean: Image) -> Image:
    framed: Image = stamped(clean[None], FRAME)[0]
    return framed


def test_a_frame_that_rebuilds_the_trigger_gives_nobody_its_class(its: Scene) -> None:
    """What references show is put over more of it, until the image leaves that class."""
    for clean in its.others(TARGET)[:4]:
        healed, _ = _healed(its, _framed(clean))
        assert [its.label(clean)] == healed.answer.labels.tolist()
        assert healed.by_some
        assert healed.blocker.box.grown(WIDENED[0], 32, 32) == healed.blockers[0].box
        assert healed.blocker.fill is not Fill.REFERENCES
        assert Fill.REFERENCES is healed.blockers[0].fill


def test_one_of_two_fills_that_turns_a_third_of_others_is_enough(its: Scene) -> None:
    """Three sides of a frame make the ring's colour the trigger's, and four sides mixed not."""
    clean = its.others(TARGET)[0]
    image, above = _framed(clean), replace(FRAME, height=6)
    image[above.rows, above.columns] = clean[above.rows, above.columns]

    def sometimes(images: Images) -> Answers:
        """Answer as the model, but of two in three other images what it says without it."""
        holding = images[:, 0, 0].sum(axis=1, dtype=int) % 3 > 0
        holding &= ~(images[:, -1] == image[-1]).all(axis=(1, 2))
        without = images.copy()
        without[holding, BACKDOOR.box.rows, BACKDOOR.box.columns] = 0
        return its.predict(without)

    kept = Blocker(BACKDOOR.box.grown(1, 32, 32), Fill.RING)
    (_, answer), _ = _freed(its, image, (kept,), sometimes)
    assert [its.label(clean)] == answer.labels.tolist()


def test_what_is_hidden_beside_it_stays_hidden(its: Scene) -> None:
    """A copy of it, say: in every probe."""
    other = Blocker(Box(2, 2, 4, 4), Fill.REFERENCES)
    image = _framed(its.others(TARGET)[0])
    kept = Blocker(BACKDOOR.box.grown(1, 32, 32), Fill.RING)
    (blockers, _), probes = _freed(its, image, (kept, other), its.predict)
    assert other == blockers[-1]
    assert all(other.box in one.hidden for probe in probes for one in probe.origins)
    shown = probes[-1].images[:, other.box.rows, other.box.columns]
    assert (shown == its.references.backdrop[other.box.rows, other.box.columns]).all()


def _freed(
    its: Scene, image: Image, kept: tuple[Blocker, ...], predict: Callable[[Images], Answers]
) -> tuple[tuple[tuple[Blocker, ...], Answers], list[Probe]]:
    look, rng = Look((BACKDOOR.box,), None, necessary=False), np.random.default_rng(SEED)
    defence = its.defence()
    search = freed_of_the_rest(image, TARGET, kept, look, WIDENED, UNNATURAL, defence, rng)
    freed, probes = watched(search, predict)
    assert freed is not None
    return freed, probes


def test_an_image_of_the_class_keeps_it(its: Scene) -> None:
    """What is left where the trigger was turns nothing: it ends with the transplants of that."""
    for clean in its.of_class(TARGET)[:4]:
        image = stamped(clean[None], BACKDOOR.box)[0]
        healed, probes = _healed(its, image)
        assert (TARGET, False) == (healed.answer.labels[0], healed.by_some)
        (left,) = [one for one in probes[-1:] if len(one) == 48]
        shown = BACKDOOR.box.grown(3, 32, 32)
        assert {((shown,), BACKDOOR.box.grown(1, 32, 32))} == {
            (one.seen, *one.hidden) for one in left.origins
        }


def test_what_keeps_its_label_without_all_of_it_has_it_from_elsewhere(its: Scene) -> None:
    """Though its frame rebuilds the trigger, too."""
    image = _framed(its.others(TARGET)[0])

    def stubborn(images: Images) -> Answers:
        """Call the one image the target whatever is hidden of it."""
        labels = its.predict(images).labels
        labels[(images[:, -1] == image[-1]).all(axis=(1, 2))] = TARGET
        return Answers(labels)

    healed, probes = _healed(its, image, stubborn)
    assert (TARGET, False) == (healed.answer.labels[0], healed.by_some)
    widest = max((box for one in probes[-1].origins for box in one.hidden), key=lambda b: b.area)
    assert FRAME.is_in(widest)


def test_nothing_more_is_asked_where_most_content_opens_the_place(its: Scene) -> None:
    """What is left there turns others by nature."""
    image, nature = _framed(its.others(TARGET)[0]), replace(UNNATURAL, over_general=True)
    (healed, asked), (_, more) = (_healed(its, image, nature=one) for one in (nature, UNNATURAL))
    assert TARGET == healed.answer.labels[0]
    assert own(asked) < own(more)
