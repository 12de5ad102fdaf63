"""One image from start to finish."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from app import metrics
from app.detection.defence import Finding, Progress, Verdict
from app.events import Events, Kind
from app.events.fleet import Fleet
from app.gateway.admission.budget import ProbeBudget
from app.gateway.admission.rates import EXHAUSTED, ProbeRates, RateExceededError
from app.gateway.examples import make_examples, make_overlay
from app.gateway.familiarity import Familiarity
from app.gateway.keeping.deeds import Deeds
from app.gateway.keeping.learning import Learner
from app.gateway.keeping.locking import lockout
from app.gateway.keeping.recording import Recorder
from app.gateway.keeping.suspecting import Watch
from app.gateway.keeping.telling import Teller, described
from app.gateway.monitoring import Monitor
from app.gateway.outcome import SEARCHED, Outcome, Screening, UnscreenedError
from app.gateway.outputs import sanitised_outputs
from app.gateway.policy import prediction, unfinished
from app.gateway.preparation.lifecycle import ANOTHER_MODEL
from app.gateway.readiness import Part, Readiness, UpstreamCheck
from app.gateway.searching.background import GIVEN_UP, Background
from app.gateway.searching.conclusion import concluded
from app.gateway.searching.driving import Driver
from app.gateway.searching.examination import Examiner, unexamined
from app.gateway.selections import Selections
from app.history import History
from app.incidents import Incidents
from app.settings import FailurePolicy, Strategy
from app.suspects import Suspects
from app.tracing import span

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from app.detection.reference_set.references import References
    from app.detection.search import Answers, Image
    from app.events import Fact
    from app.gateway.admission.rates import Account
    from app.gateway.examples import Examples
    from app.gateway.keeping.recording import Keeper
    from app.gateway.policy import Policy
    from app.gateway.preparation.lifecycle import Preparation
    from app.gateway.searching.driving import Course, Driven
    from app.gateway.visit import Visit
    from app.ports import Entry, InputSize, ServedModel, TriggerLibrary

USUAL_COST = 30.0
"""Probes that screening one image is taken to cost until some have been screened."""


class Gateway:
    """The defence in front of one model; *used* is what else it tells when it is ready."""

    def __init__(  # noqa: PLR0913  # all that it works with
        self,
        model: ServedModel,
        library: TriggerLibrary,
        preparation: Preparation,
        policy: Policy,
        events: Events | None = None,
        *,
        history: History | None = None,
        used: Mapping[str, Fact] | None = None,
        incidents: Incidents | None = None,
        keeper: Keeper | None = None,
        fleet: Fleet | None = None,
        suspects: Suspects | None = None,
        flagged: Suspects | None = None,
    ) -> None:
        self.model = model
        self.library = library
        self.events = events or Events()
        self.fleet = fleet or Fleet(self.events)
        self.history = history or History()
        self._used = used or {}
        self.incidents = incidents or Incidents()
        self.deeds = Deeds(library, self.incidents)
        self.recorder = Recorder(library, self.incidents, policy.mode, keeper)
        self._teller = Teller(self.events)
        self.suspects = suspects or Suspects()
        self._watch = Watch(self.suspects, self._teller, self.recorder)
        self._lockout = lockout(policy, flagged, self._teller)
        self._preparation = preparation
        self._policy = policy
        self._driver = Driver(model, policy.patience_s)
        self._learner = Learner(library, model, policy.strategy)
        self._background = Background(model, self._driver)
        self._familiarity = Familiarity(pictures=self._lockout is not None)
        self._selections = Selections(model)
        self._check = UpstreamCheck(model, policy.patience_s)
        self.monitors = policy.monitors
        """Whether every answer is the upstream's own, and the verdict is only told."""
        self._monitor = Monitor(self._judged, self._count) if self.monitors else None
        self._rates = ProbeRates(policy.key_probe_rate, policy.probe_rate, time.monotonic)
        self._budget = ProbeBudget(policy.probe_budget, USUAL_COST, np.random.default_rng())

    @property
    def size(self) -> InputSize:
        """The size of the images that the model takes. Raises UpstreamError while it is unknown."""
        return self.model.size

    @property
    def prepared(self) -> bool:
        """Whether images can be answered as the settings say, if the upstream answers; no I/O."""
        return not self.corrects or self._preparation.prepared is not None

    @property
    def corrects(self) -> bool:
        """Whether answers are corrected; if so, none is given before the references are there."""
        return self._policy.screens and not self.monitors

    def account(self, key: Hashable) -> Account:
        """Return what the images of one request of the caller *key* pay with.

        Raises RateExceededError if too much was asked before; in monitor mode these are answered,
        and not screened.
        """
        try:
            return self._rates.account(key)
        except RateExceededError:
            if not self.monitors:
                raise
            return EXHAUSTED

    async def predict(self, visit: Visit) -> Outcome:
        """Screen the image of *visit* and return its sanitised prediction.

        Raises UpstreamError if the upstream doesn't answer for the image itself, SelectionError if
        the request selects what can't be screened, UnscreenedError if the defence couldn't be
        finished and the failure policy is `closed`; in monitor mode the first alone.
        """
        visit.timing.begin()
        try:
            if self._monitor is not None:
                return await self._monitor.answer(visit, await self._said(visit))
            return await self._judged(visit)
        finally:
            visit.timing.end()

    async def _judged(self, visit: Visit) -> Outcome:
        """Screen the image of *visit*, and count it. Raises as `predict` says."""
        began = time.perf_counter()
        with span("screen") as note:
            outcome = await self._outcome(visit)
            note(screening=outcome.screening, probes=outcome.probes)
        waited_s = time.perf_counter() - began
        self.history.add(flagged=outcome.backdoor, probes=outcome.probes, seconds=waited_s)
        metrics.SCREENING_SECONDS.observe(waited_s, outcome.screening)
        metrics.IMAGES.inc(outcome.screening)
        metrics.PROBES.inc(by=outcome.probes)
        self._count(outcome)
        return outcome

    def _count(self, outcome: Outcome, *, answered: bool = True) -> None:
        """Count an image, for all workers; it was *answered* now, or counted as that before."""
        self.library.count(
            screened=outcome.screening in SEARCHED, flagged=outcome.backdoor, answered=answered
        )

    async def _outcome(self, visit: Visit) -> Outcome:
        if not self._policy.screens:
            answers = await self._said(visit)
            said = prediction(answers)
            return Outcome(
                said, said, Screening.OFF, None, 1, partial(sanitised_outputs, answers, answers)
            )
        image, prepared = visit.image, await self._preparation.soon(self._policy.patience_s)
        if prepared is not None and image.shape != prepared.references.images.shape[1:]:
            self._preparation.doubt()  # what the model takes has changed
            prepared = None
        if prepared is None:
            return await self._unprepared(visit)
        if visit.selection is not None:
            await self._selections.check(visit, prepared)
        examiner = Examiner(
            prepared,
            self.library,
            self._policy,
            self._learner,
            visit.pay.caller,
            self._watch.of(visit, visit.pay.caller),
            self._lockout,
            selected=visit.selection is not None,
            request=visit.request,
            teller=self._teller,
            flagged=partial(self.recorder.flagged, visit),
        )
        screened = examiner.searching and self._budget.draw()
        progress, known = Progress(), examiner.entries()
        if self._policy.strategy is not Strategy.PAPER:
            self._familiarity.gain(known, prepared)

        answered = visit.said is not None  # in monitor mode it is, whatever comes of this

        async def conclude(driven: Driven[Finding]) -> str:
            self._budget.spend(driven.probes - 1)
            return await self._learnt(image, driven, examiner, answered=answered)

        def go_on(course: Course[Finding]) -> Finding | None:
            taken = screened and self._background.take(
                course, lambda: progress.suspicious, conclude
            )
            return examiner.undecided(image, progress, known) if taken else None

        search = examiner.examine(image, screened=screened, progress=progress)
        driven = await self._driver.drive(search, visit, go_on)
        if screened and not driven.goes_on:
            self._budget.spend(driven.probes - 1)
        outcome = await concluded(image, driven, examiner, screened=screened)
        answered = True
        return outcome

    async def _learnt(
        self, image: Image, driven: Driven[Finding], examiner: Examiner, *, answered: bool
    ) -> str:
        """Keep what a search has shown whose caller was *answered*, or refused; return what."""
        if self._preparation.prepared is not examiner.prepared:
            return GIVEN_UP  # another model, or another secret: it shows nothing of these
        try:
            outcome = await concluded(image, driven, examiner, screened=True)
        except UnscreenedError:
            return Screening.INCOMPLETE.value
        self._count(outcome, answered=not answered)
        return outcome.screening.value

    async def greet(self) -> None:
        """Tell that it is ready, and what it works with: once that is known, in any mode."""
        await self._preparation.decided()
        facts = described(self._preparation.prepared) | {"strategy": self._policy.strategy.value}
        self.events.tell(Kind.WORKER_READY, **self._used, **facts)

    def drain(self) -> None:
        """End what goes on when its callers have been answered: the worker ends soon."""
        self.events.tell(Kind.WORKER_DRAINING)
        if self._monitor is not None:
            self._monitor.end()
        self._background.end()

    async def close(self) -> None:
        """End what goes on behind the answers."""
        if self._monitor is not None:
            await self._monitor.close()
        await self._background.close()
        await self._learner.close()
        await self._familiarity.close()
        await self._selections.close()
        await self._watch.close()
        await self.recorder.close()

    async def readiness(self) -> Readiness:
        """Ask each part whether it is there."""
        upstream = await self._check.part()
        preparation = self._preparation
        references = Part("references", preparation.problem, self.corrects, preparation.note)
        store = Part("store", self.library.problem(), needed=False)
        parts = (upstream, references, store, *self.recorder.parts())
        return Readiness(parts if self._monitor is None else (*parts, self._monitor.part()))

    async def examples(self, entry: Entry) -> Examples:
        """Stamp the trigger of *entry* on 8 references and ask the model.

        Raises UpstreamError, or UnscreenedError while there are no references yet.
        """
        return await make_examples(entry.trigger, self._references(), self.model)

    def overlay(self, entry: Entry) -> Image:
        """Return a reference with the trigger of *entry* on it.

        Raises UnscreenedError while there are no references yet.
        """
        return make_overlay(entry.trigger, self._references())

    def _references(self) -> References:
        prepared = self._preparation.prepared
        if prepared is None:
            message = f"no references yet: {self._preparation.problem}"
            raise UnscreenedError(message)
        return prepared.references

    async def _unprepared(self, visit: Visit) -> Outcome:
        """Answer by the failure policy while the references aren't calibrated."""
        policy, preparation = self._policy, self._preparation
        if policy.on_failure is FailurePolicy.CLOSED or not preparation.library_read:
            message = f"not ready to screen images: {preparation.problem or ANOTHER_MODEL}"
            raise UnscreenedError(message)
        said = await self._said(visit)
        finding = Finding(Verdict.UNDECIDED, said, None, exposed=True)
        return unfinished(finding, self.library.entries(), policy, 1)

    async def _said(self, visit: Visit) -> Answers:
        return (await self._driver.drive(unexamined(visit.image), visit)).result
