"""Where a request's time goes: spans for OpenTelemetry (the extra `otel`).

They are made only where OTEL_… variables say whither they go (`exporting`); else a span costs half
a microsecond. A span has names and counts of ours, and of an error its class: nothing that
a caller or the upstream has said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    Attribute: TypeAlias = str | bool | int | float
    Note: TypeAlias = Callable[..., None]
    """Adds attributes to its span."""


class Spans(Protocol):
    """What makes spans."""

    def span(self, name: str, attributes: Mapping[str, Attribute]) -> AbstractContextManager[Note]:
        """Return a span below the one that is current."""
        ...

    def asked(self, name: str, headers: Mapping[str, str]) -> AbstractContextManager[Note]:
        """Return the span of a request with these *headers*, below the caller's own if it says."""
        ...

    def onward(self) -> Mapping[str, str]:
        """Return the headers that tell a server which span it is asked in."""
        ...


class _Off:
    """No span; one for all."""

    def __enter__(self) -> Note:
        return _ignore

    def __exit__(self, *_: object) -> None:
        pass


def _ignore(**_: Attribute) -> None:
    pass


_OFF = _Off()
_spans: Spans | None = None


def use(spans: Spans | None) -> None:
    """Make spans by these from now on, or none."""
    global _spans  # noqa: PLW0603  # it is the process's own, as its log and its metrics are
    _spans = spans


def is_on() -> bool:
    """Say if spans are made."""
    return _spans is not None


def span(name: str, **attributes: Attribute) -> AbstractContextManager[Note]:
    """Return a span for the block; what it yields adds attributes."""
    return _OFF if _spans is None else _spans.span(name, attributes)


def asked(name: str, headers: Mapping[str, str]) -> AbstractContextManager[Note]:
    """Return the span of a request, below the one that its ``traceparent`` names."""
    return _OFF if _spans is None else _spans.asked(name, headers)


def onward() -> Mapping[str, str]:
    """Return the headers for a server that is asked now; none while no spans are made."""
    return {} if _spans is None else _spans.onward()
