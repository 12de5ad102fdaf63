"""What is sent to make the gateway remember what it shouldn't, and what came of it.

Stated outcomes:

- A universal adversarial patch is an attack input, whoever made it: one that acts on most images is
  treated as a trigger, flagged and corrected. It makes one entry or few. Of those that act on a
  third or a half of the images few are found; what they change is answered as the model says it.
- An image on the border between two classes may be flagged (a false alarm, counted here). What is
  taken for a trigger by mistake is an entry like any other: it is looked for in each image, so it
  corrects none that doesn't carry it, and without hits of three images it expires after a day.
- The same image gets the same verdict again: chance depends on the image and a secret. Each time
  counts as a hit of the trigger that it carries, as of an attack that goes on; so who sends an
  image again and again keeps its entry for as long. That costs the others probes, and no answer.
- An entry that nothing real has led to, planted by who can write to Redis, is looked for as the
  others are: a few change no clean answer, a library full of them does (measured here) and makes
  images cost more. So Redis takes a password, and nobody else may write to it.
- Different patches that act, each sent but once, are entries of which only the place is known.
  Until the third hit makes their pixels exact, a clean digit in a thousand is taken for one.
- The library holds ``CAPACITY`` entries at most, and one image costs ``AT_MOST`` probes at most.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from app.detection.geometry import Box
from app.detection.trigger import Blocker, Fill
from app.digits.images import SIDE, digits
from app.gateway.outcome import UnscreenedError
from app.gateway.visit import Visit
from app.ports import Arrival
from tests.poisoning.victim import labels_of
from tests.tiny import tiny_trigger

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from app.detection.search import Image, Images
    from app.detection.trigger import Trigger
    from app.gateway.outcome import Outcome
    from tests.poisoning.victim import Victim

PIECE = 6
REFUSED = "refused"


@dataclass(eq=False)
class Came:
    """What came of a stream: of so many ``images``, by the words of `Outcome.screening`.

    ``changed`` counts answers that are not what the model says of the image without its trigger,
    ``alarms`` the numbers of the images that were flagged; ``probes`` are of each image.
    """

    images: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    changed: int = 0
    alarms: list[int] = field(default_factory=list)
    probes: list[int] = field(default_factory=list)
    outcomes: list[tuple[str, int | None, str | None]] = field(default_factory=list)


async def send(
    victim: Victim,
    images: Images,
    right: NDArray[np.int64],
    progress: Callable[[], None] = lambda: None,
) -> Came:
    """Send *images*, one after the other, whose *right* answers these are."""
    came = Came()
    for number, (image, truth) in enumerate(zip(images, right.tolist(), strict=True)):
        outcome = await _outcome(victim, image)
        came.images += 1
        verdict = REFUSED if outcome is None else str(outcome.screening)
        came.verdicts[verdict] += 1
        if outcome is not None:
            came.probes.append(outcome.probes)
            came.changed += outcome.prediction.index != truth
            if outcome.backdoor:
                came.alarms.append(number)
            said = (verdict, outcome.prediction.index, outcome.trigger_id)
            came.outcomes.append(said)
        else:
            came.outcomes.append((verdict, None, None))
        progress()
    return came


async def send_clean(victim: Victim, n: int) -> Came:
    """Send the same *n* clean digits as ever."""
    images = digits().stream.images[:n]
    return await send(victim, images, labels_of(victim.learnt, images))


def again(image: Image, n: int) -> Images:
    """Return *image* (h, w, channels) *n* times."""
    return np.broadcast_to(image, (n, *image.shape))


async def plant(victim: Victim, n: int, seed: int) -> None:
    """Put *n* triggers into the library that are none: pieces of clean digits, one each.

    As only who can write to Redis could: no request does that, and their evidence is a lie.
    """
    rng, images = np.random.default_rng(seed), digits().stream.images
    labels = labels_of(victim.learnt, images)
    while len(victim.library.entries()) < n:
        index, (x, y) = rng.integers(len(images)), rng.integers(SIDE - PIECE, size=2)
        box = Box(int(x), int(y), PIECE, PIECE)
        await victim.library.register(_piece(images[index], int(labels[index]), box))


def _piece(image: Image, target: int, box: Box) -> Trigger:
    return replace(
        tiny_trigger(channels=1),
        target=target,
        box=box,
        patch=image[box.rows, box.columns],
        blocker=Blocker(box, Fill.RING),
        image_height=SIDE,
        image_width=SIDE,
    )


async def _outcome(victim: Victim, image: Image) -> Outcome | None:
    """Return what the gateway makes of *image*, None if it refuses to answer."""
    try:
        return await victim.gateway.predict(Visit(Arrival(image)))
    except UnscreenedError:
        return None
