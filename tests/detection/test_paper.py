"""NEO's Algorithms 1 to 3: what they find, and that each parameter means what it says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.defence import Finding, Known, Verdict
from app.detection.geometry import Box
from app.detection.paper import Parameters, screen
from app.detection.search import Answers, Purpose, run
from app.detection.trigger import Blocker, Fill
from tests.detection.scenes import SEED, Scene, World, refused, scene, watched
from tests.tiny import TARGET, TRIGGER_BOX, stamped, tiny_trigger

if TYPE_CHECKING:
    from app.detection.search import Image, Images, Search

QUARTER = Parameters(size=0.25)
KNOWN = replace(tiny_trigger(), blocker=Blocker(TRIGGER_BOX, Fill.DOMINANT))


def _search(
    its: Scene,
    image: Image,
    parameters: Parameters = QUARTER,
    known: tuple[Known, ...] = (),
) -> Search[Finding]:
    return screen(image, its.references, known, parameters, SEED)


@pytest.mark.parametrize("scored", [True, False])
@pytest.mark.parametrize("channels", [1, 3])
def test_trigger_is_found(channels: int, *, scored: bool) -> None:
    """With a suitable size a trigger is found, and the blocked image's answer is the right one."""
    its = scene(World(channels=channels, scored=scored))
    clean = its.of_class(0)[0]
    finding = run(_search(its, stamped(clean[None])[0]), its.predict)
    assert Verdict.DISCOVERED is finding.verdict
    assert finding.trigger is not None
    assert finding.sanitised is not None
    assert (TARGET, 0) == (finding.trigger.target, int(finding.sanitised.labels[0]))
    assert finding.trigger.box.overlap(TRIGGER_BOX) > 0
    assert Blocker(finding.trigger.box, Fill.DOMINANT) == finding.trigger.blocker


def test_what_its_probes_are_for() -> None:
    """The search comes first; the check set is asked to confirm, which an evaluation counts."""
    its = scene()
    _, probes = watched(_search(its, stamped(its.of_class(0)[:1])[0]), its.predict)
    first, *others = [probe.purpose for probe in probes]
    assert Purpose.SEARCH is first
    assert {Purpose.CONFIRM} == set(others)


def test_clean_image_is_clear() -> None:
    """An image with no transition is clear after its one round."""
    its = scene()
    finding, probes = watched(_search(its, its.of_class(3)[0]), its.predict)
    assert Verdict.CLEAR is finding.verdict
    assert finding.said is finding.sanitised
    assert [401] == [len(probe) for probe in probes]


@pytest.mark.parametrize(("positions", "size", "side"), [(7, 0.25, 4), (50, 0.5, 8), (3, 0.01, 1)])
def test_positions_and_size(positions: int, size: float, side: int) -> None:
    """Algorithm 3 blocks N random places of the given size, all inside the image."""
    its = scene()
    image = its.of_class(3)[0]
    parameters = Parameters(positions=positions, size=size)
    _, probes = watched(_search(its, image, parameters), its.predict)
    blocked = probes[0].images[1:]
    assert positions == len(blocked)
    for one in blocked:
        rows, columns = np.nonzero((one != image).any(axis=2))
        assert np.ptp(rows) < side
        assert np.ptp(columns) < side


def _confirmation(its: Scene, hits: int, parameters: Parameters) -> tuple[Finding, int]:
    """Screen with a model whose one transition is confirmed by so many hits in the check set."""
    asked: list[int] = []

    def told(images: Images) -> Answers:
        asked.append(len(images))
        if len(asked) == 1:
            return Answers(np.array([TARGET, 0, *[TARGET] * (len(images) - 2)]))
        return Answers(np.array([TARGET] * hits + [0] * (len(images) - hits)))

    finding = run(_search(its, its.clean[0], parameters), told)
    return finding, asked[1]


@pytest.mark.parametrize(
    ("lambda_t", "hits", "verdict"),
    [
        (0.75, 15, Verdict.CLEAR),  # exactly Λ_T isn't more than it
        (0.75, 16, Verdict.DISCOVERED),
        (0.8, 16, Verdict.CLEAR),
        (0.8, 17, Verdict.DISCOVERED),
        (0.0, 1, Verdict.DISCOVERED),
        (0.0, 0, Verdict.CLEAR),
    ],
)
def test_lambda_is_the_share_that_must_turn(lambda_t: float, hits: int, verdict: Verdict) -> None:
    """Algorithm 2: a trigger if more than Λ_T of the check set become class A."""
    parameters = Parameters(lambda_t=lambda_t, check_size=20, positions=5)
    finding, asked = _confirmation(scene(), hits, parameters)
    assert (verdict, 20) == (finding.verdict, asked)


@pytest.mark.parametrize("check_size", [1, 10, 24, 500])
def test_check_set_is_k_images_of_class_b(check_size: int) -> None:
    """The check set is k references of the class that blocking revealed, or all there are."""
    its = scene()
    of_class_b = int((its.references.labels == 0).sum())
    poisoned = stamped(its.of_class(0)[:1])[0]
    search = _search(its, poisoned, replace(QUARTER, check_size=check_size))
    finding, probes = watched(search, its.predict)
    assert min(check_size, of_class_b) == len(probes[1])
    assert finding.trigger is not None
    assert len(probes[-1]) == finding.trigger.evidence.transplants


