"""Small scans in this process: the tiny classifier, and pictures with and without its trigger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.gateway.keeping.learning import Learner
from app.gateway.preparation.prepared import Calibrator
from app.kept import decode_library, decode_suspects, library_of
from app.scan.arrangement import HereLearning
from app.scan.concluding import Concluder
from app.scan.course import LIBRARY, SUSPECTS, VERSION, Course, Means
from app.scan.engines.here import Here
from app.scan.looking.comparer import Decoding
from app.scan.looking.looker import Looker
from app.scan.looking.tasks import Knowledge
from app.scan.sources.listing import listed
from app.scan.sources.reading import Reader
from app.scan.state.calibrations import KeptCalibrations
from app.scan.state.file import opened_state
from app.scan.state.state import State
from app.settings import Resize, Strategy
from tests.evaluation.runs.test_trial import policy
from tests.files import encoded
from tests.tiny import TinyModel, clean_images, stamped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from app.detection.search import Images
    from app.ports import Entry
    from app.scan.engines.port import Engine
    from app.scan.results import Result

SEED = 7
MOST_BYTES = 100_000


def references() -> np.ndarray:
    """Return 60 clean images."""
    return clean_images(60, np.random.default_rng(5))


def write_pictures(folder: Path, count: int, poisoned: Sequence[int]) -> None:
    """Write so many pictures into *folder*, those of the numbers *poisoned* with the trigger."""
    folder.mkdir(exist_ok=True)
    images = clean_images(count, np.random.default_rng(6))
    images[list(poisoned)] = stamped(images[list(poisoned)])
    for i, image in enumerate(images):
        (folder / f"{i:04}.png").write_bytes(encoded(image))


class Quiet:
    """Progress that nobody looks at."""

    def doing(self, what: str, total: int, done: int = 0) -> None:
        """Hear nothing."""

    def step(self, pictures: int, found: int) -> None:
        """Hear nothing."""


@dataclass(frozen=True)
class Scanned:
    """What came of a scan: results by the path's last part, and the triggers.

    ``asked`` is what the *model* was asked for it, without calibrating.
    """

    results: dict[str, Result | None]
    entries: Sequence[Entry]
    asked: int
    model: TinyModel


async def scanned(  # noqa: PLR0913  # each may be another than usual
    path: Path,
    state_file: Path,
    sample: int = 10**6,
    *,
    model: TinyModel | None = None,
    engine: Callable[[Looker], Engine] = Here,
    second_opinion: float | None = None,
    clean: Images | None = None,
) -> Scanned:
    """Scan what is at *path*, with a *sample* screened in full; at this rate a second opinion.

    With other *clean* images it is by all of the strategy.
    """
    model, strategy = model or TinyModel(), Strategy.FAST if clean is None else Strategy.FULL
    with opened_state(str(state_file)) as connection, Reader(MOST_BYTES) as reader:
        state = State(connection)
        state.list_items(listed([str(path)]), SEED)
        kept = KeptCalibrations(state, SEED)
        calibrator = Calibrator(
            model,
            kept,
            lambda _: references() if clean is None else clean,
            identity="tiny",
            trigger_max=0.2,
            strategy=strategy,
            second_opinion=second_opinion,
        )
        prepared = await calibrator.prepare()
        library = library_of(())
        if (known := state.fact(LIBRARY)) is not None:
            library = decode_library(known)
        knowledge = Knowledge(
            int(state.fact(VERSION) or 0),
            rates=await kept.placebo_rates(""),
            suspects=decode_suspects(state.fact(SUSPECTS) or b"[]"),
        )
        learner = Learner(library, model, strategy)
        before = model.asked
        its_policy = policy(second_opinion=second_opinion)
        looker = Looker(model, prepared, its_policy, Decoding(10**6, Resize.STRETCH), library_of)
        means = Means(
            state,
            engine(looker),
            reader,
            Concluder(library, HereLearning(learner, prepared), knowledge, lambda _: None),
            library,
            Quiet(),
        )
        await Course(means).run(sample)
        results = {item.path.rpartition("/")[2]: result for item, _, result in state.rows()}
        return Scanned(results, library.entries(), model.asked - before, model)
