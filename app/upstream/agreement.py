"""What a model server has said of its input, and how images are asked in that and other forms."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from app.ports import ArrivalError, UpstreamAnswerError
from app.upstream.capacity import Capacity, counted
from app.upstream.inputs.input_form import input_form
from app.upstream.inputs.preprocessing import preprocessing
from app.wire.tensors import TensorSpec

if TYPE_CHECKING:
    from app.ports import ModelFacts
    from app.settings import InputSettings
    from app.upstream.dialects.dialect import Dialect
    from app.upstream.http.limits import Limits
    from app.upstream.inputs.input_form import InputForm
    from app.upstream.inputs.preprocessing import Preprocessing

MOST_FORMS: Final = 16
"""Forms of callers' tensors that are remembered; a server without metadata leaves it to them."""


@dataclass(frozen=True, eq=False)
class Plan:
    """How images are asked in one form: as what tensor, and how many go into a request."""

    preprocessing: Preprocessing
    capacity: Capacity


@dataclass(frozen=True, eq=False)
class Planner:
    """Makes plans by what the server's *dialect* is, and what its owner has set."""

    facts: ModelFacts
    dialect: Dialect
    settings: InputSettings
    limits: Limits

    def plan(self, form: InputForm, above: Capacity | None = None) -> Plan:
        """Return how images are asked as *form*. Raises UpstreamAnswerError if they can't be."""
        how = preprocessing(form, self.settings.normalisation)
        told = 1 if self.dialect.single else self.facts.most_images or self.limits.batch_images
        most = form.together or min(told, self.limits.batch_images)
        image_bytes = self.dialect.image_bytes(how)
        return Plan(how, Capacity(most, self.limits.batch_bytes, image_bytes, above))


@dataclass(frozen=True, eq=False)
class Agreement:
    """What the server has said, and how it is asked from then on: by ``plan``.

    What callers ask in forms of their own is planned when they do.
    """

    facts: ModelFacts
    plan: Plan
    planner: Planner
    _own: dict[TensorSpec, Plan] = field(default_factory=dict)

    @property
    def form(self) -> InputForm:
        """The tensor that it takes."""
        return self.plan.preprocessing.form

    @property
    def note(self) -> str | None:
        """What it takes less of than usual in one request: found out, or told by itself."""
        told = self.form.together or self.facts.most_images
        usual = self.planner.limits.batch_images
        if self.plan.capacity.note is not None or told is None or told >= usual:
            return self.plan.capacity.note
        return f"the model takes {counted(told)} in one request, as its server says"

    def plan_for(self, spec: TensorSpec) -> Plan:
        """Return how images are asked as a caller asks. Raises ArrivalError.

        Where the server has described its input the caller's must be that; else it is honoured as
        it is, as long as it holds images of the model's size.
        """
        form = self.form
        dims = spec.shape[1:]
        if (spec.name, spec.datatype, dims) == (form.name, form.datatype, form.dims):
            return self.plan
        if self.facts.inputs:
            told = TensorSpec(form.name, form.datatype, (-1, *form.dims))
            message = f"the model takes {_words(told)}, not {_words(spec)}"
            raise ArrivalError(message)
        if not dims:
            message = f"{_words(spec)} is not a batch of images"
            raise ArrivalError(message)
        if spec not in self._own:
            layout = self.planner.settings.layout if len(dims) == len(form.dims) else None
            try:
                caller_form = input_form([spec], form.size, layout)
                plan = self.planner.plan(caller_form, self.plan.capacity)
            except UpstreamAnswerError as exc:
                raise ArrivalError(str(exc)) from exc
            if len(self._own) >= MOST_FORMS:
                self._own.pop(next(iter(self._own)))
            self._own[spec] = plan
        return self._own[spec]


def agreement(
    facts: ModelFacts, dialect: Dialect, settings: InputSettings, limits: Limits
) -> Agreement:
    """Return how a server is asked that has said *facts*. Raises UpstreamAnswerError."""
    form = input_form(facts.inputs, settings.size, settings.layout, settings.datatype)
    planner = Planner(facts, dialect, settings, limits)
    return Agreement(facts, planner.plan(form), planner)


def _words(spec: TensorSpec) -> str:
    return f"{spec.name[:40]!r} {spec.datatype[:10]} {list(spec.shape)}"
