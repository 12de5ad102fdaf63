"""Every error that what is outside may raise.

The errors::

    PortError
    ├── ArrivalError                 a caller's tensor isn't one that the model takes
    │   └── SelectionError             it selects what can't be passed on, or can't be screened
    │       └── UnknownVersionError      the server has no such version of the model
    ├── UpstreamError                the classifier gave no usable answer
    │   ├── UpstreamUnreachableError   no connection, or it broke
    │   ├── UpstreamTimeoutError       no answer in time
    │   ├── UpstreamBusyError          too many images wait for it already
    │   ├── UpstreamOpenError          it was out of reach lately: the circuit breaker is open
    │   ├── UpstreamStatusError        an error status (``status``), with the server's own words
    │   └── UpstreamAnswerError        an answer that is malformed: length, shape, type, NaN, HTML
    │       └── OtherModelError        it has other classes than before: another model is there
    ├── OnnxError                    a file isn't a classifier of images that can be asked
    └── LibraryError                 the trigger library can't do this now
        ├── StoreAwayError             the store can't be reached, or was never read
        ├── StoreDeniedError           the store knows no such user, or doesn't let it do that
        ├── UnknownTriggerError        no trigger has this id
        ├── UnwritableError            the store can be read, and takes nothing new
        └── OtherTypeError             what is under a key of ours is of another type
"""

from __future__ import annotations

from typing import ClassVar, Final

INPUT: Final = "NEO_INPUT_SIZE, NEO_INPUT_LAYOUT, NEO_INPUT_DATATYPE, NEO_OUTPUTS"
DISLIKES: Final = frozenset({400, 415, 422, 424, 500})
"""Statuses of servers that don't like the tensor: some fail at it, rather than refuse it."""

ASKED_BY: Final = "NEO_UPSTREAM_PROTOCOL, NEO_UPSTREAM_URL, NEO_OUTPUTS"
CREDENTIALS: Final = "NEO_UPSTREAM_TOKEN, NEO_UPSTREAM_HEADERS"
PLACE: Final = "NEO_UPSTREAM_URL, NEO_UPSTREAM_PROTOCOL, NEO_MODEL"
MENDS: Final = {
    **dict.fromkeys((401, 403), CREDENTIALS),
    **dict.fromkeys((301, 302, 303, 307, 308, 404, 405), PLACE),
    504: "NEO_UPSTREAM_MAX_BATCH, or how long a proxy before the server waits",
    413: "NEO_UPSTREAM_MAX_BODY, or the server's own limit if one image is too large for it",
}
"""Where to look, by the status of an answer."""


class PortError(Exception):
    """Something outside failed; the message is fit for the owner's eyes and names no secret.

    ``mend`` is where whoever runs the gateway may look, None where the message says it.
    """

    quotes: ClassVar[bool] = True
    """Whether the message may quote words from outside, which no log gets."""

    @property
    def mend(self) -> str | None:
        """The settings that may be wrong."""
        return None

    @property
    def explained(self) -> str:
        """The message, and where to look."""
        return _with_mend(str(self), self.mend)

    @property
    def summary(self) -> str | None:
        """What a log may quote of the message; None where that is nothing."""
        return None if self.quotes else self.explained


class ArrivalError(PortError):
    """A caller's tensor isn't one that the model takes; the message is fit for the caller."""


class SelectionError(ArrivalError):
    """A request selects what the server doesn't know, or what images can't be screened on."""


class UnknownVersionError(SelectionError):
    """The server has no such version of the model."""


class UpstreamError(PortError):
    """The classifier gave no usable answer; ``retry_after_s``: when it may, if that is known."""

    retry_after_s: float | None = None


class UpstreamUnreachableError(UpstreamError):
    """No connection to the classifier, or the connection broke."""

    quotes = False

    @property
    def mend(self) -> str:
        """The address."""
        return "NEO_UPSTREAM_URL"


class UpstreamTimeoutError(UpstreamError):
    """The classifier didn't answer in time."""

    quotes = False

    @property
    def mend(self) -> str:
        """How long it has, and for how much."""
        return "NEO_PATIENCE, NEO_UPSTREAM_MAX_BATCH"


class UpstreamBusyError(UpstreamError):
    """More images wait for the classifier than it could answer soon; nothing was sent."""

    quotes = False


class UpstreamOpenError(UpstreamError):
    """The classifier was out of reach lately and is tried again later; nothing was sent.

    *summary* is the message without the server's words, None if it has none.
    """

    def __init__(self, message: str, retry_after_s: float, summary: str | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self._summary = summary

    @property
    def summary(self) -> str:
        """The message without the server's words."""
        return self._summary or str(self)


class UpstreamStatusError(UpstreamError):
    """The classifier answered with an error status, to a request of ``body_bytes``."""

    def __init__(
        self,
        status: int,
        message: str,
        retry_after_s: float | None = None,
        body_bytes: int = 0,
    ) -> None:
        super().__init__(f"the upstream answered {status}: {message}")
        self.status = status
        self.retry_after_s = retry_after_s
        self.body_bytes = body_bytes

    @property
    def mend(self) -> str | None:
        """What such a status is mostly about."""
        if self.body_bytes and self.status in DISLIKES:
            return INPUT
        return MENDS.get(self.status)

    @property
    def summary(self) -> str:
        """The status, without the server's words."""
        return _with_mend(f"the upstream answered {self.status}", self.mend)


class UpstreamAnswerError(UpstreamError):
    """The classifier's answer is malformed, so none of it is used.

    *quoted* are the parts of the message that are words of the server's: no log gets these.
    """

    def __init__(self, message: str, *quoted: str) -> None:
        super().__init__(message)
        self._quoted = quoted

    @property
    def mend(self) -> str | None:
        """What a server is asked by, where the message names no setting itself."""
        return None if "NEO_" in str(self) else ASKED_BY

    @property
    def summary(self) -> str:
        """The message without the server's words."""
        told = str(self)
        for words in filter(None, self._quoted):
            told = told.replace(words, "…")
        return _with_mend(told, self.mend)


class OtherModelError(UpstreamAnswerError):
    """The answer has other classes than those before: another model is there."""

    @property
    def mend(self) -> None:
        """Nothing: it is waited for what becomes of it."""
        return


class OnnxError(PortError):
    """The file can't be used as a classifier: its path, what is wrong, and what to do."""


class LibraryError(PortError):
    """The trigger library can't do this now."""


class StoreAwayError(LibraryError):
    """The store can't be reached, or was never read; its client's words are in the message."""

    @property
    def mend(self) -> str:
        """The address."""
        return "NEO_REDIS_URL"

    @property
    def summary(self) -> str:
        """What it is, without the client's words."""
        return _with_mend("Redis can't be reached or read", self.mend)


class StoreDeniedError(LibraryError):
    """The store doesn't let the gateway in, or do what it needs; the message is all our own."""

    quotes = False


class UnknownTriggerError(LibraryError):
    """No trigger has this id."""


class UnwritableError(LibraryError):
    """The store can be read, and takes nothing new; the message is all our own."""

    quotes = False


class OtherTypeError(LibraryError):
    """What is under a key of ours in the store is of another type."""

    quotes = False


def _with_mend(message: str, mend: str | None) -> str:
    return message if mend is None or mend in message else f"{message} (see {mend})"
