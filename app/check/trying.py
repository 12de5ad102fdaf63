"""Each part of what `serve` needs, tried once: nothing is written, calibrated or kept."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import numpy as np
from anyio import to_thread

from app.check.folders import obstacle
from app.check.results import Result, fine, skipped, wrong
from app.gateway.preparation.prepared import ReferencesError
from app.ports import LibraryError, UpstreamError
from app.serving.processes.shared import check_address, state_directory
from app.settings import Mode, SecondOpinion, SettingError, Strategy
from app.wiring import ReferenceFiles, look_at_own_store, look_at_store, open_upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Iterator

    from app.detection.search import Answers, Images
    from app.ports import ServedModel
    from app.settings import Settings
    from app.wire.tensors import TensorSpec

SETTINGS, UPSTREAM, REFERENCES, STORE = "settings", "upstream", "references", "store"
QUARANTINE, WEBHOOK = "quarantine", "webhook"

ASKED: Final = 64
"""References that the model is asked about: a batch."""


COSTS: Final = {
    Strategy.FULL: "20 to 40 inferences",
    Strategy.FAST: "10 to 25 inferences",
    Strategy.PAPER: "400 to 1,500 inferences",
    Strategy.OFF: "none but its own",
}
"""What a clean image takes in general (`docs/performance.md`; the paper's way: `README.md`)."""


async def results(settings: Settings, timeout_s: float) -> AsyncIterator[Result]:
    """Yield what comes of each part, as soon as it is known; each has *timeout_s*."""
    in_time = partial(_in_time, timeout_s)
    yield fine(SETTINGS, *_policy(settings))
    async with open_upstream(settings) as model:
        upstream = await in_time(UPSTREAM, _upstream(settings, model))
        yield upstream
        if upstream.state == "wrong":
            yield skipped(REFERENCES, "they are fitted to the model, which must be there first")
        else:
            yield await in_time(REFERENCES, _references(settings, model))
    yield await in_time(STORE, _store(settings))
    for extra in _extras(settings):
        yield extra


async def _in_time(timeout_s: float, part: str, trying: Awaitable[Result]) -> Result:
    try:
        async with asyncio.timeout(timeout_s):
            return await trying
    except TimeoutError:
        return wrong(part, f"it wasn't through within {timeout_s:g} s (--timeout)")


def _policy(settings: Settings) -> tuple[str, ...]:
    """Say how images will be screened, and who may ask."""
    callers, admins = len(settings.api_keys.values), len(settings.admin_keys.values)
    keys = f"{callers} keys for callers, {admins} for admins"
    if not callers and not admins:
        keys = "no keys: whoever reaches it may ask, and dismiss triggers (NEO_API_KEYS)"
    changes = settings.mode is Mode.ENFORCE and settings.strategy is not Strategy.OFF
    answers = "answers are corrected" if changes else "no answer is changed"
    return (
        f"mode {settings.mode}, strategy {settings.strategy}: {answers}",
        f"patience {settings.patience:g} s, then the policy `{settings.on_failure}`",
        *_opinion(settings),
        keys,
    )


def _opinion(settings: Settings) -> Iterator[str]:
    if settings.second_opinion is SecondOpinion.FLAG:
        asked = settings.strategy in {Strategy.FULL, Strategy.FAST}
        rate = f"up to {settings.second_opinion_fpr:g} of clean images may be called suspicious"
        yield f"a second opinion: {rate if asked else f'none, by strategy {settings.strategy}'}"


async def _upstream(settings: Settings, model: ServedModel) -> Result:
    began = time.perf_counter()
    try:
        await model.check()
        facts, size = await model.described(), model.size
    except UpstreamError as exc:
        return wrong(UPSTREAM, exc.explained)
    took_ms = (time.perf_counter() - began) * 1e3
    place = f"{_place(settings.upstream_url)} speaks {settings.upstream_protocol}"
    return fine(
        UPSTREAM,
        f"{place}; {settings.model} was ready in {took_ms:.0f} ms",
        f"input {_tensors(facts.inputs)}; images of {size.height}x{size.width}x{size.channels}",
        f"outputs {_tensors(facts.outputs) or 'are told by its answers'}",
        note=model.note,
    )


async def _references(settings: Settings, model: ServedModel) -> Result:
    files = ReferenceFiles(settings)
    try:
        images: Images = await to_thread.run_sync(files.load, model.size, abandon_on_cancel=True)
        spread = np.linspace(0, len(images) - 1, min(ASKED, len(images))).astype(np.intp)
        await model.sound_out(images)
        began = time.perf_counter()
        answers = await model.answer(images[spread])
    except ReferencesError as exc:
        return wrong(REFERENCES, f"NEO_REFERENCE: {exc}")
    except UpstreamError as exc:
        return wrong(REFERENCES, f"the model doesn't answer for them: {exc.explained}")
    took_ms, classes = (time.perf_counter() - began) * 1e3, len(set(answers.labels.tolist()))
    if classes == 1 and settings.strategy is not Strategy.OFF:
        label = answers.labels[0]
        asked = f"the model gives all {len(spread)} that it was asked about the class {label}"
        return wrong(
            REFERENCES, f"{asked}; are they its images, and NEO_INPUT_* its preprocessing?"
        )
    return fine(
        REFERENCES,
        f"{len(images)} images; the model has {classes} classes for {len(spread)} of them",
        f"it took {took_ms:.0f} ms for these, and screening one image takes"
        f" {COSTS[settings.strategy]}",
        note=_unnamed(settings.labels, answers) or files.remark,
    )


def _unnamed(names: tuple[str, ...], answers: Answers) -> str | None:
    """Say if there are not as many *names* as classes, where the model's scores tell these."""
    classes = None if answers.scores is None else answers.scores.shape[1]
    if not names or classes in {None, len(names)}:
        return None
    return f"NEO_LABELS has {len(names)} names, and the model {classes} classes"


async def _store(settings: Settings) -> Result:
    try:
        if settings.redis_url is None:
            return await _own_store(state_directory(settings))
        url = settings.redis_url.get_secret_value()
        check_address(url)
        return fine(STORE, *await look_at_store(url, settings.model))
    except SettingError as exc:
        return wrong(STORE, str(exc))
    except LibraryError as exc:
        return wrong(STORE, f"{exc} (see NEO_REDIS_URL)")


async def _own_store(directory: Path) -> Result:
    """Say how it is with the Valkey that `serve` starts. Raises LibraryError."""
    if there := obstacle(directory):
        kept = f"the trigger library can't be kept in {directory}: {there} can't be written"
        return wrong(STORE, f"{kept} (see XDG_STATE_HOME, NEO_REDIS_URL)")
    return fine(STORE, *await look_at_own_store(directory))


def _extras(settings: Settings) -> Iterator[Result]:
    """Say what becomes of flagged images and of events; `serve` is ready without either."""
    kept = settings.quarantine
    if kept is not None:
        there = None if "://" in kept else obstacle(Path(kept))
        note = None if there is None else f"{there} can't be written (see NEO_QUARANTINE)"
        yield fine(QUARANTINE, f"flagged images are kept in {kept}", note=note)
    if settings.webhook_url is not None:  # its path may be a secret
        host = urlsplit(settings.webhook_url.get_secret_value()).hostname
        yield fine(WEBHOOK, f"events go to {host}, as {settings.webhook_format}; none was sent")


def _place(url: str) -> str:
    """Return *url* without a password in it."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _tensors(specs: tuple[TensorSpec, ...]) -> str:
    return ", ".join(f"{spec.name[:40]!r} {spec.datatype} {list(spec.shape)}" for spec in specs)
