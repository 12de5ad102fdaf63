"""One image from start to finish."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar, assert_never

import numpy as np

from app.detection import paper
from app.detection.recognition import Known
from app.detection.reconstruction import reconstruct, sample
from app.detection.screening import Defence, Finding, Verdict, screen
from app.gateway.budget import ProbeBudget
from app.gateway.driving import Driven, drive
from app.gateway.examples import make_examples
from app.gateway.outcome import Outcome, Screening, UnscreenedError
from app.gateway.policy import prediction, unfinished
from app.gateway.readiness import Part, Readiness
from app.ports import LibraryError, UpstreamError
from app.settings import FailurePolicy, SearchMode, Strategy

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from app.detection.search import Image, Search
    from app.gateway.examples import Examples
    from app.gateway.policy import Policy
    from app.gateway.preparation import Preparation, Prepared
    from app.ports import Entry, InputSize, Model, TriggerLibrary

logger = logging.getLogger(__name__)

T = TypeVar("T")

USUAL_COST = 20.0
"""Probes that screening one image is taken to cost until some have been screened."""


class Gateway:
    """The defence in front of one model."""

    def __init__(
        self, model: Model, library: TriggerLibrary, preparation: Preparation, policy: Policy
    ) -> None:
        self._model = model
        self.library = library
        self._preparation = preparation
        self._policy = policy
        self._budget = ProbeBudget(policy.probe_budget, USUAL_COST, np.random.default_rng())
        self._background: set[asyncio.Task[None]] = set()

    @property
    def size(self) -> InputSize:
        """The size of the images that the model takes. Raises UpstreamError while it is unknown."""
        return self._model.size

    async def predict(self, image: Image) -> Outcome:
        """Screen *image* (of the model's input size) and return its sanitised prediction.

        Raises UpstreamError if the upstream doesn't answer for the image itself, UnscreenedError
        if the defence couldn't be finished and the failure policy is `closed`.
        """
        if self._policy.strategy is Strategy.OFF:
            said = prediction(await self._model.answer(image[None]))
            return Outcome(said, said, Screening.OFF, None, 1)
        prepared = self._preparation.prepared
        if prepared is None:
            return await self._unprepared(image)
        searching = self._searching()
        screened = searching and self._budget.draw()
        search = self._search(image, prepared, screened=screened)
        driven = await drive(search, self._model, self._policy.patience_s)
        if screened:
            self._budget.spend(driven.probes - 1)
        return await self._concluded(image, driven, prepared, screened=screened)

    def _searching(self) -> bool:
        return self._policy.search is SearchMode.CONTINUE or not self.library.entries()

    def _search(self, image: Image, prepared: Prepared, *, screened: bool) -> Search[Finding]:
        references, plan = prepared.references, prepared.plan
        known = [Known(entry.id, entry.trigger) for entry in self.library.entries()]
        # The draw depends on the image and a secret: the same image again gets the same verdict,
        # and no attacker can plan for it.
        digest = hashlib.blake2b(image.tobytes(), digest_size=8).digest()
        rng = np.random.default_rng([references.seed, int.from_bytes(digest)])
        if self._policy.strategy is Strategy.PAPER:
            return paper.screen(image, references, known, self._policy.paper, rng)
        dismissed = [entry.trigger for entry in self.library.dismissed()]
        return screen(image, Defence(references, plan, known, dismissed, screened), rng)

    async def _concluded(
        self, image: Image, driven: Driven[Finding], prepared: Prepared, *, screened: bool
    ) -> Outcome:
        finding = driven.result
        if finding.said is None or finding.sanitised is None or finding.verdict is Verdict.UNDECIDED:
            logger.warning("an image was not screened to the end: %s", driven.cut_off)
            return unfinished(finding, self._targets(), self._policy, driven.probes)
        said, sanitised = prediction(finding.said), prediction(finding.sanitised)
        self._later(self._preparation.share_placebo_rates())
        match finding.verdict:
            case Verdict.CLEAR:
                self.library.count(screened=int(screened))
                state = Screening.CLEAR if screened else Screening.PASSED
                return Outcome(said, said, state, None, driven.probes)
            case Verdict.KNOWN:
                assert finding.known is not None  # noqa: S101  # a KNOWN finding names it
                self.library.count(flagged=1)
                await self._hit(finding.known.id, image, prepared)
                return Outcome(
                    sanitised, said, Screening.KNOWN_TRIGGER, finding.known.id, driven.probes
                )
            case Verdict.DISCOVERED:
                entry = await self._registered(finding, driven)
                if entry.dismissed:
                    self.library.count(screened=1)
                    return Outcome(said, said, Screening.CLEAR, None, driven.probes)
                self.library.count(screened=1, flagged=1)
                await self._hit(entry.id, image, prepared)
                return Outcome(sanitised, said, Screening.DISCOVERED, entry.id, driven.probes)
            case _:
                assert_never(finding.verdict)

    async def _registered(self, finding: Finding, driven: Driven[Finding]) -> Entry:
        assert finding.trigger is not None  # noqa: S101  # a DISCOVERED finding has it
        trigger = finding.trigger
        evidence = replace(trigger.evidence, probes=driven.probes)
        return await self.library.register(replace(trigger, evidence=evidence))

    async def _hit(self, trigger_id: str, image: Image, prepared: Prepared) -> None:
        """Count the hit; once enough have been seen, make the trigger's pixels exact."""
        trigger = self.library.entry(trigger_id).trigger
        if self._policy.strategy is Strategy.PAPER or trigger.mask is not None:
            region = image[trigger.box.rows, trigger.box.columns]
            await self.library.hit(trigger_id, region)
            return
        samples = await self.library.hit(trigger_id, sample(image, trigger))
        exact = reconstruct(trigger, samples, prepared.references)
        if exact is not None:
            await self.library.refine(trigger_id, exact)

    async def _unprepared(self, image: Image) -> Outcome:
        """Answer by the failure policy while the references aren't calibrated."""
        if self._policy.on_failure is FailurePolicy.CLOSED:
            message = f"not ready to screen images: {self._preparation.problem}"
            raise UnscreenedError(message)
        finding = Finding(
            Verdict.UNDECIDED, await self._model.answer(image[None]), None, exposed=True
        )
        return unfinished(finding, self._targets(), self._policy, 1)

    def _targets(self) -> set[int]:
        return {entry.trigger.target for entry in self.library.entries()}

    async def readiness(self) -> Readiness:
        """Ask each part whether it is there."""
        upstream = None
        try:
            await self._model.check()
        except UpstreamError as exc:
            upstream = str(exc)
        parts = [Part("upstream", upstream)]
        if self._policy.strategy is not Strategy.OFF:
            parts.append(Part("references", self._preparation.problem))
        parts.append(Part("store", self.library.problem(), needed=False))
        return Readiness(tuple(parts))

    async def examples(self, entry: Entry) -> Examples:
        """Stamp the trigger of *entry* on 8 references and ask the model.

        Raises UpstreamError, or UnscreenedError while there are no references yet.
        """
        if self._preparation.prepared is None:
            message = f"no references yet: {self._preparation.problem}"
            raise UnscreenedError(message)
        return await make_examples(
            entry.trigger, self._preparation.prepared.references, self._model
        )

    def _later(self, work: Coroutine[None, None, None]) -> None:
        """Do *work* without keeping the caller waiting."""
        task = asyncio.create_task(_logged(work))
        self._background.add(task)
        task.add_done_callback(self._background.discard)


async def _logged(work: Coroutine[None, None, None]) -> None:
    try:
        await work
    except LibraryError as exc:
        logger.warning("what was learnt is not shared yet: %s", exc)
