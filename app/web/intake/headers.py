"""A request's headers, each found at once."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from fastapi import Request
from starlette.datastructures import Headers

if TYPE_CHECKING:
    from collections.abc import MutableMapping


class FoundHeaders(Headers):
    """Headers that are looked up several times; Starlette's own goes through all of them each time.

    Of several of one name it is the first, as there.
    """

    def __init__(self, scope: MutableMapping[str, Any]) -> None:
        super().__init__(scope=scope)
        self._first = dict(reversed(self._list))

    def __getitem__(self, key: str) -> str:
        """Return the value of the header *key*, in whatever case. Raises KeyError."""
        return self._first[key.lower().encode("latin-1")].decode("latin-1")

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401  # as of any mapping
        """Return the same, or *default*."""
        value = self._first.get(key.lower().encode("latin-1"))
        return default if value is None else value.decode("latin-1")


class FoundRequest(Request):
    """A request with such headers."""

    @cached_property
    def headers(self) -> Headers:
        """Its headers."""
        return FoundHeaders(self.scope)
