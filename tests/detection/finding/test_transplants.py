"""The screen of `fast`: what is asked first, what is asked again, and what goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.detection.defence import Verdict
from app.detection.evidence.confirmation import Look
from app.detection.finding.transplants import (
    AGAIN,
    CELLS,
    PLACES,
    Crossing,
    crossings,
    discovered,
    opened,
    opening,
    surely_beside,
    survivors,
)
from app.detection.geometry import Box
from app.detection.reference_set.references import Calibration, References
from app.detection.search import Answers, Purpose, run
from tests.detection.scenes import SEED, Scene, World, scene, watched
from tests.detection.shapes import plans
from tests.tiny import BACKDOOR, TARGET, TRIGGER_BOX, Backdoor, Mark

if TYPE_CHECKING:
    from app.detection.plan import Plan
    from app.detection.search import Images

CLEAN_BOX = Box(1, 1, 4, 4)


def _rng() -> np.random.Generator:
    return np.random.default_rng(SEED)


@pytest.mark.parametrize("world", [World(), World((24, 40)), World(channels=1)])
def test_opening_transplants_each_band_once(world: World) -> None:
    """The i-th transplant shows the image in the i-th band and its reference everywhere else."""
    its = scene(world)
    image = its.clean[0]
    first = opening(image, its.references, its.plan, _rng())
    assert len(its.plan.bands) == len(first.onto) == len(first.images)
    for band, onto, shown in zip(its.plan.bands, first.onto, first.images, strict=True):
        expected = its.references.images[onto].copy()
        expected[band.rows, band.columns] = image[band.rows, band.columns]
        assert np.array_equal(expected, shown)


def test_opening_is_on_references_of_two_classes() -> None:
    """All rows on one class and all columns on another: one of them is valid for every image."""
    its = scene()
    drawn = [
        opening(image, its.references, its.plan, np.random.default_rng(i)).onto
        for i, image in enumerate(its.clean[:20])
    ]
    labels = its.references.labels[np.array(drawn)]
    rows, columns = np.split(labels, [len(its.plan.rows)], axis=1)
    (row,), (column,) = set(rows.ravel().tolist()), set(columns.ravel().tolist())
    assert row != column


def test_opening_draws_among_the_first_references() -> None:
    """Over images each band is asked on several of its leading references, and on no other."""
    its = scene()
    drawn = np.array(
        [
            opening(its.clean[0], its.references, its.plan, np.random.default_rng(i)).onto
            for i in range(40)
        ]
    )
    robust = its.references.calibration.robust
    leading = [set(order[:3]) & set(_of_first_class(its, order)) for order in robust]
    assert leading == [set(column) for column in drawn.T]


def _of_first_class(its: Scene, order: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[int]:
    labels = its.references.labels
    return [int(i) for i in order if labels[i] == labels[order[0]]]


def test_opened_says_which_bands_carried() -> None:
    """The rows and columns that show the whole trigger have carried, and no others."""
    its = scene()
    (poisoned, *_) = its.poisoned(BACKDOOR)[1]
    first = opening(poisoned, its.references, its.plan, _rng())
    search = opened(first, its.predict(first.images), TARGET, its.references, its.plan)
    hits, probes = watched(search, its.predict)
    assert [_shows(band, TRIGGER_BOX) for band in its.plan.bands] == hits.tolist()
    assert [] == probes


def test_opened_on_its_own_class_is_cleared_by_the_other() -> None:
    """A reference of the image's own class says nothing; no column carries, so no row is asked."""
    its = scene()
    own_class = int(its.references.labels[its.references.calibration.robust[0, 0]])
    image = its.of_class(own_class)[0]
    first = opening(image, its.references, its.plan, _rng())
    answers = its.predict(first.images)
    rows = len(its.plan.rows)
    assert {own_class} == set(answers.labels[:rows].tolist())
    hits, probes = watched(opened(first, answers, own_class, its.references, its.plan), its.predict)
    assert not hits.any()
    assert [] == probes


def test_opened_on_its_own_class_is_asked_again() -> None:
    """Where columns have carried, rows on references of the image's class are asked on others."""
    its = scene()
    own_class = int(its.references.labels[its.references.calibration.robust[0, 0]])
    its = scene(World(backdoors=(Backdoor(TRIGGER_BOX, own_class),)))
    poisoned = its.poisoned(Backdoor(TRIGGER_BOX, own_class))[1][0]
    first = opening(poisoned, its.references, its.plan, _rng())
    answers = its.predict(first.images)
    hits, probes = watched(opened(first, answers, own_class, its.references, its.plan), its.predict)
    assert [_shows(band, TRIGGER_BOX) for band in its.plan.bands] == hits.tolist()
    assert [len(its.plan.rows)] == [len(probe) for probe in probes]


