"""Whether this worker can do its job now, part by part."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """One thing that the gateway needs, and why it isn't there if it isn't.

    ``needed`` is False for a part that the gateway can go on without for a while (the store).
    """

    name: str
    problem: str | None
    needed: bool = True


@dataclass(frozen=True)
class Readiness:
    """All parts: the upstream, the calibration of the references, the store."""

    parts: tuple[Part, ...]

    @property
    def ready(self) -> bool:
        """Whether requests can be answered."""
        return not any(part.problem and part.needed for part in self.parts)

    @property
    def degraded(self) -> bool:
        """Whether something is missing that the gateway can go on without."""
        return self.ready and any(part.problem for part in self.parts)
