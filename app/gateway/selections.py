"""Whether what a request selects is the model that the references were calibrated for.

A request may name a signature, parameters or a version. The image and its probes are asked so, but
what is known of the model (its references, their calibration, the placebo rates) is measured once
for all callers, with nothing of any. Where the selected model answers some references as the
calibrated one did, what is known holds for it. Where it doesn't, nothing could be screened, and the
request is refused: another model needs a gateway of its own.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from app.detection.reference_set.canaries import is_another_model
from app.gateway.preparation.prepared import CANARIES, ask
from app.ports import NOBODY, Caller, OtherModelError, SelectionError

if TYPE_CHECKING:
    from app.detection.search import Answers, Images
    from app.gateway.preparation.prepared import Prepared
    from app.gateway.visit import Visit
    from app.ports import Model
    from app.wire.selection import Selection

HELD_S: Final = 300.0
"""How long it holds that a selection is the same model: a version may be replaced by another."""

MOST: Final = 256
"""Selections that are remembered."""


@dataclass(frozen=True)
class _Look:
    """A look at a selection: of which references, since when, and what came of it."""

    prepared: Prepared
    since: float
    another: asyncio.Task[bool]


class Selections:
    """Looks at what callers select of *model*, once for all who select the same."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._looks: dict[Selection, _Look] = {}
        self._tasks: set[asyncio.Task[bool]] = set()

    async def check(self, visit: Visit, prepared: Prepared) -> None:
        """Return if *visit*, which pays, selects the model that was *prepared* for.

        Raises SelectionError, UpstreamError.
        """
        selected = visit.selection
        if selected is None:
            return
        now = asyncio.get_running_loop().time()
        look = self._looks.get(selected)
        if look is None or look.prepared is not prepared or look.since < now - HELD_S:
            look = _Look(prepared, now, self._begun(visit, prepared))
            self._keep(selected, look)
        try:
            another = await asyncio.shield(look.another)
        except Exception:
            if self._looks.get(selected) is look:
                del self._looks[selected]  # the next one tries again
            raise
        if another:
            message = (
                f"{', '.join(selected.names)[:200]}: with it the model server's answers are another"
                " model's than those that the gateway's references were calibrated for, so images"
                " can't be screened; it needs a gateway of its own"
            )
            raise SelectionError(message)

    async def close(self) -> None:
        """End what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begun(self, visit: Visit, prepared: Prepared) -> asyncio.Task[bool]:
        """Begin a look: whoever waits for it, also where it is forgotten meanwhile, hears of it."""
        task = asyncio.create_task(self._is_another(visit, prepared))
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[bool]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # who has asked for it may have gone

    def _keep(self, selected: Selection, look: _Look) -> None:
        self._looks.pop(selected, None)
        if len(self._looks) >= MOST:
            self._looks.pop(next(iter(self._looks)))
        self._looks[selected] = look

    async def _is_another(self, visit: Visit, prepared: Prepared) -> bool:
        references = prepared.references
        caller = Caller(CANARIES.spent, selection=visit.selection)
        paid = _Paid(self._model, visit)
        look = is_another_model(
            references.images, references.calibration, np.random.default_rng(references.seed)
        )
        try:
            await paid.answer(references.images[:1], caller)  # what isn't there costs one image
            return await ask(look, paid, caller)
        except OtherModelError:
            return True


class _Paid:
    """The model, asked on account of *visit*."""

    def __init__(self, model: Model, visit: Visit) -> None:
        self._model = model
        self._visit = visit
        self.size = model.size

    async def answer(self, images: Images, caller: Caller = NOBODY) -> Answers:
        """Answer *images*. Raises UpstreamError."""
        self._visit.pay(len(images))
        return await self._model.answer(images, caller)

    async def check(self) -> None:
        """Return if it is ready. Raises UpstreamError."""
        await self._model.check()
