"""What is proven of a mixture becomes the trigger; what is not sure of all doesn't hold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.detection.blended.estimating import Pattern
from app.detection.blended.mixture import Laid, Proof
from app.detection.evidence.weighing import SURE, VERY_SURE
from app.detection.geometry import Box
from app.detection.trigger import Fill, Kind, Sign, Term
from tests.blended import ALPHA, PICTURE
from tests.detection.blended.worlds import CLEAN
from tests.tiny import SIDE, TARGET

PLACE = Box(2, 3, 5, 4)
LAID = Laid(count=24, carried=22, placebo=0.25)
PROOF = Proof(
    pattern=Pattern(PICTURE[PLACE.rows, PLACE.columns], ALPHA),
    box=PLACE,
    target=TARGET,
    source=1,
    class_b=1,
    laid=LAID,
    heal_rate=0.9,
    terms=(LAID.term("it carries"), Term(Sign.BLOCKING, VERY_SURE, "it heals")),
    probes=151,
    draw=7,
)


def test_the_trigger_is_what_was_proven() -> None:
    """At its place, in images of that size, with all that was asked as its evidence."""
    trigger = PROOF.trigger(CLEAN[0])
    assert (TARGET, 1, PLACE, Kind.BLENDED) == (
        trigger.target,
        trigger.source,
        trigger.box,
        trigger.kind,
    )
    assert (SIDE, SIDE, ALPHA) == (trigger.image_height, trigger.image_width, trigger.alpha)
    assert PICTURE[PLACE.rows, PLACE.columns].tolist() == trigger.patch.tolist()
    assert (PLACE, Fill.REFERENCES) == (trigger.blocker.box, trigger.blocker.fill)
    evidence = trigger.evidence
    assert (22, 24, 0.25) == (evidence.carried, evidence.transplants, evidence.placebo)
    assert (0.9, 151, 7, 1) == (
        evidence.heal_rate,
        evidence.probes,
        evidence.seed,
        evidence.class_b,
    )
    assert PROOF.terms == evidence.terms
    assert evidence.necessary
    assert 0.25 == trigger.natural


def test_what_carries_is_worth_more_the_less_nature_does() -> None:
    """And nothing where nature carries as often."""
    rare, common, as_often = (
        replace(LAID, placebo=placebo).term("").weight for placebo in (0.0, 0.5, 22 / 24)
    )
    assert rare > common > as_often
    assert as_often < SURE


@pytest.mark.parametrize(
    ("carrying", "healing", "holds"),
    [
        (SURE, VERY_SURE - SURE, True),
        (SURE - 0.01, VERY_SURE, False),
        (SURE, VERY_SURE - SURE - 0.01, False),
    ],
    ids=["both", "it hardly carries", "they aren't enough together"],
)
def test_it_holds_only_if_it_carries_and_all_agrees(
    carrying: float, healing: float, *, holds: bool
) -> None:
    """No amount of healing stands for what isn't carried, nor carrying for all."""
    terms = (Term(Sign.CARRYING, carrying, ""), Term(Sign.BLOCKING, healing, ""))
    assert holds is replace(PROOF, terms=terms).holds
