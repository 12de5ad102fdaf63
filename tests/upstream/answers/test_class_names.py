"""Class names to indices and back."""

from __future__ import annotations

import pytest

from app.ports import UpstreamAnswerError
from app.upstream.answers import class_names
from app.upstream.answers.class_names import ClassNames


def test_given_names() -> None:
    """Names that the owner has given are indices in their order."""
    names = ClassNames(("cat", "dog"))
    assert ([1, 0, 1], 2) == ([names.index(name) for name in ("dog", "cat", "1")], names.count)


@pytest.mark.parametrize("name", ["owl", "2", "LABEL_2", ""])
def test_class_that_is_not_given(name: str) -> None:
    """Another name is another model's: an error that names the setting."""
    with pytest.raises(UpstreamAnswerError, match="NEO_LABELS has not"):
        ClassNames(("cat", "dog")).index(name)


@pytest.mark.parametrize("name", ["7", "LABEL_7", "class_7", "label_7"])
def test_name_that_says_its_index(name: str) -> None:
    """A name that holds the index is that index."""
    names = ClassNames()
    assert 7 == names.index(name)
    assert name == names.name(7)


def test_index_is_the_same_everywhere() -> None:
    """Two workers that hear names in another order agree on their indices."""
    one, other = ClassNames(), ClassNames()
    heard = [one.index(name) for name in ("cat", "dog", "Frühling")]
    assert heard == [other.index(name) for name in ("Frühling", "dog", "cat")][::-1]
    assert 3 == len(set(heard))
    assert ["cat", None] == [other.name(heard[0]), other.name(5)]


def test_names_that_collide() -> None:
    """Two names of one index can't be told apart: nothing is guessed."""
    names = ClassNames()
    names.index("LABEL_7")
    with pytest.raises(UpstreamAnswerError, match="set NEO_LABELS"):
        names.index("7")


def test_names_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has ever new names is no list of classes, and doesn't fill the memory."""
    monkeypatch.setattr(class_names, "REMEMBERED", 3)
    names = ClassNames()
    for name in ("a", "b", "c"):
        names.index(name)
    with pytest.raises(UpstreamAnswerError, match="set NEO_LABELS"):
        names.index("d")
