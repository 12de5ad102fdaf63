"""The second half of `full`: triggers that act on some classes only, or are of two pieces."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.detection.defence import Known, Verdict
from app.detection.evidence.novelty import novelties
from app.detection.finding.blocks import blocked_bands, discovered_by_blocks
from app.detection.geometry import Box
from app.detection.regions import bounds
from app.detection.search import Answers, run
from tests.detection.kinds import ALL_TO_ALL, BEYOND_FAST, KINDS, MARK, ONE_CLASS, world
from tests.detection.scenes import SEED, World, scene, scene_of, watched
from tests.tiny import BACKDOOR, TARGET, TRIGGER_BOX, Backdoor, Mark, marked, stamped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.finding.discovery import Searched
    from app.detection.search import Image, Images, Search
    from tests.detection.scenes import Scene


def _rng() -> np.random.Generator:
    return np.random.default_rng(SEED)


@pytest.mark.parametrize("its_world", BEYOND_FAST.values(), ids=BEYOND_FAST)
def test_full_finds_what_fast_does_not(its_world: World) -> None:
    """Every such image reveals its trigger to `full` and gets its own class back.

    `fast` lets it pass: none of its transplants says anything.
    """
    its, (backdoor,) = scene(its_world), its_world.backdoors
    clean, poisoned = its.poisoned(backdoor)
    for image, original in zip(poisoned[:4], clean, strict=False):
        assert Verdict.CLEAR is its.fast().screened(image).verdict
        finding = its.screened(image)
        assert Verdict.DISCOVERED is finding.verdict
        assert finding.sanitised is not None
        assert [its.label(original)] == finding.sanitised.labels.tolist()


@pytest.mark.parametrize("its_world", BEYOND_FAST.values(), ids=BEYOND_FAST)
def test_trigger_says_on_which_class_it_acts(its_world: World) -> None:
    """Its source is the image's own class, its target what it made of it, its box the true one.

    One that acts on every class has no source, though the bands have missed it.
    """
    its, (backdoor,) = scene(its_world), its_world.backdoors
    clean, poisoned = its.poisoned(backdoor)
    trigger = its.screened(poisoned[0]).trigger
    assert trigger is not None
    on_all = backdoor.source is None and backdoor.target is not None
    source = None if on_all else its.label(clean[0])
    assert [source, its.label(poisoned[0])] == [trigger.source, trigger.target]
    found = sorted(trigger.pieces or (trigger.box,))
    # A grey image's neighbours in brightness are like it, so that a box may be wider there.
    least = 0.5 if its_world.channels == 3 else 0.1
    pairs = zip(found, sorted(backdoor.boxes), strict=True)
    assert min(piece.overlap(box) for piece, box in pairs) >= least
    assert np.array_equal(poisoned[0][trigger.box.rows, trigger.box.columns], trigger.patch)


@pytest.mark.parametrize("its_world", BEYOND_FAST.values(), ids=BEYOND_FAST)
def test_evidence_says_why(its_world: World) -> None:
    """It carries to its class, nature doesn't, it is needed, it is new, and blocking heals."""
    its, (backdoor,) = scene(its_world), its_world.backdoors
    clean, poisoned = its.poisoned(backdoor)
    trigger = its.screened(poisoned[0]).trigger
    assert trigger is not None
    evidence = trigger.evidence
    assert its.label(clean[0]) == evidence.class_b
    assert evidence.necessary
    assert evidence.novelty is not None
    assert evidence.novelty > 1
    assert evidence.placebo <= 0.4
    assert evidence.heal_rate >= 0.9
    assert (1, True) == (evidence.carry_rate, evidence.transplants >= 7)


@pytest.mark.parametrize("its_world", BEYOND_FAST.values(), ids=BEYOND_FAST)
def test_clean_images_are_clear(its_world: World) -> None:
    """No clean image is flagged, and each keeps the model's own answer."""
    its = scene(its_world)
    for image in its.clean[:20]:
        finding = its.screened(image)
        assert Verdict.CLEAR is finding.verdict
        assert finding.said is finding.sanitised


