"""One stream of photographs through one deployment, by a client that knows nothing."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
from PIL import Image as Pillow

from app.detection.geometry import Box
from tests.benchmarks.photos.photographs import SIDE, pixels
from tests.benchmarks.speed.processes import cpu_seconds, rss_bytes, workers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from tests.benchmarks.photos.stream import PhotoModel, PhotoStream
    from tests.benchmarks.servers import Servers

AT_ONCE = 16
PNG = b"\x89PNG"
SETTLED_HITS = 5
"""After so many hits a trigger's picture is held against the true one."""


@dataclass(frozen=True)
class Answered:
    """What came back for one photograph, and what it cost at the upstream.

    ``answer`` is None where there was none, with a ``status`` that isn't 200.
    """

    status: int
    answer: int | None
    flagged: bool
    screening: str | None
    inferences: int
    rounds: int
    seconds: float


@dataclass(frozen=True, eq=False)
class Shown:
    """A trigger as GET /trigger tells it: its box, and the pixels (224, 224) of its picture."""

    hits: int
    box: Box
    own: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Deployment:
    """Everything that was seen of one stream through one deployment.

    ``unstamped`` and ``plain`` (n,) are what the model itself says of the clean files and of those
    that were sent. ``settled`` is the trigger with the most hits, once it had five or in the end.
    ``cpu_s`` is the workers' CPU time over the stream, ``rss`` the largest worker's memory, bytes.
    """

    stream: PhotoStream
    unstamped: NDArray[np.int64]
    plain: NDArray[np.int64]
    answered: Sequence[Answered]
    triggers: int
    settled: Shown | None
    preparation: int
    cpu_s: float
    rss: int


def measure(
    model: PhotoModel, stream: PhotoStream, servers: Servers, progress: Callable[[], None]
) -> Deployment:
    """Send the stream, file by file, and look at the upstream's counters after each."""
    unstamped = _labels(model, stream.clean)
    plain = unstamped.copy()
    poisoned = np.flatnonzero(stream.poisoned).tolist()
    if poisoned:
        plain[poisoned] = _labels(model, [stream.sent[at] for at in poisoned])
    pids = workers(servers.gateway_pid)
    with (
        httpx.Client(base_url=servers.upstream, timeout=60) as upstream,
        httpx.Client(base_url=servers.gateway, timeout=300) as gateway,
    ):
        before = upstream.get("/stats").json()
        preparation, cpu_s = before["inferences"], sum(map(cpu_seconds, pids))
        answered: list[Answered] = []
        settled: Shown | None = None
        for body in stream.sent:
            started = time.perf_counter()
            answer = _predict(gateway, body)
            seconds = time.perf_counter() - started
            after = upstream.get("/stats").json()
            answered.append(_answered(answer, before, after, seconds))
            before = after
            if answered[-1].flagged and not _has_settled(settled):
                settled = _most_hit(gateway)
            progress()
        return Deployment(
            stream=stream,
            unstamped=unstamped,
            plain=plain,
            answered=answered,
            triggers=len(_triggers(gateway)),
            settled=settled if _has_settled(settled) else _most_hit(gateway),
            preparation=preparation,
            cpu_s=sum(map(cpu_seconds, pids)) - cpu_s,
            rss=max(map(rss_bytes, pids)),
        )


def _labels(model: PhotoModel, bodies: Sequence[bytes]) -> NDArray[np.int64]:
    parts = [pixels(bodies[i : i + AT_ONCE]) for i in range(0, len(bodies), AT_ONCE)]
    return np.concatenate([model.classifier.scores(part).argmax(axis=1) for part in parts])


def _predict(gateway: httpx.Client, body: bytes) -> httpx.Response:
    content = "image/png" if body.startswith(PNG) else "image/jpeg"
    return gateway.post("/predict", content=body, headers={"Content-Type": content})


def _answered(
    answer: httpx.Response, before: dict[str, int], after: dict[str, int], seconds: float
) -> Answered:
    told: dict[str, Any] = answer.json() if answer.is_success else {}
    return Answered(
        status=answer.status_code,
        answer=told["prediction"]["index"] if told else None,
        flagged=told.get("backdoor", False),
        screening=told.get("screening"),
        inferences=after["inferences"] - before["inferences"],
        rounds=after["rounds"] - before["rounds"],
        seconds=seconds,
    )


def _has_settled(shown: Shown | None) -> bool:
    return shown is not None and shown.hits >= SETTLED_HITS


def _most_hit(gateway: httpx.Client) -> Shown | None:
    triggers = _triggers(gateway)
    if not triggers:
        return None
    most = max(triggers, key=lambda one: int(one["hits"]))
    picture = gateway.get(most["image"]).raise_for_status().content
    box = Box(**most["box"])
    own = np.zeros((SIDE, SIDE), bool)
    own[box.rows, box.columns] = np.asarray(Pillow.open(io.BytesIO(picture)))[..., 3] >= 128
    return Shown(most["hits"], box, own)


def _triggers(gateway: httpx.Client) -> list[dict[str, Any]]:
    triggers: list[dict[str, Any]] = gateway.get("/trigger").raise_for_status().json()["triggers"]
    return triggers
