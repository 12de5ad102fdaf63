"""A classifier behind a model server, whatever its dialect: the port `ServedModel`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from app.detection.origins import masks
from app.ports import (
    NOBODY,
    ArrivalError,
    Description,
    OtherModelError,
    SelectionError,
    UnknownVersionError,
    UpstreamStatusError,
    UpstreamUnreachableError,
)
from app.upstream.agreement import agreement
from app.upstream.batching import Batcher
from app.upstream.capacity import Capacity
from app.upstream.dialects.dialect import Asking
from app.upstream.inputs.arrivals import arrivals, as_pictures, typed
from app.upstream.parts import filled_up
from app.wire.tensors import BYTES, UNTYPED, TensorSpec
from app.wire.writing import described

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from app.detection.search import Answers, Images
    from app.ports import Arrival, Caller, InputSize, ModelFacts, Page
    from app.settings import InputSettings
    from app.upstream.agreement import Agreement, Plan
    from app.upstream.dialects.dialect import Dialect
    from app.upstream.http.limits import Limits
    from app.upstream.inputs.input_form import InputForm
    from app.upstream.inputs.preprocessing import Preprocessing
    from app.wire.selection import Selection
    from app.wire.trace import Trace

MOST_SELECTIONS: Final = 64
"""Selections of callers of which it is remembered what the server takes at once."""

NOT_FOUND: Final = 404

SOUNDED: Final = 64
"""References that are asked to see if a model's one score is a probability or a logit."""

REFUSED: Final = frozenset({400, 415, 422})
"""Statuses of a server that doesn't like what it is sent."""

VALUES_AT_ONCE: Final = 500_000
"""Larger batches are made into tensors in a thread: it takes milliseconds."""