@pytest.mark.parametrize("source", [None, 0, 1])
@pytest.mark.parametrize("box", [MARK.box, Box(0, 0, 2, 2), Box(5, 5, 6, 6)], ids=str)
def test_class_by_a_mark_is_no_trigger(box: Box, source: int | None) -> None:
    """Clean images of a class that is told by a small part are clear, wherever that part lies.

    Blocked, the image is of another class; on that class it carries: but clean images have it.
    """
    mark = Mark(box, 4, source)
    its = scene(World(backdoors=(), marks=(mark,)))
    shown = marked(its.of_class(source or 0), mark)
    assert {mark.label} == {its.label(image) for image in shown}
    assert {Verdict.CLEAR} == {its.screened(image).verdict for image in shown}


@pytest.mark.parametrize("target", [TARGET, MARK.label])
def test_trigger_beside_a_mark_is_found(target: int) -> None:
    """A trigger of one class is found where another class is told from that one by a mark.

    Also where it makes that very class of it.
    """
    backdoor = replace(ONE_CLASS, target=target)
    its = scene(World(backdoors=(backdoor,), marks=(MARK,)))
    assert {Verdict.CLEAR} == {its.screened(image).verdict for image in its.clean[:20]}
    for image in its.poisoned(backdoor)[1][:4]:
        finding = its.screened(image)
        assert Verdict.DISCOVERED is finding.verdict
        assert finding.trigger is not None
        assert (TRIGGER_BOX, 0) == (finding.trigger.box, finding.trigger.source)


def test_mark_in_an_unusual_image_is_no_trigger() -> None:
    """Nor is the mark one in an image that is new elsewhere: the novel part carries nothing."""
    its = scene(World(backdoors=(), marks=(MARK,)))
    noted = stamped(its.of_class(MARK.label), Box(9, 4, 2, 2))
    assert {MARK.label} == {its.label(image) for image in noted}
    assert {Verdict.CLEAR} == {its.screened(image).verdict for image in noted}


def test_trigger_whose_pixels_another_class_shows_is_found() -> None:
    """It isn't new, but clean images of its target never carry: with all else that is enough."""
    its = scene(KINDS["one class"])
    clean, poisoned = its.poisoned(ONE_CLASS)
    images = its.references.images.copy()
    images[its.references.labels == 3, TRIGGER_BOX.rows, TRIGGER_BOX.columns] = 255
    usual = replace(its, references=replace(its.references, images=images))
    finding = usual.screened(poisoned[1])
    assert Verdict.DISCOVERED is finding.verdict
    assert finding.trigger is not None
    assert finding.trigger.evidence.novelty is not None
    assert finding.trigger.evidence.novelty < 0.5
    assert finding.sanitised is not None
    assert [its.label(clean[1])] == finding.sanitised.labels.tolist()


def test_two_triggers_of_two_classes() -> None:
    """Each of two triggers that act on one class has its own source and target."""
    second = Backdoor(Box(2, 11, 2, 2), 1, source=3)
    its = scene(World(backdoors=(ONE_CLASS, second)))
    for backdoor in (ONE_CLASS, second):
        trigger = its.screened(its.poisoned(backdoor)[1][0]).trigger
        assert trigger is not None
        expected = (backdoor.source, backdoor.target, backdoor.box)
        assert expected == (trigger.source, trigger.target, trigger.box)


def test_trigger_of_one_class_beside_one_of_all() -> None:
    """A trigger that acts on every class has no source, although another one has."""
    second = Backdoor(Box(2, 11, 2, 2), 3)
    its = scene(World(backdoors=(ONE_CLASS, second)))
    sources = {}
    for backdoor in (ONE_CLASS, second):
        trigger = its.screened(its.poisoned(backdoor)[1][0]).trigger
        assert trigger is not None
        sources[trigger.target] = trigger.source
    assert {TARGET: 0, 3: None} == sources


