"""The one place that names concrete classes: from the settings to a gateway that runs.

The evaluation and the benchmark open theirs here, too.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

import jmespath

from app.detection.paper import Parameters
from app.events import Events
from app.events.fleet import Fleet
from app.events.log import log
from app.events.webhook.courier import Courier
from app.events.webhook.messages import CloudEvents, Slack
from app.events.webhook.sender import Sender
from app.events.webhook.signature import secret_bytes
from app.gateway.keeping.locking import LASTS
from app.gateway.policy import Policy
from app.gateway.predict import Gateway
from app.gateway.preparation.library_check import verify_library
from app.gateway.preparation.lifecycle import Preparation
from app.gateway.preparation.prepared import Calibrator, ReferencesError
from app.history import History
from app.incidents import Incidents
from app.library.lifecycle import open_library
from app.library.looking import look_at_own_store, look_at_store
from app.library.memory import MemoryCalibrationStore, MemoryTriggerLibrary
from app.library.server.addresses import without_credentials
from app.pictures.image_sets import ImageSetError
from app.pictures.references import read_references
from app.quarantine.opening import open_quarantine
from app.settings import (
    InputSettings,
    Normalisation,
    Protocol,
    SecondOpinion,
    Strategy,
    WebhookFormat,
)
from app.suspects import Suspects
from app.tracing.exporting import exporting
from app.upstream.assembly import Server, open_model
from app.upstream.http.limits import Limits
from app.upstream.http.posting import Poster
from app.upstream.http.session import Access
from app.upstream.onnx_model import OnnxModel
from app.wire.tensors import BYTES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from app.detection.search import Images
    from app.events import Fact
    from app.ports import CalibrationStore, InputSize, Model, ServedModel
    from app.settings import Settings
    from app.upstream.model import UpstreamModel

__all__ = [
    "ReferenceFiles",
    "Server",
    "calibrator",
    "identity",
    "input_settings",
    "library_in_memory",
    "look_at_own_store",
    "look_at_store",
    "open_gateway",
    "open_onnx",
    "open_server",
    "open_upstream",
]

AROUND_BYTES: Final = 1024
"""What a request has beside its images, at most."""

PICTURES_IN_FLIGHT: Final = 24
"""Requests at once to a server that takes one picture each: about an image's first round."""


@asynccontextmanager
async def open_gateway(
    settings: Settings, redis_url: str, workers: int = 1
) -> AsyncIterator[Gateway]:
    """Run the gateway that *settings* describe, with its state in the Redis at *redis_url*.

    It is one of so many *workers*, which share the rates. It is there at once;
    `Gateway.readiness` says when it can screen.
    """
    events, history, incidents, suspects = Events(), History(), Incidents(), Suspects()
    flagged = Suspects(lives=LASTS) if settings.lockout_after else None
    events.hear(log)
    fleet = Fleet(events)
    async with (
        exporting(),
        open_upstream(settings, events) as model,
        open_library(
            redis_url,
            settings.model,
            events=events,
            history=history,
            fleet=fleet,
            incidents=incidents,
            incidents_live=settings.quarantine_ttl,
            suspects=suspects,
            flagged=flagged,
        ) as (library, calibrations),
        open_quarantine(settings, workers, incidents.clock) as keeper,
        _sending(settings, fleet, incidents),
    ):
        calibrating = calibrator(settings, model, calibrations, model)
        verify = partial(verify_library, library, model)
        used = _used(settings, redis_url, workers)
        preparation = Preparation(calibrating, library.check, verify, events)
        async with preparation.running():
            gateway = Gateway(
                model,
                library,
                preparation,
                policy(settings, workers),
                events,
                history=history,
                used=used,
                incidents=incidents,
                fleet=fleet,
                keeper=keeper,
                suspects=suspects,
                flagged=flagged,
            )
            try:
                yield gateway
            finally:
                await gateway.close()


def _sending(
    settings: Settings, fleet: Fleet, incidents: Incidents
) -> AbstractAsyncContextManager[None]:
    """Send what *fleet* tells to the webhook, if there is one."""
    if settings.webhook_url is None:
        return nullcontext()
    slack = settings.webhook_format is WebhookFormat.SLACK
    secret = settings.webhook_secret
    courier = Courier(
        (Slack if slack else CloudEvents)(settings.model),
        Poster(settings.webhook_url.get_secret_value()),
        None if secret is None else secret_bytes(secret.get_secret_value()),
    )
    return Sender(fleet, courier, incidents.clock).running()


def calibrator(
    settings: Settings,
    model: Model,
    store: CalibrationStore,
    served: ServedModel | None = None,
) -> Calibrator:
    """Return what calibrates the references of *settings* for *model*, kept in *store*.

    *served* is the model's other side, if it is behind a server.
    """
    references = ReferenceFiles(settings)
    return Calibrator(
        model,
        store,
        references.load,
        identity=identity(settings),
        trigger_max=settings.trigger_max,
        strategy=settings.strategy,
        served=served,
        remark=lambda: references.remark,
        second_opinion=_second_opinion(settings),
    )


def open_upstream(
    settings: Settings, events: Events | None = None
) -> AbstractAsyncContextManager[UpstreamModel]:
    """Open the model that *settings* describe; it tells *events* when it is away, and back."""
    capped = limits(
        settings.upstream_protocol,
        settings.patience,
        most_images=settings.upstream_max_batch,
        most_bytes=settings.upstream_max_body,
    )
    return _open_server(_server(settings), input_settings(settings), capped, events)


def open_server(
    server: Server, told: InputSettings, patience_s: float
) -> AbstractAsyncContextManager[UpstreamModel]:
    """Open the model behind *server*, of whose input so much is *told*."""
    return _open_server(server, told, limits(server.protocol, patience_s))