class UpstreamModel:
    """One classifier behind a model server.

    The server needn't be there at the start: what it says of itself is asked for by the first call
    that reaches it. ``asked`` counts the images that were sent, and ``round_trips`` the requests, a
    repeated one once.
    """

    def __init__(self, dialect: Dialect, settings: InputSettings, limits: Limits) -> None:
        self.asked = 0
        self.round_trips = 0
        self._dialect = dialect
        self._settings = settings
        self._limits = limits
        self._batcher = Batcher(self._ask, limits.in_flight, limits.waiting_images)
        self._agreement: Agreement | None = None
        self._said: Mapping[str, NDArray[Any]] = {}
        self._capacities: dict[Selection, Capacity] = {}
        self.is_strange = False
        self._classes: int | None = None
        # Whoever has no key may ask for a version's health: one look at a time is all it costs.
        self._looking = asyncio.Lock()

    @property
    def size(self) -> InputSize:
        """The size of the images that it takes.

        Raises UpstreamUnreachableError while neither the settings nor the server has said it.
        """
        if self._agreement is not None:
            return self._agreement.form.size
        if self._settings.size is not None:
            return self._settings.size
        message = "the upstream hasn't said yet what images it takes"
        raise UpstreamUnreachableError(message)

    @property
    def note(self) -> str | None:
        """What the server takes less of than usual in one request."""
        return None if self._agreement is None else self._agreement.note

    async def close(self) -> None:
        """End what is under way."""
        await self._batcher.close()

    async def check(self) -> None:
        """Return if the model is ready to answer. Raises UpstreamError with the reason if not."""
        size = (await self._agreed()).form.size
        told = await self._dialect.ready()
        if not told or self.is_strange:
            await self.answer(np.zeros((1, size.height, size.width, size.channels), np.uint8))

    async def answer(self, images: Images, caller: Caller = NOBODY) -> Answers:
        """Answer *images* (n, height, width, channels), one answer each, in their order.

        Raises UpstreamError: then no answer of this call is known; ArrivalError if the server
        refuses the form of the caller's own tensor, or what it selects.
        """
        agreed, arrival, selected = await self._agreed(), caller.arrival, caller.selection
        if selected is not None and (unknown := self._dialect.unknown(selected)):
            message = f"the model server can't be told {', '.join(unknown)[:200]}"
            raise SelectionError(message)
        plan = agreed.plan
        if arrival is not None and arrival.spec is not None:
            plan = agreed.plan_for(arrival.spec)
        if images.size > VALUES_AT_ONCE:
            batch = await asyncio.to_thread(_tensor, plan.preprocessing, images, caller)
        else:
            batch = _tensor(plan.preprocessing, images, caller)
        form = plan.preprocessing.form
        try:
            key = (form, Asking(caller.background, selected, caller.behind))
            return await self._batcher.answer(key, batch, self._capacity(plan, selected), caller)
        except UpstreamStatusError as exc:
            if selected is not None and exc.status in {*REFUSED, NOT_FOUND}:
                message = f"{', '.join(selected.names)[:200]}: {_refused(exc)}"
                raise _no_such(selected, exc.status)(message) from exc
            own = arrival is not None and arrival.spec is not None
            if not own or exc.status not in REFUSED or (plan is agreed.plan and caller.spent):
                raise
            raise ArrivalError(_refused(exc)) from exc

    def _capacity(self, plan: Plan, selected: Selection | None) -> Capacity:
        """Return what a request has: what one of a caller's selection teaches is its own."""
        if selected is None:
            return plan.capacity
        if selected not in self._capacities:
            if len(self._capacities) >= MOST_SELECTIONS:
                self._capacities.pop(next(iter(self._capacities)))
            self._capacities[selected] = Capacity(plan.capacity.most, above=plan.capacity)
        return self._capacities[selected]

    async def arrivals(
        self, spec: TensorSpec, values: NDArray[Any], *, tolerant: bool = False
    ) -> tuple[Arrival, ...]:
        """Return the images that a caller's tensor *values*, described by *spec*, holds.

        Raises ArrivalError if the model doesn't take it, UpstreamError if it can't be known yet.
        Where *tolerant*, numbers that no pixel gives are no error: the images are `refused`.
        """
        agreed = await self._agreed()
        if spec.datatype == UNTYPED:
            spec, values = typed(agreed.form, spec, values, exact=not self._dialect.typed)
        if agreed.form.datatype == BYTES:
            return as_pictures(spec, agreed.form.size, values)
        spec = TensorSpec(spec.name, spec.datatype, (-1, *spec.shape[1:]))
        plan = agreed.plan_for(spec).preprocessing
        if values.size > VALUES_AT_ONCE:
            return await asyncio.to_thread(arrivals, plan, spec, values, tolerant=tolerant)
        return arrivals(plan, spec, values, tolerant=tolerant)

    async def sound_out(self, images: Images) -> None:
        """Find out on *images*, before they are calibrated, how the server scores.

        Raises UpstreamError.
        """
        one_score = self._dialect.one_score
        if one_score.alone is None:
            await self.answer(images[:1])
        if one_score.alone:
            spread = np.linspace(0, len(images) - 1, min(SOUNDED, len(images)))
            await self.answer(images[spread.astype(np.intp)])
            one_score.settle()

    async def introduce(self, images: Images, labels: NDArray[np.int64]) -> None:
        """Learn the class names of a server that answers by name: one of *images* of each label.

        Raises UpstreamError.
        """
        _, firsts = np.unique(labels, return_index=True)
        await self.answer(images[firsts[:1]])
        if len(firsts) > 1 and self.class_name(int(labels[firsts[0]])) is not None:
            await self.answer(images[firsts[1:]])

    async def redescribed(self) -> Description:
        """Ask the server again how it describes the model. Raises UpstreamError."""
        before = await self.facts()
        now = await self._dialect.describe(needed=self._settings.size is None)
        if now.inputs != before.inputs:
            return Description.OTHER_INPUT
        return Description.SAME if now == before else Description.OTHER_WORDS

    def forget(self) -> None:
        """Forget what the server has said of the model, and how many classes it has."""
        self._agreement = self._classes = None
        self._dialect.one_score.forget()
        self._capacities.clear()
        self.is_strange = False

    async def facts(self) -> ModelFacts:
        """Return what the server says of the model. Raises UpstreamError."""
        return (await self._agreed()).facts

    async def described(self) -> ModelFacts:
        """Return the same, completed by the settings and by what its answers were.

        Raises UpstreamError.
        """
        agreed = await self._agreed()
        facts, form = agreed.facts, agreed.form
        names = () if facts.inputs else await self.input_names()
        name = next(iter(names)) if len(names) == 1 else form.name
        taken = TensorSpec(name, form.datatype, (-1, *form.dims))
        given = [described(name, values) for name, values in self._said.items()]
        return replace(
            facts, inputs=facts.inputs or (taken,), outputs=facts.outputs or tuple(given)
        )

    @property
    def pages(self) -> frozenset[Page]:
        """What the server tells besides, as far as it has said so."""
        return self._dialect.pages

    async def page(self, page: Page, version: str | None = None) -> bytes | None:
        """Return what the server says in JSON, None where it doesn't. Raises UpstreamError."""
        await self._agreed()
        return await self._dialect.page(page, version)

    async def versions(
        self, version: str | None = None, label: str | None = None
    ) -> tuple[str, ...]:
        """Return the versions that can be asked: all, as far as they are told, or a single one.

        Raises UpstreamError.
        """
        listed = (await self.facts()).versions
        if listed and label is None:
            return tuple(one for one in listed if version in {one, None})
        async with self._looking:
            return await self._dialect.versions(version, label)

    async def input_names(self) -> Collection[str]:
        """Return the names that a caller may give the input; none if nobody tells them.

        Raises UpstreamError.
        """
        facts = await self.facts()
        if facts.inputs:
            return {spec.name for spec in facts.inputs}
        async with self._looking:
            return await self._dialect.input_names()

    def class_name(self, index: int) -> str | None:
        """Return the server's own name of a class, None if it has none."""
        return self._dialect.names.name(index)

    async def _ask(
        self, kind: tuple[InputForm, Asking], batch: NDArray[Any], trace: Trace | None
    ) -> Answers:
        form, how = kind
        if trace is not None:
            how = replace(how, trace=trace)
        self.asked += len(batch)
        self.round_trips += 1
        whole = filled_up(batch, form.together)
        try:
            answers = (await self._dialect.ask(form, whole, how))[: len(batch)]
            classes = 0 if answers.scores is None else answers.scores.shape[1]
            if how.selection is None and self._classes is None:
                self._classes = classes
            self._check_classes(classes)
        except OtherModelError:
            # What a caller has selected may be another model: of this one it tells nothing.
            self.is_strange |= how.selection is None
            raise
        if how.selection is None:
            self.is_strange = False
            self._said = answers.outputs
        return answers

    def _check_classes(self, classes: int) -> None:
        if self._classes not in {classes, None}:
            message = (
                f"the upstream scored {classes} classes, and {self._classes} before: another model"
                " is there, and the references must be calibrated for it first"
            )
            raise OtherModelError(message)

    async def _agreed(self) -> Agreement:
        if self._agreement is None:
            size = self._settings.size
            facts = await self._dialect.describe(needed=size is None)
            self._agreement = agreement(facts, self._dialect, self._settings, self._limits)
        return self._agreement


def _no_such(selected: Selection, status: int) -> type[SelectionError]:
    versioned = selected.version is not None or selected.label is not None
    return UnknownVersionError if versioned and status == NOT_FOUND else SelectionError


def _refused(error: UpstreamStatusError) -> str:
    """Say what became of what a caller has sent; the server's words may tell of more than that."""
    return f"the model server refuses it ({error.status})"


def _tensor(plan: Preprocessing, images: Images, caller: Caller) -> NDArray[Any]:
    row = None if caller.arrival is None else caller.arrival.row
    if row is None or not caller.origins:
        return plan.tensor(images)
    return plan.exactly(images, row, masks(caller.origins, *images.shape[1:3]))
