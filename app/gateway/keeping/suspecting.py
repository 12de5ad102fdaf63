"""What may be a trigger in an image: noted, and told of when other images prove it one."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app import metrics
from app.detection.defence import Verdict
from app.detection.suspect import Kept
from app.gateway.policy import prediction
from app.incidents import Said
from app.suspects import Source

if TYPE_CHECKING:
    from app.detection.defence import Finding
    from app.detection.search import Answers
    from app.gateway.keeping.recording import Recorder
    from app.gateway.keeping.telling import Teller
    from app.gateway.visit import Visit
    from app.suspects import Noted, Suspects

logger = logging.getLogger(__name__)

DIGESTED_AT_ONCE: Final = 65_536
"""Bytes whose digest takes a tenth of a millisecond; that of more is made in a thread."""


class Watch:
    """Keeps what images have made likely in *suspects*, and lists the images of what is proven."""

    def __init__(
        self, suspects: Suspects, teller: Teller | None = None, recorder: Recorder | None = None
    ) -> None:
        self.suspects = suspects
        self._teller = teller
        self._recorder = recorder
        self._tasks: set[asyncio.Task[None]] = set()
        self._kept_of: tuple[Noted, ...] = ()  # every image asks
        self._kept: tuple[Kept, ...] = ()

    def of(self, visit: Visit, caller: str) -> Lookout:
        """Return what looks at the image of *visit*, which is one of *caller*."""
        return Lookout(self, visit, caller)

    def kept(self) -> tuple[Kept, ...]:
        """Return the suspects as the core knows them, those seen last first."""
        entries = self.suspects.entries()
        if self._kept_of is not entries:
            self._kept_of = entries
            self._kept = tuple(Kept(one.id, one.suspect, one.caller) for one in entries)
        return self._kept

    async def close(self) -> None:
        """Wait until what was noted is kept."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    def note(self, finding: Finding, visit: Visit, caller: str) -> None:
        """Keep what *finding* says that the image may carry; count what it shows again."""
        self._see(finding.suspects_seen, visit, caller)
        if not finding.suspects:
            return
        metrics.SUSPECTS_NOTED.inc(len(finding.suspects))
        if visit.size <= DIGESTED_AT_ONCE:
            self._keep(finding, visit, visit.sha256, caller)
            return

        async def keep() -> None:
            try:
                digest = await asyncio.to_thread(lambda: visit.sha256)
                self._keep(finding, visit, digest, caller)
            except Exception:  # a fault of ours must not end unheard
                logger.exception("what may be a trigger was not noted")

        task = asyncio.create_task(keep())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _see(self, ids: tuple[str, ...], visit: Visit, caller: str) -> None:
        for was in self.suspects.see(ids, caller):
            if was.seen == 1 and self._teller is not None:
                self._teller.suspected(was, visit.request)

    def _keep(self, finding: Finding, visit: Visit, digest: str, caller: str) -> None:
        if finding.said is None:
            return
        said = said_of(finding.said)
        for one in finding.suspects:
            instead = said if one.source is None else Said(one.source, None)
            request = visit.request
            source = Source(
                request.request_id,
                request.key,
                said,
                instead,
                digest,
                visit.size,
                flagged=finding.verdict is not Verdict.CLEAR,
            )
            self.suspects.note([one], source, caller)
        metrics.SUSPECTS.set(len(self.suspects.entries()))

    def callers(self, finding: Finding, caller: str) -> frozenset[str]:
        """Return whose images have proven what was found, *caller*'s among them."""
        proof = [one for one in self.suspects.entries() if one.id in finding.proven_by]
        return frozenset({caller}).union(*(one.callers for one in proof))

    def proven(self, finding: Finding, trigger_id: str, *, alone: bool) -> None:
        """List the images of the suspects that have become this trigger; forget these.

        Not where one caller is *alone* with them: then another one's image is still to be compared.
        """
        proof = [one for one in self.suspects.entries() if one.id in finding.proven_by]
        if not proof:
            return
        metrics.SUSPECTS_PROVEN.inc()
        if not alone:
            self.suspects.forget(one.id for one in proof)
            metrics.SUSPECTS.set(len(self.suspects.entries()))
        if self._recorder is not None:
            images = {one.source.sha256: one for one in proof}
            for one in images.values():
                if not one.source.flagged:  # else there is an incident of it
                    self._recorder.answered_before(one, trigger_id)

    def settle(self, finding: Finding) -> None:
        """Forget the suspects that have shown others a trigger that was known of one caller."""
        self.suspects.forget(finding.proven_by)


@dataclass(frozen=True, eq=False)
class Lookout:
    """What looks at one image: ``watch``, for the image of ``visit``, of ``caller``."""

    watch: Watch
    visit: Visit
    caller: str

    def kept(self) -> tuple[Kept, ...]:
        """Return what the image is compared with."""
        return self.watch.kept()

    def note(self, finding: Finding) -> None:
        """Keep what *finding*, of an image without a trigger, says that it may carry."""
        self.watch.note(finding, self.visit, self.caller)

    def is_alone(self, finding: Finding) -> bool:
        """Say if nobody but this caller has shown what was found; unknown callers are several."""
        return bool(
            self.caller
            and finding.proven_by
            and self.watch.callers(finding, self.caller) == {self.caller}
        )

    def proven(self, finding: Finding, trigger_id: str, *, new: bool) -> None:
        """List the images that have proven a trigger, if it is *new*."""
        if new:
            self.watch.proven(finding, trigger_id, alone=self.is_alone(finding))
        elif not self.is_alone(finding):
            self.watch.settle(finding)


def said_of(answers: Answers) -> Said:
    """Return the first of *answers*, as it is listed."""
    said = prediction(answers)
    return Said(said.index, said.score)