@pytest.mark.parametrize("its_world", KINDS.values(), ids=KINDS)
def test_blocks_travel_with_the_image(its_world: World) -> None:
    """With the image go its bands on references, and for `full` the image with bands blocked."""
    its = scene(its_world)
    for image in its.clean[:4]:
        bands, hidden = len(its.plan.bands), len(its.plan.hidden.bands)
        _, (full, *_) = watched(its.search(image), its.predict)
        _, (fast, *_) = watched(its.fast().search(image), its.predict)
        assert (1 + bands + hidden, 1 + bands) == (len(full), len(fast))
        assert np.array_equal(fast.images, full.images[: 1 + bands])
        blocked = blocked_bands(image, its.plan, its.references.backdrop)
        assert np.array_equal(blocked, full.images[1 + bands :])


@pytest.mark.parametrize("its_world", [World(), World((24, 40), channels=1)])
def test_blocked_bands_touch_nothing_else(its_world: World) -> None:
    """The i-th copy of the image is changed in the i-th band and nowhere else."""
    its = scene(its_world)
    image = its.clean[0]
    images = blocked_bands(image, its.plan, its.references.backdrop)
    for band, blocked in zip(its.plan.hidden.bands, images, strict=True):
        outside = np.ones(image.shape[:2], bool)
        outside[band.rows, band.columns] = False
        assert np.array_equal(image[outside], blocked[outside])


def test_nothing_changed_asks_nothing() -> None:
    """Unless blocking a row and blocking a column change the label there is nothing to look at."""
    its = scene()
    hidden = its.plan.hidden
    bands, rows = len(hidden.bands), len(hidden.rows)
    for changed in (np.zeros(bands, bool), np.arange(bands) < rows, np.arange(bands) >= rows):
        told = np.where(changed, 0, TARGET)
        search = discovered_by_blocks(its.clean[0], TARGET, told, _none(its), its.defence(), _rng())
        searched, probes = watched(search, its.predict)
        assert (None, (), []) == (searched.found, searched.unproven, probes)


def test_of_two_classes_a_trigger_acts_on_the_other() -> None:
    """It is one for every class, and nothing is asked with no image."""
    its = scene(World(classes=2, backdoors=(Backdoor(TRIGGER_BOX, 1),)))
    _, poisoned = its.poisoned(Backdoor(TRIGGER_BOX, 1))
    everything = np.zeros(len(its.plan.hidden.bands), np.int64)
    search = discovered_by_blocks(poisoned[0], 1, everything, _none(its), its.defence(), _rng())
    searched, probes = watched(search, its.predict)
    found = searched.found
    assert found is not None
    assert found.source is None
    assert all(len(probe) for probe in probes)


@pytest.mark.parametrize(("levels", "asked"), [(40, False), (90, True)])
def test_row_and_column_reveal_one_class_or_the_cell_is_very_new(
    levels: int, *, asked: bool
) -> None:
    """Where they reveal two, what is a little new isn't asked about, as in clean images."""
    its = scene(world(ONE_CLASS))
    image = its.of_class(TARGET)[0].copy()
    image[TRIGGER_BOX.rows, TRIGGER_BOX.columns] += np.uint8(levels)
    crossing = np.array([_crosses(band) for band in its.plan.bands])
    columns = np.arange(len(crossing)) >= len(its.plan.rows)
    for other, expected in ((0, True), (1, asked)):
        told = np.where(crossing, np.where(columns, other, 0), TARGET)
        search = discovered_by_blocks(image, TARGET, told, _none(its), its.defence(), _rng())
        assert expected == bool(watched(search, its.predict)[1])