def _open_server(
    server: Server, told: InputSettings, limits: Limits, events: Events | None = None
) -> AbstractAsyncContextManager[UpstreamModel]:
    if server.protocol is Protocol.IMAGE:
        told = replace(told, datatype=BYTES)
    return open_model(server, told, limits, events)


def open_onnx(path: Path, told: InputSettings, threads: int | None = None) -> OnnxModel:
    """Open the model in the ONNX file *path*, for so many *threads*. Raises OnnxError."""
    return OnnxModel(path, told, threads)


def library_in_memory(seed: int) -> tuple[MemoryTriggerLibrary, MemoryCalibrationStore]:
    """Return a library that nobody shares, and a store of calibrations whose secret is *seed*."""
    return MemoryTriggerLibrary(), MemoryCalibrationStore(seed)


def policy(settings: Settings, workers: int = 1) -> Policy:
    """Return the part of the settings that says how images are screened, for one of *workers*."""
    return Policy(
        strategy=settings.strategy,
        search=settings.search,
        patience_s=settings.patience,
        on_failure=settings.on_failure,
        probe_budget=settings.probe_budget,
        paper=Parameters(
            lambda_t=settings.lambda_t,
            delta_t=settings.delta_t,
            check_size=settings.check_size,
            size=settings.trigger_max,
        ),
        probe_rate=_share(settings.probe_rate, workers),
        key_probe_rate=_share(settings.key_probe_rate, workers),
        mode=settings.mode,
        second_opinion=_second_opinion(settings),
        lockout_after=settings.lockout_after,
    )


def _second_opinion(settings: Settings) -> float | None:
    """Return the share of clean images that may be called suspicious; None: none is.

    Triggers without a place are looked for beside our own search, not the paper's.
    """
    ours = settings.strategy in {Strategy.FULL, Strategy.FAST}
    flags = settings.second_opinion is SecondOpinion.FLAG
    return settings.second_opinion_fpr if ours and flags else None


def _server(settings: Settings) -> Server:
    return Server(
        url=settings.upstream_url,
        model=settings.model,
        protocol=settings.upstream_protocol,
        outputs=settings.outputs,
        labels=settings.labels,
        template=None if settings.answer is None else jmespath.compile(settings.answer),
        access=Access(_headers(settings), settings.upstream_ca),
    )


def input_settings(settings: Settings) -> InputSettings:
    """Return the part of the settings that describes the model's input."""
    return InputSettings(
        settings.input_size,
        settings.input_layout,
        Normalisation(mean=settings.input_mean, std=settings.input_std, scale=settings.input_scale),
        settings.input_datatype,
    )


def limits(
    protocol: Protocol,
    patience_s: float,
    *,
    most_images: int | None = None,
    most_bytes: int | None = None,
) -> Limits:
    """Return how much the upstream may be asked at once, and how long it may take.

    It takes *most_images* and *most_bytes* in one request, if that is known; more than usual isn't
    sent all the same.
    """
    # What takes longer than callers wait is given up: its slot is wanted, and an upstream that
    # hangs is to be noticed. While the references are calibrated nobody waits.
    pictures = protocol is Protocol.IMAGE
    return Limits(
        timeout_s=patience_s,
        background_timeout_s=max(patience_s, Limits.background_timeout_s),
        in_flight=PICTURES_IN_FLIGHT if pictures else Limits.in_flight,
        batch_images=min(most_images or Limits.batch_images, Limits.batch_images),
        batch_bytes=_batch_bytes(most_bytes),
    )


def _batch_bytes(most: int | None) -> int:
    if most is None:
        return Limits.batch_bytes
    return min(max(most - AROUND_BYTES, 0), Limits.batch_bytes)


def _share(rate: float | None, workers: int) -> float | None:
    return None if rate is None else rate / workers


def _headers(settings: Settings) -> dict[str, str]:
    headers = {name: value.get_secret_value() for name, value in settings.upstream_headers.items()}
    if settings.upstream_token is not None:
        headers["Authorization"] = f"Bearer {settings.upstream_token.get_secret_value()}"
    return headers


def _used(settings: Settings, redis_url: str, workers: int) -> dict[str, Fact]:
    """Return what a worker that is ready says of its settings, without any secret."""
    return {
        "model": settings.model,
        "upstream": without_credentials(settings.upstream_url),
        "protocol": settings.upstream_protocol.value,
        "mode": settings.mode.value,
        "store": without_credentials(redis_url),
        "workers": workers,
        "keys": bool(settings.api_keys.values or settings.admin_keys.values),
    }


class ReferenceFiles:
    """The reference images that *settings* name; ``remark`` is about those that were read last."""

    def __init__(self, settings: Settings) -> None:
        self.remark: str | None = None
        self._settings = settings

    def load(self, size: InputSize) -> Images:
        """Read them as a model of this *size* takes them. Raises ReferencesError."""
        settings = self._settings
        try:
            read = read_references(
                settings.reference,
                size,
                max_pixels=settings.max_pixels,
                resize=settings.input_resize,
            )
        except ImageSetError as exc:
            raise ReferencesError(str(exc)) from exc
        self.remark = read.remark
        return read.images


def identity(settings: Settings) -> str:
    """Name the model as it is asked: another preprocessing is another model to the calibration."""
    return repr(
        (
            settings.upstream_url,
            settings.model,
            settings.input_size,
            settings.input_layout,
            settings.input_mean,
            settings.input_std,
            settings.input_scale,
            settings.upstream_protocol,
            settings.input_datatype,
            settings.input_resize,
            settings.outputs,
            settings.answer,
            settings.labels,
        )
    )
