"""A scan from its first wave to its last, in this process."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.scan.engines.here import Here
from app.scan.engines.port import EngineError
from app.scan.results import Verdict
from tests.detection.suspects.worlds import (
    PLACE,
    SOURCE,
    STICKER,
    OverGeneralModel,
    bearing,
    pictures,
    predict,
)
from tests.files import encoded
from tests.scan.tiny_scan import scanned, write_pictures
from tests.striped import StripedModel, striped
from tests.tiny import TARGET, TinyModel, clean_images

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from app.scan.looking.looker import Looker
    from app.scan.looking.tasks import Looks, Task
    from app.scan.results import Result
    from tests.scan.tiny_scan import Scanned

COUNT = 300
POISONED = (3, 40, 77, 150, 280)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of pictures, of which five carry the trigger."""
    folder = tmp_path_factory.mktemp("pictures") / "all"
    write_pictures(folder, COUNT, POISONED)
    return folder


def _flagged(told: Scanned) -> tuple[int, ...]:
    flagged = [
        int(name[:4]) for name, one in told.results.items() if one and one.verdict == "backdoor"
    ]
    return tuple(sorted(flagged))


def _told(one: Result | None) -> tuple[str, str | None] | None:
    return None if one is None else (one.verdict, one.trigger)


async def test_every_image_is_screened(folder: Path, tmp_path: Path) -> None:
    """The poisoned ones are found, no other, and what is right is said of them."""
    told = await scanned(folder, tmp_path / "state")
    assert POISONED == _flagged(told)
    assert [TARGET] == [entry.trigger.target for entry in told.entries]
    one = told.results["0003.png"]
    assert one is not None
    assert one.prediction is not None
    assert one.sanitised_prediction is not None
    assert TARGET == one.prediction.index != one.sanitised_prediction.index
    assert one.evidence is not None
    assert ("t-1", 9, 5) == (one.trigger, one.evidence["place"]["x"], one.evidence["place"]["y"])


async def test_what_may_have_a_trigger_without_a_place_is_suspicious(tmp_path: Path) -> None:
    """With a second opinion; what the model says of it stays."""
    images = clean_images(6, np.random.default_rng(31))
    images = striped(images[StripedModel().classify(images).labels != TARGET])
    for i, image in enumerate(images):
        (tmp_path / f"{i}.png").write_bytes(encoded(image))
    told = await scanned(tmp_path, tmp_path / "state", model=StripedModel(), second_opinion=0.1)
    rows = [one for name, one in told.results.items() if name.endswith(".png") and one]
    assert [(Verdict.SUSPICIOUS, "suspicious")] * len(images) == [
        (one.verdict, one.screening) for one in rows
    ]
    assert all(one.prediction == one.sanitised_prediction for one in rows)


async def test_two_passes_find_what_the_sample_has_not(folder: Path, tmp_path: Path) -> None:
    """Beyond a sample only what matches is asked about, and every poisoned image is found."""
    told = await scanned(folder, tmp_path / "state", sample=200)
    assert POISONED == _flagged(told)
    beyond = [one for one in told.results.values() if one and one.screening == "passed"]
    assert 90 < len(beyond) <= 100
    assert 0 == sum(one.inferences for one in beyond)


@pytest.mark.slow
async def test_what_one_image_of_the_sample_makes_likely_others_prove(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sample has left a suspect; the images elsewhere that show it prove it a trigger."""
    images = pictures(60, 2)
    victims = np.flatnonzero(predict(images).labels == SOURCE)[:5]
    for i in victims:
        images[i] = bearing(images[i], STICKER, PLACE)
    for i, image in enumerate(images):
        (tmp_path / f"{i:04}.png").write_bytes(encoded(image))
    monkeypatch.chdir(tmp_path)  # the names draw the sample
    model, state = OverGeneralModel(), tmp_path / ".state"
    told = await scanned(Path(), state, 12, model=model, clean=pictures(120, 1))
    assert tuple(victims) == _flagged(told)
    found = [told.results[f"{i:04}.png"] for i in victims]
    assert "discovered" in {one.screening for one in found if one}
    assert {SOURCE} == {
        one.sanitised_prediction.index for one in found if one and one.sanitised_prediction
    }
    passed = [one for one in told.results.values() if one and one.screening == "passed"]
    assert len(passed) > 30
    assert sum(one.inferences for one in passed) <= len(passed) / 10


async def test_a_scan_goes_on_by_content(folder: Path, tmp_path: Path) -> None:
    """What is known is not asked again, wherever it lies by now; what is new is."""
    first = await scanned(folder, tmp_path / "state")
    moved = tmp_path / "moved"
    write_pictures(moved, COUNT, POISONED)
    (moved / "0000.png").rename(moved / "9999.png")
    again = await scanned(moved, tmp_path / "state")
    assert 0 == again.asked
    assert first.results["0000.png"] == again.results["9999.png"]
    assert len(first.results) == len(again.results)

    write_pictures(tmp_path / "one", 1, [0])
    (tmp_path / "one" / "0000.png").rename(moved / "new.png")
    more = await scanned(moved, tmp_path / "state")
    assert 0 < more.asked < 10
    assert (Verdict.BACKDOOR, "t-1") == _told(more.results["new.png"])


async def test_an_interrupted_scan_ends_like_an_uninterrupted_one(
    folder: Path, tmp_path: Path
) -> None:
    """Ended after any task, it goes on and comes to the same rows; no wave is lost."""
    whole = await scanned(folder, tmp_path / "whole")
    model, ends, told = TinyModel(), 0, None
    while told is None:
        with contextlib.suppress(EngineError):
            ends += 1
            told = await scanned(
                folder, tmp_path / "state", model=model, engine=lambda looker: _Ending(looker, 5)
            )
    assert ends > 4
    assert whole.results == told.results
    assert model.asked < 1.4 * whole.model.asked  # the tasks that were under way were lost


async def test_what_cannot_be_read_is_a_row(folder: Path, tmp_path: Path) -> None:
    """Broken, foreign and empty files are rows with a reason; the others are screened."""
    write_pictures(tmp_path / "some", 20, [4])
    some = tmp_path / "some"
    (some / "a.gif").write_bytes(b"GIF89a")
    (some / "b.png").write_bytes((folder / "0000.png").read_bytes()[:60])
    (some / "c.jpg").write_bytes(b"")
    (some / "d.png").write_bytes(bytes(200_000))
    (some / "e.png").symlink_to(some / "nowhere")
    told = await scanned(some, tmp_path / "state")
    assert (4,) == _flagged(told)
    reasons = {
        name: one.reason
        for name, one in told.results.items()
        if one and one.verdict is Verdict.UNREADABLE
    }
    assert {"a.gif", "b.png", "c.jpg"} == reasons.keys()
    assert "GIF is not taken" in str(reasons["a.gif"])
    assert [None, None] == [told.results["d.png"], told.results["e.png"]]


class _Ending:
    """An engine that ends after so many tasks."""

    def __init__(self, looker: Looker, tasks: int) -> None:
        self._here = Here(looker)
        self._left = tasks

    async def looks(self, tasks: Iterator[Task]) -> AsyncIterator[tuple[int, Looks]]:
        """Do some of them."""
        async for told in self._here.looks(tasks):
            self._left -= 1
            if not self._left:
                message = "it ended"
                raise EngineError(message)
            yield told