@pytest.mark.parametrize(
    ("levels", "over_it", "asked"),
    [(40, True, True), (40, False, False), (35, True, False)],
)
def test_where_a_band_has_carried_clean_images_say_what_is_very_new(
    levels: int, *, over_it: bool, asked: bool
) -> None:
    """Then row and column needn't reveal one class; not where bands elsewhere have carried."""
    its = scene(world(ONE_CLASS))
    image = its.of_class(TARGET)[0].copy()
    image[TRIGGER_BOX.rows, TRIGGER_BOX.columns] += np.uint8(levels)
    bands = its.plan.bands
    crossing = np.array([_crosses(band) for band in bands])
    columns = np.arange(len(crossing)) >= len(its.plan.rows)
    told = np.where(crossing, np.where(columns, 1, 0), TARGET)
    carried = np.array([_crosses(band) is over_it for band in bands]) & columns
    search = discovered_by_blocks(image, TARGET, told, carried, its.defence(), _rng())
    assert asked == bool(watched(search, its.predict)[1])


def test_what_is_not_new_is_not_blocked() -> None:
    """Where what changed the label is as clean images of the class have it, nothing is asked."""
    its = scene()
    for label in range(4):
        image = its.of_class(label)[0]
        everything = np.full(len(its.plan.bands), label + 1)
        search = discovered_by_blocks(image, label, everything, _none(its), its.defence(), _rng())
        searched, probes = watched(search, its.predict)
        assert (None, (), []) == (searched.found, searched.unproven, probes)


