"""The demo's stream: real digits, a tenth of them with the trigger, and what came back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from app.demo.digits import TARGET, stamped
from app.digits.images import digits
from app.pictures.encoding import png

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from app.detection.search import Image

LENGTH, POISONED = 200, 20
SEED = 1


@dataclass(frozen=True, eq=False)
class Item:
    """One image of the stream (28, 28, 1), its true class, and whether it has the trigger on it."""

    image: Image
    label: int
    poisoned: bool


@dataclass(frozen=True)
class Reply:
    """What the gateway said of one item."""

    label: int
    poisoned: bool
    prediction: int
    upstream: int
    flagged: bool
    probes: int


def stream() -> list[Item]:
    """Return the images in a fixed random order; none is poisoned that is the target already."""
    rng = np.random.default_rng(SEED)
    pool = digits().stream
    chosen = rng.permutation(len(pool.images))[:LENGTH]
    images, labels = pool.images[chosen].copy(), pool.labels[chosen]
    poisoned = rng.permutation(np.flatnonzero(labels != TARGET))[:POISONED]
    images[poisoned] = stamped(images[poisoned])
    has_trigger = np.isin(np.arange(LENGTH), poisoned)
    return [
        Item(image, int(label), bool(bad))
        for image, label, bad in zip(images, labels, has_trigger, strict=True)
    ]


def replies(items: list[Item], gateway: httpx.Client) -> Iterator[Reply]:
    """Send the items to the gateway, one after the other. Raises httpx.HTTPError."""
    for item in items:
        response = gateway.post(
            "/predict", content=png(item.image), headers={"Content-Type": "image/png"}
        )
        answer: dict[str, Any] = response.raise_for_status().json()
        yield Reply(
            item.label,
            item.poisoned,
            answer["prediction"]["index"],
            answer["upstream_prediction"]["index"],
            answer["backdoor"],
            answer["probes"],
        )


@dataclass(frozen=True)
class Summary:
    """The stream in figures.

    ``fooled`` counts the poisoned images for which the model itself answered the attacker's class,
    and ``corrected`` those of them that the gateway answered rightly. The probes are means over
    images, with the image itself, before and after the first trigger was found.
    """

    caught: int
    missed: int
    false_alarms: int
    clean: int
    fooled: int
    corrected: int
    probes_before: float
    probes_after: float
    first_caught: bool


def summary(said: list[Reply]) -> Summary:
    """Count what came back; there is at least one poisoned image."""
    poisoned = [reply for reply in said if reply.poisoned]
    clean = [reply for reply in said if not reply.poisoned]
    found = next((i for i, reply in enumerate(said) if reply.flagged), len(said))
    fooled = [reply for reply in poisoned if reply.upstream == TARGET]
    return Summary(
        caught=sum(reply.flagged for reply in poisoned),
        missed=sum(not reply.flagged for reply in poisoned),
        false_alarms=sum(reply.flagged for reply in clean),
        clean=len(clean),
        fooled=len(fooled),
        corrected=sum(reply.prediction == reply.label for reply in fooled),
        probes_before=_mean([reply.probes for reply in said[:found]]),
        probes_after=_mean([reply.probes for reply in said[found + 1 :]]),
        first_caught=poisoned[0].flagged,
    )


def _mean(numbers: list[int]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0.0
