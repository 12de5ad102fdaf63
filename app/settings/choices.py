"""The settings that choose one of a few words."""

from __future__ import annotations

import enum
from typing import Self


class Choice(enum.StrEnum):
    """One of a few words, written in capitals or not."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        written = str(value).lower()
        return next((one for one in cls if one.value.lower() == written), None)


class Protocol(Choice):
    """How the upstream is spoken to."""

    OIP = "oip"
    """The Open Inference Protocol, version 2."""
    INSTANCES = "instances"
    """`instances` and `predictions`: KServe v1, TensorFlow Serving, Vertex, MLflow."""
    IMAGE = "image"
    """One picture file a request: Hugging Face, SageMaker, TorchServe, BentoML."""


class LogLevel(Choice):
    """How grave a line of the log is at least."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(Choice):
    """How a line of the log is written."""

    TEXT = "text"
    JSON = "json"


class WebhookFormat(Choice):
    """What events are posted as."""

    CLOUDEVENTS = "cloudevents"
    """CloudEvents 1.0, structured JSON."""
    SLACK = "slack"
    """A text, as Slack's incoming webhooks take it."""


class Layout(Choice):
    """The order of the axes of the model's input."""

    NHWC = "NHWC"
    NCHW = "NCHW"
    NHW = "NHW"
    """Grey, without an axis for its channel."""
    FLAT = "FLAT"
    """All values in one row, the channels last."""


class Resize(Choice):
    """How a picture of another size is made to fit the model's input."""

    STRETCH = "stretch"
    """To the model's size, whatever the ratio of its sides becomes."""
    CROP = "crop"
    """Its shorter side fits; what the longer one has too much is cut off, half at each end."""
    PAD = "pad"
    """Its longer side fits; black is laid at both sides of it."""


class Strategy(Choice):
    """How images are screened."""

    FULL = "full"
    """Everything: triggers that act on every class, and those that act on some only."""
    FAST = "fast"
    """Triggers that act on every class, for about half the probes."""
    PAPER = "paper"
    """NEO's algorithms by the book."""
    OFF = "off"
    """A plain proxy."""


class Mode(Choice):
    """Whether answers are changed."""

    ENFORCE = "enforce"
    """What carries a trigger is corrected; what can't be screened is the failure policy's."""
    MONITOR = "monitor"
    """Every answer is the upstream's own. What `enforce` would have done is told and counted."""


class SecondOpinion(Choice):
    """What becomes of images that may carry a trigger without a place."""

    OFF = "off"
    """They aren't looked for."""
    FLAG = "flag"
    """They are called suspicious; their answers stay."""


class SearchMode(Choice):
    """What happens to the search after the first trigger."""

    CONTINUE = "continue"
    STOP = "stop"
    """The paper's way: from then on only the known trigger is looked for."""


class FailurePolicy(Choice):
    """What becomes of an image that could not be screened to the end."""

    CLOSED = "closed"
    """It is refused."""
    OPEN = "open"
    """It gets the upstream's prediction, marked as incomplete."""