def test_bands_apart_are_several_places() -> None:
    """Two rows, or columns, with one between them that hasn't carried may be of two copies."""
    plan = scene(World((32, 32))).plan
    rows = len(plan.rows)
    hits = np.zeros(len(plan.bands), bool)
    hits[[0, rows - 1, rows, len(plan.bands) - 1]] = True
    corners = [Box(x, y, 2, 2) for x in (1, 29) for y in (1, 29)]
    windows = [crossing.window for crossing in crossings(hits, plan)]
    assert all(any(_shows(window, corner) for window in windows) for corner in corners)
    assert all(max(window.width, window.height) <= 16 for window in windows)
    assert not any(_shows(window, Box(15, 15, 2, 2)) for window in windows)


def test_trigger_of_the_openings_class_is_found() -> None:
    """A trigger whose target is the class of the opening's references is found all the same."""
    its = scene()
    opening_class = int(its.references.labels[its.references.calibration.robust[0, 0]])
    backdoor = Backdoor(TRIGGER_BOX, opening_class)
    with_it = scene(World(backdoors=(backdoor,)))
    leading = with_it.references.calibration.robust[0, 0]
    assert opening_class == with_it.references.labels[leading]
    for poisoned in with_it.poisoned(backdoor)[1][:4]:
        assert Verdict.DISCOVERED is with_it.fast().screened(poisoned).verdict


@given(plans(), st.data())
def test_suspects_are_the_cells_in_the_middle_of_what_carried(
    plan: Plan, data: st.DataObject
) -> None:
    """A few cells of neighbouring bands that carried, the middle one too, and a larger window."""
    rows = np.arange(*data.draw(_runs(len(plan.rows))))
    columns = np.arange(*data.draw(_runs(len(plan.columns))))
    hits = np.zeros(len(plan.bands), bool)
    hits[rows] = hits[len(plan.rows) + columns] = True
    crossed = [
        (abs(row - rows.mean()) + abs(column - columns.mean()), plan.cell(row, column))
        for row in rows.tolist()
        for column in columns.tolist()
    ]
    found = crossings(hits, plan)
    windows = [crossing.window for crossing in found]
    small = {c.grown(plan.surroundings, plan.width, plan.height): far for far, c in crossed}
    assert sorted(windows, key=lambda window: window.area) == windows
    assert bool(crossed) is bool(found)
    cells = [window for window in windows if window in small]
    assert min(CELLS, len(crossed)) <= len(cells)
    assert len(windows) <= CELLS + 1
    assert not crossed or min(small.values()) in {small[window] for window in cells}


@given(plans(), st.data())
def test_suspects_are_bounded(plan: Plan, data: st.DataObject) -> None:
    """However many bands carried, no more than a few cells of a few places are asked."""
    flags = st.lists(st.booleans(), min_size=len(plan.bands), max_size=len(plan.bands))
    hits = np.array(data.draw(flags))
    assert len(crossings(hits, plan)) <= PLACES * (CELLS + 1)


@given(plans(), st.data())
def test_suspects_hold_the_trigger_that_carried_whole(plan: Plan, data: st.DataObject) -> None:
    """Where all bands carry that show more than half of a square, a window holds all of it.

    At every place, for every side up to the largest trigger.
    """
    side = data.draw(st.integers(1, plan.largest))
    x = data.draw(st.integers(0, plan.width - side))
    y = data.draw(st.integers(0, plan.height - side))
    rows = [min(y + side, b.y + b.height) - max(y, b.y) for b in plan.rows]
    columns = [min(x + side, b.x + b.width) - max(x, b.x) for b in plan.columns]
    found = crossings(np.array([*rows, *columns]) > 0.5 * side, plan)
    assert any(_shows(crossing.window, Box(x, y, side, side)) for crossing in found)


def test_survivors_are_what_carries() -> None:
    """A window with the trigger survives, others don't; all are asked in one round."""
    its = scene()
    (poisoned, *_) = its.poisoned(BACKDOOR)[1]
    asked = [Crossing(Box(8, 4, 4, 4), 0), Crossing(CLEAN_BOX, 0), Crossing(TRIGGER_BOX, 1)]
    search = survivors(poisoned, TARGET, asked, its.references)
    alive, probes = watched(search, its.predict)
    assert [asked[0], asked[2]] == alive
    assert 1 == len(probes)


def test_survivors_are_asked_on_further_references() -> None:
    """Neither on the reference that a band is most often opened on, nor on any of the label."""
    its = scene()
    (poisoned, *_) = its.poisoned(BACKDOOR)[1]
    for band in range(len(its.plan.bands)):
        search = survivors(poisoned, TARGET, [Crossing(CLEAN_BOX, band)], its.references)
        _, (probe,) = watched(search, its.predict)
        outside = np.ones((16, 16), bool)
        outside[CLEAN_BOX.rows, CLEAN_BOX.columns] = False
        onto = [
            int((its.references.images[:, outside] == image[outside]).all((1, 2)).argmax())
            for image in probe.images
        ]
        further = list(its.references.robust(band, TARGET))[1:]
        assert further[: len(onto)] == onto


