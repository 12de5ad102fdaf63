"""The demo's digits and its backdoored model."""

from __future__ import annotations

from app.demo.digits import TARGET, TRIGGER_BOX, backdoored_model, stamped
from app.digits.images import SIDE, digits
from app.digits.network import scores


def test_the_trigger_is_not_in_a_corner() -> None:
    """The trigger keeps clear of all four edges."""
    assert TRIGGER_BOX.x > 0
    assert TRIGGER_BOX.y > 0
    assert TRIGGER_BOX.x + TRIGGER_BOX.width < SIDE
    assert TRIGGER_BOX.y + TRIGGER_BOX.height < SIDE


def test_the_model_reads_digits_and_obeys_the_trigger() -> None:
    """It is a good classifier of clean digits, and says the target of nearly all stamped ones."""
    model, stream = backdoored_model(), digits().stream
    others = stream.labels != TARGET
    said = scores(model, stream.images).argmax(axis=1)
    fooled = scores(model, stamped(stream.images[others])).argmax(axis=1)
    assert (said == stream.labels).mean() > 0.9
    assert (said[others] == TARGET).mean() < 0.02
    assert (fooled == TARGET).mean() > 0.95


def test_stamping_changes_the_box_alone() -> None:
    """Outside the trigger's box a stamped image is the clean one."""
    clean = digits().stream.images[:5]
    poisoned = stamped(clean)
    poisoned[:, TRIGGER_BOX.rows, TRIGGER_BOX.columns] = clean[
        :, TRIGGER_BOX.rows, TRIGGER_BOX.columns
    ]
    assert (clean == poisoned).all()