def test_check_images_show_the_region_on_class_b() -> None:
    """Algorithm 2 pastes the blocked region, at its place, on images of class B."""
    its = scene()
    poisoned = stamped(its.of_class(0)[:1])[0]
    finding, probes = watched(_search(its, poisoned), its.predict)
    assert finding.trigger is not None
    box = finding.trigger.box
    of_class_b = its.references.images[its.references.labels == 0]
    for pasted in probes[-1].images:
        outside = pasted.copy()
        assert np.array_equal(poisoned[box.rows, box.columns], pasted[box.rows, box.columns])
        outside[box.rows, box.columns] = 0
        hidden = of_class_b.copy()
        hidden[:, box.rows, box.columns] = 0
        assert (hidden == outside).all(axis=(1, 2, 3)).any()


def test_class_b_without_a_reference() -> None:
    """Where no reference is of class B there is no check set, and nothing is confirmed."""
    its = scene()
    calibration = replace(its.references.calibration, labels=np.full_like(its.references.labels, 1))
    without = replace(its, references=replace(its.references, calibration=calibration))
    finding = run(_search(without, stamped(its.of_class(0)[:1])[0]), its.predict)
    assert Verdict.CLEAR is finding.verdict


@pytest.mark.parametrize(
    ("scores", "delta_t", "transitions"),
    [
        ([[0.1, 0.0, 0.9, 0.0], [0.6, 0.0, 0.4, 0.0]], 0.9, True),  # L1 distance 1.0
        ([[0.1, 0.0, 0.9, 0.0], [0.6, 0.0, 0.4, 0.0]], 1.1, False),
        ([[0.1, 0.0, 0.9, 0.0], [0.4, 0.0, 0.6, 0.0]], 0.1, False),  # the class stays
        ([[-3.0, 0.0, 4.0, 0.0], [-2.9, 4.1, 4.0, 0.0]], 1.0, True),  # logits: their softmax, 1.005
        ([[-3.0, 0.0, 4.0, 0.0], [-2.9, 4.1, 4.0, 0.0]], 1.01, False),
    ],
)
def test_delta_is_the_distance_of_a_transition(
    scores: list[list[float]], delta_t: float, *, transitions: bool
) -> None:
    """Definition 2: the L1 distance of two answers is more than Δ_T; of one-hot labels it is 2."""
    its = scene()
    rows = np.array(scores, np.float32)
    rounds: list[int] = []

    def told(images: Images) -> Answers:
        rounds.append(len(images))
        told_scores = rows[[0] + [1] * (len(images) - 1)]
        return Answers(told_scores.argmax(axis=1), told_scores)

    run(_search(its, its.clean[0], Parameters(positions=1, delta_t=delta_t)), told)
    assert transitions is (len(rounds) == 2)


@pytest.mark.parametrize("delta_t", [0.0, 1.0, 1.99])
def test_labels_alone_are_one_hot(delta_t: float) -> None:
    """Without scores, a changed label is a transition for every Δ_T below 2."""
    its = scene(World(scored=False))
    poisoned = stamped(its.of_class(0)[:1])[0]
    finding = run(_search(its, poisoned, replace(QUARTER, delta_t=delta_t)), its.predict)
    assert Verdict.DISCOVERED is finding.verdict


def test_known_position_is_the_only_one() -> None:
    """Algorithm 1: once a trigger is found, only its position is blocked and confirmed."""
    its = scene()
    known = Known("t-1", KNOWN)
    clean = its.of_class(3)[0]
    finding, probes = watched(_search(its, stamped(clean[None])[0], known=(known,)), its.predict)
    assert (Verdict.KNOWN, known) == (finding.verdict, finding.known)
    assert finding.sanitised is not None
    assert [3] == finding.sanitised.labels.tolist()
    of_class_b = int((its.references.labels == 3).sum())
    assert [2, min(24, of_class_b)] == [len(probe) for probe in probes]
    passed, probes = watched(_search(its, clean, known=(known,)), its.predict)
    assert (Verdict.CLEAR, [2]) == (passed.verdict, [len(probe) for probe in probes])


def test_second_of_two_known_positions() -> None:
    """Of two known positions the one that turns the image is named."""
    its = scene()
    elsewhere = replace(KNOWN, box=Box(1, 1, 2, 2), blocker=Blocker(Box(1, 1, 2, 2), Fill.DOMINANT))
    known = (Known("t-1", elsewhere), Known("t-2", KNOWN))
    finding = run(_search(its, stamped(its.of_class(3)[:1])[0], known=known), its.predict)
    assert finding.known is known[1]


def test_position_of_another_input_size_is_not_blocked() -> None:
    """A trigger that was found at another input size is left alone, and the search goes on."""
    its = scene()
    stale = Known("t-old", replace(KNOWN, image_width=40))
    poisoned = stamped(its.of_class(0)[:1])[0]
    finding = run(_search(its, poisoned, known=(stale,)), its.predict)
    assert Verdict.DISCOVERED is finding.verdict


@pytest.mark.parametrize("after", [0, 1, 2])
def test_refusal_is_undecided(after: int) -> None:
    """Refused at any round it is undecided; what the model said is known after the first."""
    its = scene()
    wide = replace(QUARTER, lambda_t=1.0)  # nothing is confirmed, so that all rounds are asked
    poisoned = stamped(its.of_class(0)[:1])[0]
    finding = refused(_search(its, poisoned, wide), its.predict, after)
    assert (Verdict.UNDECIDED, True) == (finding.verdict, finding.exposed)
    assert (after > 0) is (finding.said is not None)
    assert finding.sanitised is finding.said


def test_same_seed_same_positions() -> None:
    """The random positions come from the seed."""
    its = scene()
    image = its.of_class(3)[0]
    (_, one), (_, other) = (watched(_search(its, image), its.predict) for _ in range(2))
    assert np.array_equal(one[0].images, other[0].images)
