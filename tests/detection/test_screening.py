"""One image: a trigger is found on first sight, and nothing else is taken for one."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection import screening
from app.detection.defence import Known, Verdict
from app.detection.geometry import Box
from app.detection.search import Answers, run
from app.detection.suspect import Kept
from app.detection.trigger import Kind
from tests.detection.blended import digits
from tests.detection.blended.overlays import SOURCE
from tests.detection.scenes import World, own, refused, scene, scene_of, watched
from tests.tiny import BACKDOOR, TARGET, Backdoor, stamped, tiny_trigger

if TYPE_CHECKING:
    from app.detection.search import Images

KINDS = [World(channels=channels, scored=scored) for channels in (1, 3) for scored in (True, False)]
SIZES = [
    World((8, 8), backdoors=(Backdoor(Box(4, 3, 2, 2), TARGET),)),
    World((16, 16), backdoors=(Backdoor(Box(0, 14, 2, 2), TARGET),)),
    World((28, 28), channels=1, backdoors=(Backdoor(Box(16, 10, 3, 3), TARGET),)),
    World((64, 48), backdoors=(Backdoor(Box(27, 22, 6, 6), TARGET),)),
    World((48, 64), channels=1, backdoors=(Backdoor(Box(4, 30, 11, 11), TARGET, enough=0.6),)),
    World(
        (224, 224), channels=1, backdoors=(Backdoor(Box(127, 72, 27, 27), TARGET),), references=44
    ),
]
SECOND = Backdoor(Box(2, 11, 2, 2), 0)


def _name(world: World) -> str:
    height, width = world.shape
    return f"{height}x{width}x{world.channels}{'' if world.scored else '-labels'}"


@pytest.mark.parametrize("world", [*KINDS, *SIZES], ids=_name)
def test_trigger_is_discovered_on_first_sight(world: World) -> None:
    """The first poisoned image reveals the trigger and gets its clean answer back."""
    its, box = scene(world), world.backdoors[0].box
    clean = its.others(TARGET)[0]
    poisoned = stamped(clean[None], box)[0]
    finding = its.screened(poisoned)
    assert Verdict.DISCOVERED is finding.verdict
    assert finding.said is not None
    assert finding.sanitised is not None
    assert finding.trigger is not None
    said, right = int(finding.said.labels[0]), int(finding.sanitised.labels[0])
    assert (TARGET, its.label(clean)) == (said, right)
    assert world.scored is (finding.sanitised.scores is not None)
    found = finding.trigger
    assert (TARGET, None, *world.shape) == (
        found.target,
        found.source,
        found.image_height,
        found.image_width,
    )
    # A grey image's neighbours in brightness are like it, so that the box may be wider there.
    assert found.box.overlap(box) >= (0.5 if world.channels == 3 else 0.1)
    assert np.array_equal(poisoned[found.box.rows, found.box.columns], found.patch)


@pytest.mark.parametrize("world", KINDS, ids=_name)
def test_evidence_says_why(world: World) -> None:
    """The evidence is that of a trigger: all carry, nature doesn't, blocking heals, a seed."""
    its = scene(world)
    trigger = its.screened(stamped(its.others(TARGET)[:1])[0]).trigger
    assert trigger is not None
    evidence = trigger.evidence
    assert 1 == evidence.carry_rate
    assert evidence.transplants >= 7
    assert evidence.placebo <= 0.4
    assert evidence.heal_rate >= 0.9
    assert its.references.seed == evidence.seed


@pytest.mark.parametrize("world", [*KINDS, *SIZES], ids=_name)
def test_clean_images_are_clear(world: World) -> None:
    """A clean image is clear, with the model's own answer to it."""
    its = scene(world)
    for image in its.clean[:8]:
        finding = its.screened(image)
        assert Verdict.CLEAR is finding.verdict
        assert finding.sanitised is finding.said is not None
        assert [its.label(image)] == finding.said.labels.tolist()


def test_first_round_asks_the_image_itself() -> None:
    """The client's own image is the first of the first probe, as it came, and is asked once."""
    its = scene()
    for image in (its.clean[0], stamped(its.others(TARGET)[:1])[0]):
        _, probes = watched(its.search(image), its.predict)
        asked = [np.array_equal(image, one) for probe in probes for one in probe.images]
        assert (True, 1) == (asked[0], sum(asked))


def test_most_clean_images_cost_one_round() -> None:
    """A clean image's screen travels with it; only what seems to carry is asked again."""
    its = scene()
    rounds = [len(watched(its.search(image), its.predict)[1]) for image in its.of_class(3)[:6]]
    assert [1] * len(rounds) == rounds


