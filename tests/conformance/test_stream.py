"""The same stream through a gateway in front of each real model server: the same verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.demo.digits import TARGET, TRIGGER_BOX
from app.demo.show import LEAST_OVERLAP
from app.detection.geometry import Box

if TYPE_CHECKING:
    from tests.conformance.dialects import Dialect
    from tests.conformance.replies import Reply
    from tests.conformance.samples import Sample
    from tests.faults.service import Service


def test_a_clean_image_gets_the_models_own_answer(
    dialect: Dialect, stream: list[Sample], replies: list[Reply]
) -> None:
    """Labels and scores are those of the model, to the last bit, and none is flagged."""
    clean = [i for i, sample in enumerate(stream) if not sample.poisoned]
    expected = [(stream[i].label, stream[i].score if dialect.scored else None) for i in clean]
    assert expected == [(replies[i].label, replies[i].score) for i in clean]
    assert not [i for i in clean if replies[i].flagged]


def test_from_the_discovery_on_every_poisoned_image_is_flagged_and_corrected(
    stream: list[Sample], replies: list[Reply]
) -> None:
    """One of the first poisoned images reveals the trigger; all after it are known by it."""
    poisoned = [i for i, sample in enumerate(stream) if sample.poisoned]
    flagged = [i for i in poisoned if replies[i].flagged]
    assert flagged
    assert flagged == poisoned[-len(flagged) :]
    discovery, *later = flagged
    assert "discovered" == replies[discovery].screening
    assert {"known-trigger"} == {replies[i].screening for i in later}
    assert TARGET not in {replies[i].label for i in flagged}
    # In one of nine a sticker, or a loose first box, may hide what tells two classes apart.
    assert sum(not replies[i].is_corrected(stream[i]) for i in flagged) <= 1


def test_the_trigger_is_shown(replies: list[Reply], gateway: Service) -> None:
    """There is one trigger; its target is the true one, and its box lies on the true one."""
    assert replies
    (trigger,) = gateway.triggers()
    assert TARGET == trigger["target"]["index"]
    assert Box(**trigger["box"]).overlap(TRIGGER_BOX) >= LEAST_OVERLAP
