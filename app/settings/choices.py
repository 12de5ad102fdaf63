"""The settings that choose one of a few words."""

from __future__ import annotations

import enum


class Protocol(enum.StrEnum):
    """How the upstream is spoken to."""

    OIP = "oip"
    """The Open Inference Protocol, version 2."""


class Layout(enum.StrEnum):
    """The order of the axes of the model's input."""

    NHWC = "NHWC"
    NCHW = "NCHW"


class Strategy(enum.StrEnum):
    """How images are screened."""

    FULL = "full"
    """Everything: triggers that act on every class, and those that act on some only."""
    FAST = "fast"
    """Triggers that act on every class, for about half the probes."""
    PAPER = "paper"
    """NEO's algorithms by the book."""
    OFF = "off"
    """A plain proxy."""


class SearchMode(enum.StrEnum):
    """What happens to the search after the first trigger."""

    CONTINUE = "continue"
    STOP = "stop"
    """The paper's way: from then on only the known trigger is looked for."""


class FailurePolicy(enum.StrEnum):
    """What becomes of an image that could not be screened to the end."""

    CLOSED = "closed"
    """It is refused."""
    OPEN = "open"
    """It gets the upstream's prediction, marked as incomplete."""
