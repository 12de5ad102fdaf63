"""Class names that a server answers with, to indices and back."""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, Final

from app.ports import UpstreamAnswerError

if TYPE_CHECKING:
    from collections.abc import Sequence

_NUMBERED: Final = re.compile(r"(?:LABEL_|class_)?(\d{1,9})", re.IGNORECASE)
"""A name that says its own index; LABEL_7 is what transformers call a class without a name."""

INDICES: Final = 2**31
REMEMBERED: Final = 100_000
"""Names that are kept: more are no classes, but something else that the server says."""


class ClassNames:
    """The names of the classes, either all *given* by the owner in the order of their indices.

    Or as they come: a name that holds no number gets an index made from its letters, so that it is
    the same in every worker and after every restart.
    """

    def __init__(self, given: Sequence[str] = ()) -> None:
        self._indices = {name: index for index, name in enumerate(given)}
        self._names: dict[int, str] = {}
        self.count = len(given) or None
        """How many classes there are, where they are given."""

    def __copy__(self) -> ClassNames:
        """Return what knows the same names, and learns others on its own."""
        twin = ClassNames(tuple(self._indices))
        twin._names = dict(self._names)
        return twin

    def index(self, name: str) -> int:
        """Return the index of the class *name*. Raises UpstreamAnswerError if it can't be one."""
        if self._indices:
            index = self._indices.get(name, _own_index(name))
            if index is None or index >= len(self._indices):
                shown = repr(name[:80])
                message = f"the upstream answers the class {shown}, which NEO_LABELS has not"
                raise UpstreamAnswerError(message, shown)
            return index
        index = _own_index(name)
        if index is None:
            index = zlib.crc32(name.encode(errors="replace")) % INDICES
        if self._names.setdefault(index, name) != name or len(self._names) > REMEMBERED:
            shown = repr(name[:80])
            message = f"the upstream's class names ({shown}) can't be told apart: set NEO_LABELS"
            raise UpstreamAnswerError(message, shown)
        return index

    def name(self, index: int) -> str | None:
        """Return the name that the server has used for the class *index*, None if it hasn't yet."""
        return self._names.get(index)


def _own_index(name: str) -> int | None:
    found = _NUMBERED.fullmatch(name)
    return int(found[1]) if found else None
