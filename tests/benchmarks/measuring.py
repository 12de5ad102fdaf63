"""One stream through one gateway over HTTP, by a client that knows nothing, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np

from app.detection.geometry import Box
from app.pictures.encoding import png

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from tests.benchmarks.servers import Servers
    from tests.benchmarks.zoo import Stream, ZooModel


@dataclass(frozen=True)
class Result:
    """One run. Rates are shares; inferences are counted at the upstream, the image's own included.

    ``first_flagged``: the first poisoned image was. ``agreement``: final predictions that equal the
    model's own on the images without trigger. ``inferences_searching``: for the clean images before
    the first discovery, after which `paper` searches no more. ``overlap``: of the first trigger's
    box with the true one, intersection over union. ``preparation``: before the first image.
    """

    model: str
    strategy: str
    seed: int
    tpr: float | None
    fpr: float
    agreement: float
    first_flagged: bool | None
    inferences_clean: float
    inferences_clean_p95: float
    inferences_searching: float
    inferences_known: float | None
    discovery: int | None
    round_trips_clean: float
    preparation: int
    triggers: int
    overlap: float | None


@dataclass(frozen=True, eq=False)
class Run:
    """What is measured: a strategy in front of a model, on one stream."""

    model: ZooModel
    strategy: str
    seed: int
    stream: Stream


@dataclass(frozen=True)
class _Sent:
    label: int
    flagged: bool
    screening: str
    inferences: int
    rounds: int


def measure(run: Run, servers: Servers, progress: Callable[[], None]) -> Result:
    """Send the stream, image by image, and look at the upstream's counters after each."""
    right = np.concatenate(
        [run.model.scores(part).argmax(axis=1) for part in np.array_split(run.stream.clean, 10)]
    )
    with (
        httpx.Client(base_url=servers.upstream, timeout=60) as upstream,
        httpx.Client(base_url=servers.gateway, timeout=300) as gateway,
    ):
        before = upstream.get("/stats").json()
        preparation = before["inferences"]
        sent = []
        for image in run.stream.images:
            answer = _predict(gateway, png(image))
            after = upstream.get("/stats").json()
            sent.append(_sent(answer, before, after))
            before = after
            progress()
        triggers = gateway.get("/trigger").raise_for_status().json()["triggers"]
    return _result(run, sent, right, triggers, preparation)


def _predict(gateway: httpx.Client, body: bytes) -> dict[str, Any]:
    answer: dict[str, Any] = (
        gateway.post("/predict", content=body, headers={"Content-Type": "image/png"})
        .raise_for_status()
        .json()
    )
    return answer


def _sent(answer: dict[str, Any], before: dict[str, int], after: dict[str, int]) -> _Sent:
    return _Sent(
        label=answer["prediction"]["index"],
        flagged=answer["backdoor"],
        screening=answer["screening"],
        inferences=after["inferences"] - before["inferences"],
        rounds=after["rounds"] - before["rounds"],
    )


def _result(
    run: Run,
    sent: Sequence[_Sent],
    right: NDArray[np.int64],
    triggers: Sequence[dict[str, Any]],
    preparation: int,
) -> Result:
    poisoned = run.stream.poisoned
    flagged = np.array([one.flagged for one in sent])
    inferences = np.array([one.inferences for one in sent])
    known = np.array([one.screening == "known-trigger" for one in sent])
    found = [i for i, one in enumerate(sent) if one.screening == "discovered"]
    before = slice(found[0] if found else len(sent))
    searching = inferences[before][~poisoned[before]]
    return Result(
        model=run.model.name,
        strategy=run.strategy,
        seed=run.seed,
        tpr=float(flagged[poisoned].mean()) if poisoned.any() else None,
        fpr=float(flagged[~poisoned].mean()),
        agreement=float((np.array([one.label for one in sent]) == right).mean()),
        first_flagged=bool(flagged[poisoned][0]) if poisoned.any() else None,
        inferences_clean=float(inferences[~poisoned].mean()),
        inferences_clean_p95=float(np.percentile(inferences[~poisoned], 95)),
        inferences_searching=float(searching.mean()) if len(searching) else 0.0,
        inferences_known=float(inferences[known].mean()) if known.any() else None,
        discovery=sent[found[0]].inferences if found else None,
        round_trips_clean=float(np.array([one.rounds for one in sent])[~poisoned].mean()),
        preparation=preparation,
        triggers=len(triggers),
        overlap=_overlap(run.model, triggers),
    )


def _overlap(model: ZooModel, triggers: Sequence[dict[str, Any]]) -> float | None:
    true = model.trigger()
    if true is None or not triggers:
        return None
    return Box(**triggers[-1]["box"]).overlap(true.box)  # they come newest first
