"""A screen under its driver: refused at any round, repeated, together with others, or misled."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.defence import Finding, Known, Verdict
from app.detection.screening import AT_MOST
from app.detection.search import (
    AnswerLengthError,
    Answers,
    Probe,
    Refused,
    advance,
    run,
    together,
)
from tests.detection.kinds import ALL_TO_ALL, KINDS, MARK, ONE_CLASS, TWO_PIECES
from tests.detection.scenes import Scene, World, refused, scene, watched
from tests.tiny import BACKDOOR, TARGET, Backdoor, stamped, tiny_trigger

if TYPE_CHECKING:
    from app.detection.defence import Defence
    from app.detection.search import Image, Images

MARKED = World(marks=(MARK,))
CASES = [*KINDS, "clean", "clean, by a mark", "known", "known, of one class", "known, not there"]


def _case(name: str) -> tuple[Scene, Image, Defence]:
    """Return a scene with no placebo rate known, an image to screen, and the defence that does."""
    if name in KINDS:
        its = scene(KINDS[name])
        return its, its.poisoned(KINDS[name].backdoors[0])[1][0], its.defence()
    its = scene(MARKED)
    if name == "clean":
        return its, its.of_class(TARGET)[0], its.defence()
    if name == "clean, by a mark":
        return its, its.of_class(MARK.label)[0], its.defence()
    if name == "known":
        return its, its.poisoned(BACKDOOR)[1][0], its.defence([_known()])
    if name == "known, not there":
        return its, its.of_class(TARGET)[0], its.defence([_known()])
    its = scene(KINDS["one class"])
    return its, its.poisoned(ONE_CLASS)[1][0], its.defence([_known(source=0)])


def _known(source: int | None = None) -> Known:
    return Known("t-1", replace(tiny_trigger(), source=source))


@pytest.mark.parametrize("name", CASES)
def test_refusal_at_every_round_is_undecided(name: str) -> None:
    """Whenever it comes, a refused screen says that it doesn't know, and what the model said."""
    its, image, defence = _case(name)
    _, probes = watched(its.search(image, defence), its.predict)
    for after in range(len(probes)):
        its, image, defence = _case(name)  # with no placebo rate known, as when it was counted
        finding = refused(its.search(image, defence), its.predict, after)
        assert Verdict.UNDECIDED is finding.verdict
        assert finding.said is finding.sanitised
        assert (None, None) == (finding.trigger, finding.known)
        assert _given(finding) == (its.label(image) if after else None)


@pytest.mark.parametrize("name", [*KINDS, "clean", "clean, by a mark"])
def test_without_a_known_trigger_only_the_unanswered_are_exposed(name: str) -> None:
    """Refused before the image itself is answered it is exposed; with nothing known, not after."""
    its, image, defence = _case(name)
    _, probes = watched(its.search(image, defence), its.predict)
    exposed = []
    for after in range(len(probes)):
        its, image, defence = _case(name)
        exposed.append(refused(its.search(image, defence), its.predict, after).exposed)
    assert [True, *[False] * (len(probes) - 1)] == exposed


@pytest.mark.parametrize("name", ["known", "known, of one class"])
def test_image_with_a_known_trigger_is_exposed_throughout(name: str) -> None:
    """Refused at whatever round, an image that carries a known trigger isn't called safe."""
    its, image, defence = _case(name)
    _, probes = watched(its.search(image, defence), its.predict)
    for after in range(len(probes)):
        its, image, defence = _case(name)
        assert refused(its.search(image, defence), its.predict, after).exposed


@pytest.mark.parametrize("search", [True, False])
def test_refusal_before_any_answer(*, search: bool) -> None:
    """Refused before the image itself is answered, nothing is said and nothing ruled out."""
    its = scene()
    finding = refused(its.search(its.clean[0], its.defence(search=search)), its.predict, after=0)
    assert Verdict.UNDECIDED is finding.verdict
    assert finding.said is finding.sanitised is None
    assert finding.exposed


def test_refusal_reaches_all_of_several() -> None:
    """Several images that are screened together all end undecided when they are refused."""
    its = scene()
    searches = [its.search(image) for image in stamped(its.others(TARGET)[:3])]
    findings = refused(together(searches), its.predict, after=3)
    assert [Verdict.UNDECIDED] * 3 == [finding.verdict for finding in findings]


