"""What an image with a known trigger teaches: a hit, and in the end the trigger's own pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.detection.recognising.reconstruction import reconstruct, sample
from app.ports import UnknownTriggerError
from app.settings import Strategy

if TYPE_CHECKING:
    from app.detection.reference_set.references import References
    from app.detection.search import Image
    from app.ports import TriggerLibrary


async def learn_hit(
    trigger_id: str,
    image: Image,
    references: References,
    library: TriggerLibrary,
    strategy: Strategy,
) -> None:
    """Count the hit; once enough have been seen, make the trigger's pixels exact.

    The paper's triggers stay as they are: it stores a position and searches no further.
    """
    try:
        trigger = library.entry(trigger_id).trigger
    except UnknownTriggerError:  # a full library has given it up in the meantime
        return
    if strategy is Strategy.PAPER or trigger.mask is not None:
        await library.hit(trigger_id, image[trigger.box.rows, trigger.box.columns])
        return
    samples = await library.hit(trigger_id, sample(image, trigger))
    exact = reconstruct(trigger, samples, references)
    if exact is not None:
        await library.refine(trigger_id, exact)