def test_placebo_rates_known_already_change_no_verdict() -> None:
    """What other images have taught costs no probe again, and the finding stays the same."""
    its = scene()
    poisoned = stamped(its.others(TARGET)[:1])[0]
    first, asked = watched(its.search(poisoned), its.predict)
    second, again = watched(its.search(poisoned), its.predict)
    assert any(probe.for_all for probe in asked)
    assert not any(probe.for_all for probe in again)
    assert own(asked) == own(again)
    assert first.trigger is not None
    assert second.trigger is not None
    assert first.trigger.box == second.trigger.box


def test_nature_around_the_blocker_rules_a_trigger_out() -> None:
    """What clean images of the class carry at that very place is no trigger of `fast`."""
    its = scene().fast()
    poisoned = stamped(its.others(TARGET)[:1])[0]
    assert Verdict.DISCOVERED is its.screened(poisoned).verdict
    rates = its.references.placebo_rates
    rates[list(rates)[-1]] = 0.6  # the last one asked is that of the blocker's surroundings
    assert Verdict.CLEAR is its.screened(poisoned).verdict


def test_larger_trigger_than_asked_for_is_not_believed() -> None:
    """A box larger than the largest trigger that is looked for is no localised trigger."""
    large = Backdoor(Box(6, 6, 3, 3), TARGET)  # whole in one of the small scale's windows
    verdicts = []
    for trigger_max in (0.125, 0.2):
        its = scene(World(backdoors=(large,), trigger_max=trigger_max))
        verdicts.append(its.screened(stamped(its.others(TARGET)[:1], large.box)[0]).verdict)
    assert [Verdict.CLEAR, Verdict.DISCOVERED] == verdicts


def test_an_image_of_the_attackers_class_may_carry_the_trigger() -> None:
    """If the image keeps its answer whatever hides the trigger, that is given, and it is found."""
    its = scene()
    poisoned = stamped(its.others(TARGET)[:1])[0]

    def not_healed(images: Images) -> Answers:
        """Call the image itself the target whatever hides its middle."""
        labels = its.predict(images).labels
        itself = (images[:, -1] == poisoned[-1]).all(axis=(1, 2))
        labels[itself & (images[:, :, -1] == poisoned[:, -1]).all(axis=(1, 2))] = TARGET
        return Answers(labels)

    finding = run(its.search(poisoned), not_healed)
    assert Verdict.DISCOVERED is finding.verdict
    assert finding.sanitised is not None
    assert finding.trigger is not None
    assert [TARGET] == finding.sanitised.labels.tolist()
    assert not finding.trigger.evidence.necessary


def test_two_triggers_with_two_targets() -> None:
    """Each of two triggers is found from an image that carries it, with its own target."""
    its = scene(World(backdoors=(BACKDOOR, SECOND)))
    found = {}
    for backdoor in (BACKDOOR, SECOND):
        finding = its.screened(its.poisoned(backdoor)[1][0])
        assert finding.trigger is not None
        found[finding.trigger.target] = finding.trigger.box.overlap(backdoor.box)
    assert {BACKDOOR.target, SECOND.target} == set(found)
    assert min(found.values()) >= 0.5


def test_no_image_costs_more_than_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever made it: a search that would is refused, and what it has learnt proves nothing."""
    its = scene()
    poisoned = stamped(its.others(TARGET)[:1])[0]
    whole, probes = watched(its.search(poisoned), its.predict)
    assert Verdict.DISCOVERED is whole.verdict
    most = sum(map(len, probes)) // 2
    monkeypatch.setattr(screening, "AT_MOST", most)
    finding, probes = watched(its.search(poisoned), its.predict)
    assert Verdict.UNDECIDED is finding.verdict
    assert most // 2 < sum(map(len, probes)) <= most


def test_what_is_asked_for_all_counts_for_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who makes images that raise ever new questions about nature mustn't make it ask for ever."""
    its, again = scene(), scene()  # neither knows a rate
    poisoned = stamped(its.others(TARGET)[:1])[0]
    whole, probes = watched(its.search(poisoned), its.predict)
    assert Verdict.DISCOVERED is whole.verdict
    assert sum(probe.for_all for probe in probes)
    monkeypatch.setattr(screening, "AT_MOST", sum(map(len, probes)) - 1)
    assert Verdict.UNDECIDED is run(again.search(poisoned), again.predict).verdict


