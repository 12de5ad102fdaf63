"""The settings that are one of a few words."""

from __future__ import annotations

import pytest

from app.settings import FailurePolicy, Layout, Protocol, Resize, SearchMode, Strategy


@pytest.mark.parametrize("kind", [FailurePolicy, Layout, Protocol, Resize, SearchMode, Strategy])
def test_case(kind: type[Layout]) -> None:
    """A word is the same in capitals and in small letters; another one is none of them."""
    for one in kind:
        assert [one, one] == [kind(one.value.upper()), kind(one.value.lower())]
    with pytest.raises(ValueError, match="'other' is not a valid"):
        kind("other")
