"""Values that each request makes: made quickly, and else as frozen dataclasses are."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import pytest

from app.values import value_class


@value_class(frozen=True)
class Place:
    """A value."""

    x: int
    y: int = 0


@dataclass(frozen=True)
class Usual:
    """The same as a frozen dataclass."""

    x: int
    y: int = 0


@pytest.mark.parametrize("cls", [Place, Usual])
def test_a_value_is_what_a_frozen_dataclass_is(cls: type[Place | Usual]) -> None:
    """It is equal to its like, a key, changed by making another one, and copied."""
    one = cls(1, 2)
    assert {cls(1, 2): "found"}[one] == "found"
    assert cls(3, 2) == replace(one, x=3)
    assert one == copy.deepcopy(one)
    assert f"{cls.__name__}(x=1, y=2)" == repr(one)


def test_a_value_has_its_fields_alone() -> None:
    """A field that it hasn't got can't be set by a slip."""
    with pytest.raises(AttributeError):
        object.__setattr__(Place(1), "z", 3)