def test_refused_is_the_only_fault_that_is_concluded_from() -> None:
    """An error of the driver's own passes through a screen; it never becomes a verdict."""
    its = scene()
    search = its.search(its.clean[0])
    next(search)
    with pytest.raises(TimeoutError):
        search.throw(TimeoutError())
    assert not issubclass(TimeoutError, Refused)


@pytest.mark.parametrize("name", CASES)
def test_same_seed_same_probes_and_verdict(name: str) -> None:
    """Two screens of one image ask the very same images and conclude the same."""
    (one, asked), (other, again) = (
        watched(its.search(image, defence), its.predict)
        for its, image, defence in (_case(name), _case(name))
    )
    assert len(asked) == len(again)
    assert all(np.array_equal(a.images, b.images) for a, b in zip(asked, again, strict=True))
    assert [a.for_all for a in asked] == [b.for_all for b in again]
    assert _facts(one) == _facts(other)


@pytest.mark.parametrize("name", CASES)
def test_short_answers_are_an_error_at_every_round(name: str) -> None:
    """An answer too few or too many stops the driver; it is never dealt out to the next image."""
    its, image, defence = _case(name)
    search = its.search(image, defence)
    step = advance(search)
    while isinstance(step, Probe):
        answers = its.predict(step.images)
        for wrong in (answers[: len(step) - 1], its.predict(np.repeat(step.images, 2, axis=0))):
            with pytest.raises(AnswerLengthError):
                advance(search, step, wrong)
        step = advance(search, step, answers)
    assert Verdict.UNDECIDED is not step.result.verdict


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4, 5), (5, 3, 1, 0, 2, 4), (4, 5, 2, 3, 0, 1)])
def test_several_images_at_once(order: tuple[int, ...]) -> None:
    """Screened together, in any order, each image has the finding that it has alone."""
    backdoors = (BACKDOOR, Backdoor(TWO_PIECES.box, 3, source=0))
    its = scene(World(backdoors=backdoors, marks=(MARK,)))
    images = [
        *its.of_class(3)[:1],
        *its.poisoned(backdoors[0])[1][:2],
        *its.of_class(MARK.label)[:1],
        *its.poisoned(backdoors[1])[1][:1],
        *its.of_class(TARGET)[:1],
    ]
    alone = [_facts(its.screened(images[i])) for i in order]
    assert {"CLEAR", "DISCOVERED"} == {facts[0] for facts in alone}
    joint = run(together([its.search(images[i]) for i in order]), its.predict)
    assert alone == [_facts(one) for one in joint]


def test_several_images_of_an_all_to_all_trigger_at_once() -> None:
    """Screened together, each image gets back its own class, which differs from the others'."""
    its = scene(KINDS["all to all"])
    clean, poisoned = its.poisoned(ALL_TO_ALL)
    found = run(together([its.search(image) for image in poisoned[:6]]), its.predict)
    assert [its.label(image) for image in clean[:6]] == [_given(one) for one in found]


def _facts(finding: Finding) -> tuple[object, ...]:
    """Return what can be compared of a finding."""
    trigger = finding.trigger
    found = None
    if trigger is not None:
        found = trigger.target, trigger.source, trigger.box, trigger.pieces, trigger.evidence
    return finding.verdict.name, _given(finding), found, finding.known and finding.known.id


def _given(finding: Finding) -> int | None:
    return None if finding.sanitised is None else int(finding.sanitised.labels[0])


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.97])
def test_no_answers_make_one_image_cost_more_than_its_bound(share: float) -> None:
    """Whatever a model says, and so whatever an image is made like, a screen ends."""
    its = scene()
    for seed in range(10):
        chance = np.random.default_rng(seed)

        def say(images: Images, chance: np.random.Generator = chance) -> Answers:
            others = chance.integers(0, 4, len(images))
            return Answers(np.where(chance.random(len(images)) < share, TARGET, others))

        _, probes = watched(its.search(its.clean[seed]), say)
        assert sum(len(probe) for probe in probes) <= AT_MOST
