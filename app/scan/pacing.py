"""How long screening an image takes here: tried on a few clean ones, before a plan says so."""

from __future__ import annotations

import pickle
import time
from typing import TYPE_CHECKING

import numpy as np

from app.detection.reference_set.references import References
from app.gateway.preparation.prepared import Prepared
from app.kept import library_of
from app.scan.course import SCREENED_TOGETHER
from app.scan.looking.looker import Looker
from app.scan.looking.tasks import Knowledge, Task
from app.scan.sources.items import Content

if TYPE_CHECKING:
    from app.ports import Model
    from app.scan.engines.equipment import Equipment


async def seconds_each(equipment: Equipment, model: Model) -> float:
    """Return the seconds that one process takes to screen an image. Raises UpstreamError.

    Of a task of references: so what a process computes counts, and what the *model* takes.
    """
    references = References(equipment.images, equipment.calibration, {}, equipment.seed)
    prepared = Prepared(references, equipment.plan, "")
    looker = Looker(model, prepared, equipment.policy, equipment.decoding, library_of)
    rng = np.random.default_rng(equipment.seed)
    chosen = equipment.images[rng.permutation(len(equipment.images))[:SCREENED_TOGETHER]]
    contents = [Content(image.tobytes(), image.shape) for image in chosen]
    task = Task(contents, screened=True, version=0, knowledge=pickle.dumps(Knowledge()))
    since = time.monotonic()
    await looker.look(task)
    return (time.monotonic() - since) / len(contents)
