"""What a report is made of, gathered from the gateway."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from app.gateway.outcome import UnscreenedError
from app.incidents import Sought
from app.ports import LibraryError, UpstreamError
from app.web.answering.answers import one_trigger_answer
from app.web.answering.incidents import audit_answer, incident_answer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.detection.search import Image
    from app.gateway.examples import Examples
    from app.gateway.predict import Gateway
    from app.incidents import Incident
    from app.ports import Entry
    from app.web.answering.answers import Labels, OneTriggerAnswer
    from app.web.answering.incidents import ActAnswer, IncidentAnswer
    from app.web.service import Service

AT_ONCE: Final = 1000
"""Incidents that are read from the store at once."""


@dataclass(frozen=True)
class About:
    """What has found it, on which model, and how it is set up.

    ``model_versions`` is empty where the server tells none, or is out of reach.
    """

    made_at: datetime
    gateway_version: str
    model: str
    model_versions: tuple[str, ...]
    settings: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Report:
    """A trigger and all that is known of it; ``missing`` says of each part that isn't there why."""

    entry: Entry
    trigger: OneTriggerAnswer
    about: About
    overlay: Image | None
    examples: Examples | None
    incidents: Sequence[IncidentAnswer]
    acts: Sequence[ActAnswer]
    labels: Labels
    missing: Mapping[str, str]
    corrects: bool
    """Whether the gateway corrects answers."""

    @property
    def consequence(self) -> str:
        """What becomes of images that carry it, in a sentence."""
        if self.trigger.dismissed:
            return "Images that carry it get the model's own answer and no flag: it is dismissed."
        if self.corrects:
            return "Images that carry it get what the model says of them without it."
        return "Images that carry it get the model's own answer (NEO_MODE, NEO_STRATEGY)."


async def report(trigger_id: str, gateway: Gateway, service: Service) -> Report:
    """Gather the report of one trigger, dismissed or not. Raises UnknownTriggerError.

    What can't be had now, with the model server or the store away, is left out.
    """
    entry = gateway.library.entry(trigger_id)
    missing: dict[str, str] = {}
    overlay: Image | None = None
    examples: Examples | None = None
    incidents: list[Incident] = []
    acts: Sequence[ActAnswer] = ()
    try:
        overlay = gateway.overlay(entry)
        examples = await gateway.examples(entry)
    except (UpstreamError, UnscreenedError) as error:
        missing["examples"] = str(error)
    try:
        incidents = await _incidents(trigger_id, gateway)
    except LibraryError as error:
        missing["incidents"] = str(error)
    try:
        acts = audit_answer(await gateway.incidents.acts()).acts
    except LibraryError as error:
        missing["audit"] = str(error)
    return Report(
        entry,
        one_trigger_answer(entry, service.labels),
        await _about(gateway, service),
        overlay,
        examples,
        [incident_answer(one, service.labels) for one in incidents],
        [act for act in acts if act.trigger_id == trigger_id],
        service.labels,
        missing,
        gateway.corrects,
    )


async def _incidents(trigger_id: str, gateway: Gateway) -> list[Incident]:
    sought = Sought(AT_ONCE, trigger_id=trigger_id)
    found: list[Incident] = []
    while part := await gateway.incidents.sought(sought):
        found += part
        sought = replace(sought, before=part[-1].id)
    return found


async def _about(gateway: Gateway, service: Service) -> About:
    try:
        versions = (await gateway.model.facts()).versions
    except UpstreamError:
        versions = ()
    return About(
        datetime.now(UTC), version("neo-gateway"), service.model_name, versions, service.settings
    )