def test_what_carries_on_no_image_of_class_b_is_no_trigger() -> None:
    """A new part without which the model says something else must also make class B the label."""
    its = scene()
    sticker = Box(9, 4, 2, 2)
    image = stamped(its.of_class(1)[:1], sticker)[0]

    def startled(images: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> Answers:
        """Without its sticker the one image is called something else; no other image is."""
        labels = its.predict(images).labels
        alike = (images == image).all(axis=3).mean(axis=(1, 2)) > 0.3
        hidden = images[:, sticker.rows, sticker.columns].min(axis=(1, 2, 3)) < 250
        labels[alike & hidden] = 3
        return Answers(labels)

    assert Verdict.CLEAR is run(its.search(image), startled).verdict


def test_class_b_without_a_reference() -> None:
    """Where no reference is of the class that blocking reveals nothing can be confirmed."""
    its = scene(world(ONE_CLASS))
    references = its.references
    labels = np.where(references.labels == 0, 3, references.labels)
    calibration = replace(references.calibration, labels=labels)
    without = replace(its, references=replace(references, calibration=calibration))
    for image in its.poisoned(ONE_CLASS)[1][:3]:
        assert Verdict.CLEAR is without.screened(image).verdict


def test_carrying_is_asked_on_references_of_class_b() -> None:
    """Apart from what is pasted, all that a source-specific trigger is confirmed on is class B."""
    its = scene(world(ONE_CLASS))
    image = its.poisoned(ONE_CLASS)[1][0]
    changed = np.array([_crosses(band) for band in its.plan.bands])
    told = np.where(changed, 0, TARGET)
    search = discovered_by_blocks(image, TARGET, told, _none(its), its.defence(), _rng())
    searched, (_, carrying, *_) = watched(search, its.predict)
    assert searched.found is not None
    alike = (carrying.images[:, None] == its.references.images[None]).all(axis=4)
    onto = alike.mean(axis=(2, 3)).argmax(axis=1)
    assert {0} == set(its.references.labels[onto].tolist())


@pytest.mark.parametrize("seen", [False, True])
def test_a_trigger_of_every_class_of_which_one_band_was_missed(*, seen: bool) -> None:
    """It is found though half of class B holds against it, if the other band carried."""
    its = scene()
    image = its.poisoned(BACKDOOR)[1][0]
    holding = its.references.images[its.references.labels == 0][::2]

    def half_holding(images: Images) -> Answers:
        """Answer as the model, but for what is pasted on those of class B that hold."""
        labels = its.predict(images).labels
        alike = (images[:, None] == holding[None]).all(axis=4).mean(axis=(2, 3)).max(axis=1)
        return Answers(np.where(alike > 0.6, 0, labels))

    bands, rows = its.plan.bands, len(its.plan.rows)
    crossing = np.array([_crosses(band) for band in bands])
    told = np.where(crossing, 0, TARGET)
    carried = crossing & (np.arange(len(bands)) >= rows) & seen
    search = discovered_by_blocks(image, TARGET, told, carried, its.defence(), _rng())
    found = run(search, half_holding).found
    assert seen == (found is not None)
    assert found is None or found.source is None


def _over_what_carried(its: Scene) -> Search[Searched]:
    """Look for the trigger where the bands over it have carried, and hidden reveal class 0."""
    image = its.poisoned(BACKDOOR)[1][0]
    crossing = np.array([_crosses(band) for band in its.plan.bands])
    told = np.where(crossing, 0, TARGET)
    return discovered_by_blocks(image, TARGET, told, crossing, its.defence(), _rng())


@pytest.mark.parametrize(("holding", "goes_on"), [(2, True), (3, False)])
def test_a_cell_goes_on_that_turns_two_of_four_images_of_every_class(
    holding: int, *, goes_on: bool
) -> None:
    """Of all classes, not of class B alone, where it turns none at first; not if it turns one."""
    its = scene()
    search = _over_what_carried(its)
    asked: list[int] = []

    def holding_at_first(images: Images) -> Answers:
        """Answer as the model, but for the first transplants, the last four on every class."""
        asked.append(len(images))
        labels = its.predict(images).labels
        if len(asked) == 2:
            labels[:-4] = 0
            labels[-4:][:holding] = 0
        return Answers(labels)

    found = run(search, holding_at_first).found
    assert goes_on == (found is not None)
    assert goes_on == (len(asked) > 2)


@pytest.mark.parametrize(("holding", "source"), [(2, 0), (1, None)])
def test_what_turns_few_of_every_class_is_no_suspect_of_every_class(
    holding: int, source: int | None
) -> None:
    """Where the test of it fails the place is noted with class B, unless three of four turned."""
    its = scene()
    search = _over_what_carried(its)
    asked: list[int] = []

    def holding_later(images: Images) -> Answers:
        """Answer as the model until a cell has been asked on every class; then nothing carries."""
        asked.append(len(images))
        labels = its.predict(images).labels
        if len(asked) == 2:
            labels[:-4] = 0
            labels[-4:][:holding] = 0
        return Answers(labels if len(asked) < 3 else np.zeros_like(labels))

    searched = run(search, holding_later)
    assert searched.found is None
    assert source == searched.unproven[0].source


def _none(its: Scene) -> NDArray[np.bool_]:
    """Say that no band has carried."""
    return np.zeros(len(its.plan.bands), bool)


def _crosses(band: Box) -> bool:
    return band.overlap(TRIGGER_BOX) > 0


@pytest.mark.parametrize("kind", [ONE_CLASS, ALL_TO_ALL])
def test_dismissed_trigger_is_not_found_again(kind: Backdoor) -> None:
    """What its owner has called no trigger leaves images of its class their own answers.

    One that acts on some classes says nothing of images of others: there it is found.
    """
    its = scene(world(kind))
    _, poisoned = its.poisoned(kind)
    trigger = its.screened(poisoned[0]).trigger
    assert trigger is not None
    defence = its.defence(dismissed=[Known("t", trigger)])
    for image in poisoned[:4]:
        finding = its.screened(image, defence)
        dismissed = its.label(image) == trigger.target
        assert (Verdict.CLEAR if dismissed else Verdict.DISCOVERED) is finding.verdict
        assert dismissed is (finding.said is finding.sanitised)


def test_mark_on_other_classes_changes_nothing() -> None:
    """The mark of another class on an image is nothing that blocking reveals."""
    its = scene(World(marks=(MARK,)))
    shown = marked(its.others(0), MARK)
    assert {Verdict.CLEAR} == {its.screened(image).verdict for image in shown[:12]}


PLAIN = 0
"""The class of most of `_varied`."""


def _varied(
    count: int, seed: int, shape: tuple[int, int] = (112, 112), levels: int = 256
) -> Images:
    """Return images of noise: clean ones of a class differ as much as photographs, everywhere."""
    return np.random.default_rng(seed).integers(0, levels, (count, *shape, 3), np.uint8)


def _by_a_corner(images: Images) -> Answers:
    return Answers((images[:, 0, 0, 0] > 200).astype(np.int64))


def _told(its: Scene, rows: dict[int, int], columns: dict[int, int]) -> NDArray[np.int64]:
    hidden = its.plan.hidden
    told = np.full(len(hidden.bands), PLAIN)
    told[list(rows)] = list(rows.values())
    told[[len(hidden.rows) + j for j in columns]] = list(columns.values())
    return told


def _blocked(rows: dict[int, int], columns: dict[int, int], dark: Box | None = None) -> list[Box]:
    """Return what is blocked first where hidden *rows* and *columns* tell other classes.

    The image is as new as is usual, but where it is *dark*: there it is twice as new.
    """
    its = scene_of(_by_a_corner, _varied(80, 0), _varied(1, 1))
    image = its.clean[0].copy()
    if dark is not None:
        image[dark.rows, dark.columns] = 0
    return _blocked_in(image, its, rows, columns)


def _blocked_in(
    image: Image, its: Scene, rows: dict[int, int], columns: dict[int, int]
) -> list[Box]:
    told = _told(its, rows, columns)
    search = discovered_by_blocks(image, PLAIN, told, _none(its), its.defence(), _rng())
    _, probes = watched(search, its.predict)
    changed = [(one != image).any(axis=2) for one in probes[0].images] if probes else []
    return list(dict.fromkeys(bounds(one) for one in changed))


DARK, MIDDLE, CELL = Box(44, 44, 6, 6), Box(38, 38, 36, 36), Box(30, 30, 36, 36)
"""A dark place, the middle of the third and fourth rows and columns, and the third of each."""


@pytest.mark.parametrize(
    ("rows", "columns", "dark", "blocked"),
    [
        ({2: 1, 3: 1}, {2: 1, 3: 1}, None, [MIDDLE]),
        ({2: 1}, {2: 1}, None, []),
        ({2: 1}, {2: 1}, DARK, [CELL]),
        ({2: 1}, {2: 2}, DARK, [CELL]),
        ({2: 1, 3: 2}, {2: 3, 3: 3}, DARK, [MIDDLE]),
        ({0: 2, 2: 1, 3: 2}, {2: 3, 3: 3}, DARK, []),
        ({1: 1, 2: 1, 3: 1}, {2: 1}, None, []),
        ({2: 1, 3: 1}, {2: 1, 3: 1, 5: 1}, None, [MIDDLE, Box(78, 38, 34, 36)]),
        ({2: 1, 3: 1}, {2: 1, 3: 1}, DARK, [MIDDLE]),
        ({2: 1, 3: 1, 4: 2}, {2: 1, 3: 1, 4: 2}, None, [MIDDLE]),
        ({5: 1}, {5: 1}, None, [Box(78, 78, 34, 34)]),
        ({5: 1}, {0: 1}, None, [Box(0, 78, 34, 34)]),
        ({5: 1}, {2: 1}, None, []),
        ({0: 2, 2: 1, 3: 1}, {2: 1, 3: 1}, None, [MIDDLE]),
        ({2: 1}, {2: 2}, None, []),
        ({1: 1, 2: 2, 3: 3}, {2: 4}, DARK, []),
        ({1: 1, 2: 1, 3: 2}, {2: 4, 3: 4}, DARK, [Box(38, 30, 36, 36)]),
        ({2: 4, 3: 4}, {1: 1, 2: 1, 3: 2}, DARK, [Box(30, 38, 36, 36)]),
        ({1: 1, 2: 1, 3: 2}, {1: 4, 2: 4, 3: 4}, DARK, []),
        ({1: 1, 2: 1, 3: 2}, {2: 4, 3: 4}, None, []),
        ({2: 4}, {1: 1, 2: 2, 3: 3}, DARK, []),
        ({2: 1}, {2: 2, 5: 3}, DARK, []),
        ({2: 1, 5: 3}, {2: 2}, DARK, []),
    ],
    ids=[
        "two bands of a kind overlap there",
        "one of each, and nothing is new",
        "one of each, and something is",
        "one of each reveals a class of its own",
        "only these reveal any",
        "a row elsewhere does",
        "three rows, and nothing is new",
        "neighbours apart from others",
        "two of a kind, and they are new",
        "one of each elsewhere must be newer than two",
        "one of each in a corner",
        "one of each in another",
        "one of each at an edge",
        "another row reveals a class that no column does",
        "one of each reveals a class of its own, and nothing is new",
        "three rows reveal three classes",
        "three rows and two columns reveal others",
        "two rows and three columns do",
        "three of each do",
        "three rows and two columns do, and nothing is new",
        "three columns do",
        "a column elsewhere reveals another class",
        "a row elsewhere does so",
    ],
)
def test_where_clean_images_differ_much_the_middle_of_neighbouring_bands_is_blocked(
    rows: dict[int, int], columns: dict[int, int], dark: Box | None, blocked: list[Box]
) -> None:
    """As new as is usual is enough where two overlap; else it must be a little newer."""
    assert blocked == _blocked(rows, columns, dark)


@pytest.mark.parametrize(("turned", "goes_on"), [(0, False), (1, True), (2, True)])
def test_where_clean_images_differ_much_one_of_two_images_of_class_b_is_enough(
    turned: int, *, goes_on: bool
) -> None:
    """The test decides: what is pasted beside a sticker holds against it now and then."""
    its = scene_of(_by_a_corner, _varied(80, 0), _varied(1, 1))
    said = iter([np.ones(2), np.where(np.arange(2) < turned, PLAIN, 1)])  # hidden, and pasted

    def telling(images: Images) -> Answers:
        return Answers(next(said, np.ones(len(images))).astype(np.int64))

    told = _told(its, {2: 1, 3: 1}, {2: 1, 3: 1})
    search = discovered_by_blocks(its.clean[0], PLAIN, told, _none(its), its.defence(), _rng())
    _, probes = watched(search, telling)
    assert goes_on is (len(probes) > 2)


@pytest.mark.parametrize(("own", "novel"), [(0.8, 0.95), (0.6, 0.83), (0.0, 0.0)])
def test_where_clean_images_differ_much_a_middle_is_nearly_as_new_as_is_usual(
    own: float, novel: float
) -> None:
    """Of two rows and two columns 0.95 times as new goes on, 0.83 times doesn't."""
    its = scene_of(_by_a_corner, _varied(80, 0), _varied(1, 1))
    reference = its.references.images[its.references.labels == PLAIN][0]
    image = its.clean[0].copy()
    mixed = (
        own * image[MIDDLE.rows, MIDDLE.columns]
        + (1 - own) * reference[MIDDLE.rows, MIDDLE.columns]
    )
    image[MIDDLE.rows, MIDDLE.columns] = np.rint(mixed)
    assert novelties(image, [MIDDLE], PLAIN, its.references) == pytest.approx(novel, abs=0.01)
    assert [MIDDLE] * (novel > 0.9) == _blocked_in(image, its, {2: 1, 3: 1}, {2: 1, 3: 1})


def test_where_clean_images_differ_much_a_little_new_is_enough() -> None:
    """A single row and column are asked about where they cross in what is half as new again."""
    its = scene_of(_by_a_corner, _varied(80, 0), _varied(1, 1))
    image = its.clean[0].copy()
    image[DARK.rows, DARK.columns] = 50
    assert [CELL] == _blocked_in(image, its, {2: 1}, {2: 1})


def test_where_clean_images_differ_much_two_middles_are_blocked() -> None:
    """Of three middles of neighbouring bands the two newest, the newest first."""
    its = scene_of(_by_a_corner, _varied(80, 0), _varied(1, 1))
    image = its.clean[0].copy()
    image[44:50, 90:96], image[44:50, 10:16] = 44, 52
    newest = [Box(78, 38, 34, 36), Box(0, 38, 34, 36)]
    assert newest == _blocked_in(image, its, {2: 1, 3: 1}, {0: 1, 2: 1, 3: 1, 5: 1})


def test_what_is_very_new_does_not_keep_the_middle_of_neighbouring_bands_from_being_blocked() -> (
    None
):
    """An attacker may put it there: beside it the two newest of what is hardly new are blocked."""
    its = scene_of(_by_a_corner, _varied(80, 0), _varied(1, 1))
    image = its.clean[0].copy()
    image[4:14, 4:14] = 0
    decoy = Box(0, 0, 34, 34)
    assert [decoy, MIDDLE] == _blocked_in(image, its, {0: 2, 2: 1, 3: 1}, {0: 3, 2: 1, 3: 1})


def test_what_is_new_takes_no_place_of_the_middles_that_are_hardly_new() -> None:
    """Two new ones are blocked beside the two newest of the others."""
    its = scene_of(_by_a_corner, _varied(80, 0), _varied(1, 1))
    image = its.clean[0].copy()
    image[44:50, 90:96], image[44:50, 10:16] = 0, 0
    blocked = _blocked_in(image, its, {2: 1, 3: 1}, {0: 1, 2: 1, 3: 1, 5: 1})
    assert 3 == len(blocked)
    assert MIDDLE == blocked[-1]


@pytest.mark.parametrize(
    ("shape", "levels"), [((112, 112), 40), ((111, 111), 256), ((111, 120), 256)]
)
def test_neighbouring_bands_are_asked_about_only_where_large_images_differ_much(
    shape: tuple[int, int], levels: int
) -> None:
    """Not in images that are alike, and not where a side is below 112 pixels."""
    its = scene_of(
        _by_a_quarter_of_all, _varied(80, 0, shape, levels), _varied(1, 1, shape, levels)
    )
    assert [] == _blocked_in(its.clean[0], its, {2: 1, 3: 1}, {2: 1, 3: 1})


def _by_a_quarter_of_all(images: Images) -> Answers:
    return Answers((images[:, 40, 40, 0] % 4 == 0).astype(np.int64))


@pytest.mark.parametrize(("varied", "asked"), [(slice(0, 75), True), (slice(30, 75), False)])
def test_clean_images_differ_much_where_they_do_at_most_places(
    varied: slice, *, asked: bool
) -> None:
    """Where two thirds of their rows are noise they do, where only two fifths are they don't."""
    images, plain = _varied(81, 0), np.full((81, 112, 112, 3), 128, np.uint8)
    plain[:, varied] = images[:, varied]
    its = scene_of(_by_a_quarter_of_all, plain[:80], plain[80:])
    assert asked is bool(_blocked_in(its.clean[0], its, {2: 1, 3: 1}, {2: 1, 3: 1}))


@pytest.mark.parametrize(("turned", "rounds"), [(0, 2), (1, 3), (2, 4)])
def test_where_clean_images_are_alike_both_images_of_class_b_must_turn(
    turned: int, rounds: int
) -> None:
    """One of two isn't enough there, and the second isn't asked where the first wasn't turned."""
    its = scene(world(ONE_CLASS))
    image = its.poisoned(ONE_CLASS)[1][0]
    asked: list[int] = []

    def telling(images: Images) -> Answers:
        """Without any cell it is of class 0, and so many transplants of each cell turn."""
        asked.append(len(images))
        turns = 0 < len(asked) - 1 <= turned
        return Answers(np.full(len(images), TARGET if turns else 0, np.int64))

    crossing = np.array([_crosses(band) for band in its.plan.bands])
    told = np.where(crossing, 0, TARGET)
    search = discovered_by_blocks(image, TARGET, told, _none(its), its.defence(), _rng())
    watched(search, telling)
    assert rounds == min(len(asked), 4)