def test_dismissed_trigger_is_not_found_again() -> None:
    """What its owner has called no trigger leaves the image its own answer; others are found."""
    its = scene(World(backdoors=(BACKDOOR, SECOND)))
    defence = its.defence(dismissed=[Known("t", tiny_trigger())])
    finding = its.screened(stamped(its.others(TARGET)[:1])[0], defence)
    assert Verdict.CLEAR is finding.verdict
    assert finding.said is finding.sanitised
    other = its.screened(its.poisoned(SECOND)[1][0], defence)
    assert Verdict.DISCOVERED is other.verdict


def test_dismissal_is_of_one_target() -> None:
    """A trigger dismissed for another class doesn't hide the one that is there."""
    its = scene()
    defence = its.defence(dismissed=[Known("t", replace(tiny_trigger(), target=0))])
    finding = its.screened(stamped(its.others(TARGET)[:1])[0], defence)
    assert Verdict.DISCOVERED is finding.verdict


def test_search_off_asks_the_image_alone() -> None:
    """Not drawn for screening and nothing known: one probe, and the image passes."""
    its = scene()
    poisoned = stamped(its.others(TARGET)[:1])[0]
    finding, probes = watched(its.search(poisoned, its.defence(search=False)), its.predict)
    assert Verdict.CLEAR is finding.verdict
    assert [1] == [len(probe) for probe in probes]


@pytest.mark.parametrize("channels", [1, 3])
def test_natural_carrier_is_no_trigger(channels: int) -> None:
    """Where a symbol at the centre tells the class, it carries by nature and is no trigger."""
    rng = np.random.default_rng(4)
    shades = np.array([20, 90, 160, 230])
    symbol = Box(6, 6, 4, 4)

    def told_by_symbol(images: Images) -> Answers:
        means = images[:, symbol.rows, symbol.columns].mean(axis=(1, 2, 3))
        return Answers(np.abs(means[:, None] - shades).argmin(axis=1))

    images = rng.integers(100, 140, (160, 16, 16, channels)).astype(np.uint8)
    shown = shades[rng.integers(4, size=160)]
    images[:, symbol.rows, symbol.columns] = shown[:, None, None, None]
    its = scene_of(told_by_symbol, images[:120], images[120:])
    assert [Verdict.CLEAR] * 40 == [its.screened(image).verdict for image in images[120:]]


def test_rate_of_discovery_is_all() -> None:
    """Every poisoned image of a stream reveals the trigger by itself, at a bounded cost."""
    its = scene()
    cost = []
    for image in stamped(its.others(TARGET)[:8]):
        finding, probes = watched(its.search(image), its.predict)
        assert Verdict.DISCOVERED is finding.verdict
        cost.append(own(probes))
    assert max(cost) < 600
    assert math.isclose(min(cost), max(cost), rel_tol=0.5)


def test_a_place_for_which_nothing_else_speaks_is_held_against_others() -> None:
    """Where hidden bands cross: a translucent sticker is no newer than clean images are."""
    its = scene_of(digits.classify, digits.REFERENCES, digits.SHOWN)
    silent = [one for one in its.screened(digits.STUCK[0]).suspects if not one.is_likely]
    assert 1 == len(silent)
    finding = its.screened(
        digits.STUCK[3], replace(its.defence(), suspects=[Kept("s-0", silent[0])])
    )
    assert (Verdict.DISCOVERED, ("s-0",)) == (finding.verdict, finding.proven_by)


def test_what_two_images_have_laid_over_a_place_is_a_trigger() -> None:
    """Noted of the first image, proven by another one, which is answered without it."""
    its = scene_of(digits.classify, digits.REFERENCES, digits.SHOWN)
    first = its.screened(digits.STUCK[0])
    assert Verdict.CLEAR is first.verdict
    kept = [Kept(f"s-{i}", one) for i, one in enumerate(first.suspects)]
    defence = replace(its.defence(), suspects=kept)
    finding = its.screened(digits.STUCK[3], defence)
    assert Verdict.DISCOVERED is finding.verdict
    assert 1 == len(finding.proven_by), "it is one picture"
    assert finding.trigger is not None
    assert Kind.BLENDED is finding.trigger.kind
    assert not finding.trigger.is_whole
    assert finding.sanitised is not None
    assert [SOURCE] == finding.sanitised.labels.tolist()
    assert ("s-0",) == finding.suspects_seen
    # Refused that, the image has the answer that its search has ended with.
    _, again = watched(its.search(digits.STUCK[3], defence), its.predict)
    search = its.search(digits.STUCK[3], defence)
    clear = refused(search, its.predict, len(again) - 1)
    assert Verdict.CLEAR is clear.verdict
    assert clear.suspects
