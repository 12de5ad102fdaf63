"""From what was seen of pictures to their results, and to what the scan knows then.

In one process, in the order of the pictures, at the end of a wave: so the same seed gives the same
results, however many processes have looked.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Protocol

from app.detection.defence import Verdict as Found
from app.detection.suspect import Kept
from app.gateway.outcome import Screening
from app.pictures.encoding import png
from app.scan.looking.tasks import Examined, Knowledge, Passed, Unusable
from app.scan.results import Result, Said, Verdict, unreadable
from app.scan.state.state import FOR_GOOD, Known

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from app.detection.geometry import Box
    from app.detection.search import Image
    from app.detection.trigger import Trigger
    from app.gateway.outcome import Prediction
    from app.ports import Entry, TriggerLibrary
    from app.scan.looking.tasks import Look

MOST_SUSPECTS: Final = 640
"""That are kept; then those go that are known longest."""

DIGITS: Final = 4
"""Of a score: a model's last digits depend on what else is in the batch."""


@dataclass
class Conclusions:
    """What a wave has shown: pictures by content, and examples (trigger, content, PNG)."""

    pictures: dict[str, Known] = field(default_factory=dict)
    examples: list[tuple[str, str, bytes]] = field(default_factory=list)


class Learning(Protocol):
    """What an image with a trigger teaches."""

    async def hit(self, trigger_id: str, image: Image, place: Box | None) -> None:
        """Learn from an image that carries it at *place*."""
        ...

    def found_again(self, trigger_id: str, found: Trigger) -> None:
        """Learn from what a search has *found* of a trigger that was known."""
        ...

    async def settle(self) -> None:
        """Wait until what has been learnt is in the library."""
        ...


class Concluder:
    """Concludes; what is learnt of triggers goes into *library*, by *learning*.

    It begins with what was *known*: the version, the suspects, and the placebo rates of all
    processes, which ``rates`` are. *name* returns the name of a class.
    """

    def __init__(
        self,
        library: TriggerLibrary,
        learning: Learning,
        known: Knowledge,
        name: Callable[[int], str | None],
    ) -> None:
        self.rates = dict(known.rates)
        self._library = library
        self._learning = learning
        self._name = name
        self._version = known.version
        self._suspects = known.suspects
        self._triggers = _triggers(library.entries())

    @property
    def knowledge(self) -> Knowledge:
        """What is known now."""
        return Knowledge(self._version, self._library.entries(), self.rates, self._suspects)

    async def conclude(
        self,
        looks: Sequence[tuple[str, Look]],
        known: Mapping[str, Known],
        *,
        screened: bool,
    ) -> Conclusions:
        """Return what follows from *looks*, by content, beside what was *known* of them."""
        version, conclusions = self._version, Conclusions()
        for content, look in looks:
            before = known.get(content)
            result, example = await self._result(look, before)
            final = result.verdict in {Verdict.BACKDOOR, Verdict.UNREADABLE}
            conclusions.pictures[content] = Known(
                result,
                screened=screened or final or (before is not None and before.screened),
                version=FOR_GOOD if final else version,
            )
            if example is not None:
                conclusions.examples.append((example[0], content, example[1]))
        await self._learning.settle()
        examined = [(content, look) for content, look in looks if isinstance(look, Examined)]
        self._forget({name for _, look in examined for name in look.proven_by})
        self._note_changes(_suspects(examined) if screened else ())
        return conclusions

    def _forget(self, proven: set[str]) -> None:
        self._suspects = tuple(one for one in self._suspects if one.id not in proven)

    async def _result(
        self, look: Look, before: Known | None
    ) -> tuple[Result, tuple[str, bytes] | None]:
        match look:
            case Unusable(reason):
                return unreadable(reason), None
            case Passed():
                passed = Result(Verdict.CLEAN, Screening.PASSED)
                return (passed if before is None else before.result), None
            case Examined(verdict=Found.KNOWN, known=str(trigger_id)):
                return await self._flagged(look, trigger_id, Screening.KNOWN_TRIGGER, before)
            case Examined(verdict=Found.DISCOVERED, trigger=trigger) if trigger is not None:
                before_it = {one.id for one in self._library.entries()}
                entry = await self._library.register(trigger)
                if entry.id in before_it:  # its pixels as they were known then didn't tell
                    self._learning.found_again(entry.id, trigger)
                return await self._flagged(look, entry.id, Screening.DISCOVERED, before)
            case Examined(verdict=Found.CLEAR):
                return self._clean(look, before), None
            case Examined():
                return self._incomplete(look, before), None

    async def _flagged(
        self, look: Examined, trigger_id: str, screening: Screening, before: Known | None
    ) -> tuple[Result, tuple[str, bytes]]:
        image = look.image
        assert image is not None  # noqa: S101  # whatever carries a trigger comes with its pixels
        await self._learning.hit(trigger_id, image, look.place)
        result = Result(
            Verdict.BACKDOOR,
            screening,
            self._said(look.said),
            self._said(look.sanitised),
            trigger_id,
            _evidence(look.place, look.trigger),
            look.inferences + _spent(before),
        )
        return result, (trigger_id, png(image, fast=True))

    def _clean(self, look: Examined, before: Known | None) -> Result:
        said = self._said(look.said)
        if before is not None:
            return replace(before.result, inferences=look.inferences + _spent(before))
        if look.suspicious:
            suspicious = Verdict.SUSPICIOUS, Screening.SUSPICIOUS
            return Result(*suspicious, said, said, inferences=look.inferences)
        screening = Screening.CLEAR if look.searched else Screening.PASSED
        return Result(Verdict.CLEAN, screening, said, said, inferences=look.inferences)

    def _incomplete(self, look: Examined, before: Known | None) -> Result:
        return Result(
            Verdict.INCOMPLETE,
            Screening.INCOMPLETE,
            self._said(look.said),
            inferences=look.inferences + _spent(before),
            reason=look.reason,
        )

    def _said(self, prediction: Prediction | None) -> Said | None:
        if prediction is None:
            return None
        score = None if prediction.score is None else round(prediction.score, DIGITS)
        return Said(prediction.index, self._name(prediction.index), score)

    def _note_changes(self, suspects: tuple[Kept, ...]) -> None:
        triggers = _triggers(self._library.entries())
        if triggers != self._triggers or suspects:
            self._triggers = triggers
            self._suspects = (*suspects, *self._suspects)[:MOST_SUSPECTS]
            self._version += 1


def _suspects(examined: Sequence[tuple[str, Examined]]) -> tuple[Kept, ...]:
    """Return what images, by content, have made likely; the last first."""
    return tuple(
        Kept(f"s-{content}-{i}", suspect)
        for content, look in reversed(examined)
        for i, suspect in enumerate(look.suspects)
    )


def _triggers(entries: Sequence[Entry]) -> list[tuple[str, Trigger]]:
    return [(entry.id, entry.trigger) for entry in entries]


def _spent(before: Known | None) -> int:
    return 0 if before is None else before.result.inferences


def _evidence(place: Box | None, trigger: Trigger | None) -> dict[str, object]:
    told: dict[str, object] = {}
    if place is not None:
        told["place"] = {
            "x": int(place.x),
            "y": int(place.y),
            "width": int(place.width),
            "height": int(place.height),
        }
    if trigger is not None:
        evidence = trigger.evidence
        told |= {
            "carried": int(evidence.carried),
            "transplants": int(evidence.transplants),
            "placebo_rate": round(float(evidence.placebo), DIGITS),
            "heal_rate": round(float(evidence.heal_rate), DIGITS),
        }
    return told