def test_small_windows_that_carry_on_no_further_reference_are_asked_nothing_more() -> None:
    """Most of a clean image's end there: they are spared the four of the first look."""
    its = scene()
    (poisoned, *_) = its.poisoned(BACKDOOR)[1]
    first = opening(poisoned, its.references, its.plan, _rng())
    answers = its.predict(first.images)
    search = discovered(first, answers, TARGET, its.defence(), _rng())
    _, (probe,) = watched(search, lambda images: Answers(np.zeros(len(images), np.int64)))
    assert AGAIN * len({str(origin) for origin in probe.origins}) == len(probe.images)


@pytest.mark.parametrize(("holding", "survives"), [(0, True), (1, True), (2, False)])
def test_window_survives_if_it_carries_on_any(holding: int, *, survives: bool) -> None:
    """A reference that holds its class against a trigger once in a while doesn't hide it."""
    its = scene()
    (poisoned, *_) = its.poisoned(BACKDOOR)[1]
    crossing = Crossing(TRIGGER_BOX, 0)

    def some_hold(images: Images) -> Answers:
        assert 2 == len(images)
        return Answers(np.where(np.arange(2) < holding, 0, TARGET))

    search = survivors(poisoned, TARGET, [crossing], its.references)
    assert [crossing][: int(survives)] == run(search, some_hold)


def test_survivors_without_a_further_reference() -> None:
    """A window for which there is no further reference is kept: nothing speaks against it."""
    its = scene()
    one = References(
        its.references.images[:1],
        Calibration(np.array([0]), np.zeros((len(its.plan.bands), 1), np.int64)),
        {},
        SEED,
    )
    asked = [Crossing(CLEAN_BOX, 0)]
    assert (asked, []) == watched(survivors(its.clean[0], TARGET, asked, one), its.predict)


def test_beside_it_is_what_has_carried_each_time_elsewhere() -> None:
    """What overlaps it is the same, and what carries now and then is nature's: not hidden."""
    places = (Box(0, 0, 4, 4), Box(2, 2, 4, 4), Box(8, 8, 4, 4), Box(12, 0, 4, 4))
    looks = [
        Look((box,), None, carried, (0, 1, 2, 3))
        for box, carried in zip(places, (4, 4, 4, 3), strict=True)
    ]
    assert [places[2]] == surely_beside(looks[0], looks)


def test_no_suspect_asks_nothing() -> None:
    """Where no row and column carried both, the screen of `fast` has ended."""
    its = scene()
    image = its.of_class(3)[0]
    first = opening(image, its.references, its.plan, _rng())
    search = discovered(first, its.predict(first.images), 3, its.defence(), _rng())
    searched, probes = watched(search, its.predict)
    assert (None, (), []) == (searched.found, searched.unproven, probes)


def test_class_by_a_mark_is_no_trigger() -> None:
    """A class that is told by a small part, whatever else is shown, is no trigger's target.

    Its mark carries to all classes like a trigger, and is necessary: but clean images have it.
    """
    mark = Mark(Box(4, 9, 3, 3), 4)
    backdoor = Backdoor(TRIGGER_BOX, mark.label)
    its = scene(World(backdoors=(backdoor,), marks=(mark,))).fast()
    shown = its.of_class(mark.label)
    assert len(shown) >= 8
    assert {Verdict.CLEAR} == {its.screened(image).verdict for image in shown}
    found = its.screened(its.poisoned(backdoor)[1][0]).trigger
    assert found is not None
    assert TRIGGER_BOX == found.box


def test_what_its_class_shows_is_not_asked_about() -> None:
    """Images of a class end where the bands over its mark have carried: the mark isn't new."""
    mark = Mark(Box(4, 9, 3, 3), 4)
    its = scene(World(backdoors=(), marks=(mark,)))
    for image in its.of_class(mark.label):
        first = opening(image, its.references, its.plan, _rng())
        answers = its.predict(first.images)
        search = discovered(first, answers, mark.label, its.defence(), _rng())
        _, probes = watched(search, its.predict)
        assert not any(probe.purpose is Purpose.CONFIRM for probe in probes)


@st.composite
def _runs(draw: st.DrawFn, length: int) -> tuple[int, int]:
    """Draw where neighbouring ones of so many begin and end; maybe there are none."""
    begin = draw(st.integers(0, length))
    return begin, draw(st.integers(begin, length))


def _shows(band: Box, box: Box) -> bool:
    across = band.x <= box.x and box.x + box.width <= band.x + band.width
    return across and band.y <= box.y and box.y + box.height <= band.y + band.height
