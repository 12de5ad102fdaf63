"""What is known of a screen while it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.detection.defence import Defence, Finding, Known, Progress, Verdict
from app.detection.screening import screen
from app.detection.search import Probe, Purpose, advance, refuse
from tests.detection.scenes import Scene, scene
from tests.tiny import TARGET, stamped, tiny_trigger

if TYPE_CHECKING:
    from app.detection.search import Image

KNOWN = Known("t-1", tiny_trigger())


def looks(its: Scene, image: Image, defence: Defence) -> list[tuple[Purpose, Progress]]:
    """Screen *image*; return what each probe was for, and what was known when it was asked."""
    progress, seen = Progress(), []
    search = screen(image, defence, progress)
    step = advance(search)
    while isinstance(step, Probe):
        seen.append((step.purpose, Progress(progress.said, progress.exposed, progress.suspicious)))
        step = advance(search, step, its.predict(step.images))
    return seen


def test_a_discovery_is_suspicious_once_it_confirms() -> None:
    """The first probes of any image say nothing; from the first confirmation on one is expected."""
    its = scene()
    seen = looks(its, stamped(its.others(TARGET)[:1])[0], its.defence())
    suspicious = [progress.suspicious for _, progress in seen]
    first = [purpose for purpose, _ in seen].index(Purpose.CONFIRM)
    assert first >= 1
    assert [False] * first + [True] * (len(seen) - first) == suspicious


def test_a_known_trigger_is_no_suspicion() -> None:
    """Whatever a known trigger is confirmed by, nothing new is on its track."""
    its = scene()
    seen = looks(its, stamped(its.others(TARGET)[:1])[0], its.defence([KNOWN]))
    assert not any(progress.suspicious for _, progress in seen)


@pytest.mark.parametrize("known", [(), (KNOWN,)])
def test_what_is_concluded_meanwhile_is_what_a_refusal_concludes(known: tuple[Known, ...]) -> None:
    """At every probe the progress says what the search itself would if it were refused there."""
    its = scene()
    image = its.others(TARGET)[0] if known else stamped(its.others(TARGET)[:1])[0]
    for after in range(4):
        progress = Progress()
        search = screen(image, its.defence(known), progress)
        step = advance(search)
        for _ in range(after):
            if isinstance(step, Probe):
                step = advance(search, step, its.predict(step.images))
        if not isinstance(step, Probe):
            break
        meanwhile = progress.undecided
        assert _told(meanwhile) == _told(refuse(search))
        assert Verdict.UNDECIDED is meanwhile.verdict


def _told(finding: Finding) -> tuple[Verdict, int | None, bool]:
    said = None if finding.said is None else int(finding.said.labels[0])
    return finding.verdict, said, finding.exposed
