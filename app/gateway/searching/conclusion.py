"""What follows from a search: the answer to give, and what the library learns."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from app.detection.defence import Finding, Known, Verdict
from app.detection.search import Answers
from app.detection.trigger import Trigger
from app.gateway.outcome import Outcome, Screening
from app.gateway.outputs import sanitised_outputs
from app.gateway.policy import prediction, unfinished
from app.logs import told
from app.metrics.hits import TRIGGER_HITS
from app.ports import UpstreamError

if TYPE_CHECKING:
    from app.detection.search import Image
    from app.gateway.searching.driving import Driven
    from app.gateway.searching.examination import Examiner

logger = logging.getLogger(__name__)


async def concluded(
    image: Image, driven: Driven[Finding], examiner: Examiner, *, screened: bool
) -> Outcome:
    """Return the answer for *image*; keep what its examination has shown.

    Raises UnscreenedError if the defence couldn't be finished and the policy lets nothing through,
    and LockedOutError whatever the policy is.
    """
    library, policy = examiner.library, examiner.policy
    match driven.result:
        case Finding(verdict=Verdict.CLEAR, said=Answers() as said, suspicious=True):
            _note(driven.result, examiner)
            outcome = _unflagged(said, Screening.SUSPICIOUS, driven)
            examiner.teller.suspicious(outcome, examiner.request)
            return outcome
        case Finding(verdict=Verdict.CLEAR, said=Answers() as said):
            _note(driven.result, examiner)
            return _unflagged(said, Screening.CLEAR if screened else Screening.PASSED, driven)
        case Finding(
            verdict=Verdict.KNOWN,
            said=Answers() as said,
            sanitised=Answers() as sanitised,
            known=Known(id=trigger_id),
            place=place,
            terms=terms,
        ):
            state = Screening.KNOWN_TRIGGER
        case Finding(
            verdict=Verdict.DISCOVERED,
            said=Answers() as said,
            sanitised=Answers() as sanitised,
            trigger=Trigger() as trigger,
        ):
            if not await _is_everybodys(trigger, examiner):
                finding = Finding(Verdict.UNDECIDED, said, None, exposed=True)
                return unfinished(finding, examiner.entries(), policy, driven.probes)
            before = {entry.id for entry in library.entries()}
            lookout = examiner.lookout
            alone = lookout is not None and lookout.is_alone(driven.result)
            entry = await library.register(trigger, examiner.caller, alone=alone)
            if entry.dismissed:
                return _unflagged(said, Screening.CLEAR, driven)
            known = entry.id in before  # found again, where its pixels didn't tell
            state = Screening.KNOWN_TRIGGER if known else Screening.DISCOVERED
            if known:
                examiner.learner.found_again(entry.id, trigger, examiner.prepared)
            else:
                examiner.teller.discovered(entry.id, entry.trigger, examiner.request)
            trigger_id, place, terms = entry.id, trigger.box, trigger.evidence.terms
            if lookout is not None:
                lookout.proven(driven.result, trigger_id, new=not known)
        case finding:
            return _undecided(finding, driven, examiner)
    TRIGGER_HITS.inc(trigger_id)
    prepared, caller = examiner.prepared, examiner.caller
    _keep(driven.result, examiner)
    await examiner.learner.hit(trigger_id, image, place, prepared, caller)
    outcome = Outcome(
        prediction(sanitised),
        prediction(said),
        state,
        trigger_id,
        driven.probes,
        partial(sanitised_outputs, said, sanitised),
        terms,
    )
    listed = examiner.flagged(outcome, late=driven.goes_on)
    examiner.teller.flagged(outcome, examiner.request, listed=listed)
    return outcome


def _undecided(finding: Finding, driven: Driven[Finding], examiner: Examiner) -> Outcome:
    """Return the answer of the failure policy. Raises as `concluded` does."""
    if finding.locked and examiner.lockout is not None:
        raise examiner.lockout.refused(finding, examiner.request)
    _keep_picture(finding, examiner)  # it may carry a known one that couldn't be hidden
    why = "no answer" if driven.cut_off is None else told(driven.cut_off)
    extra = {"request_id": examiner.request.request_id}
    logger.warning("an image was not screened to the end: %s", why, extra=extra)
    return unfinished(finding, examiner.entries(), examiner.policy, driven.probes, driven.cut_off)


def _keep(finding: Finding, examiner: Examiner) -> None:
    """Keep what was flagged, and what it shows of a trigger in all of it beside the one found."""
    _keep_picture(finding, examiner)
    if finding.suspects:
        _note(finding, examiner)


def _keep_picture(finding: Finding, examiner: Examiner) -> None:
    if examiner.lockout is not None:
        examiner.lockout.keep(finding, examiner.request, examiner.caller)


def _note(finding: Finding, examiner: Examiner) -> None:
    if examiner.lookout is not None and not examiner.selected:
        examiner.lookout.note(finding)


async def _is_everybodys(trigger: Trigger, examiner: Examiner) -> bool:
    try:
        return await examiner.is_everybodys(trigger)
    except UpstreamError:  # as long as it isn't known it isn't
        return False


def _unflagged(said: Answers, state: Screening, driven: Driven[Finding]) -> Outcome:
    answer = prediction(said)
    return Outcome(
        answer, answer, state, None, driven.probes, partial(sanitised_outputs, said, said)
    )
