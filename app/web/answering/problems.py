"""From error to answer: one table, and `application/problem+json` (RFC 9457) for everything.

But for the drop-in endpoints, whose clients read ``{"error": "…"}``: the protocols' own form.
"""

from __future__ import annotations

import logging
import math
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from app.gateway.admission.rates import KeyRateExceededError, TotalRateExceededError
from app.gateway.outcome import LockedOutError, UnscreenedError
from app.logs import told
from app.metrics import REFUSED, known
from app.pictures.decoding import (
    PictureTooLargeError,
    UnreadablePictureError,
    UnsupportedFormatError,
)
from app.ports import (
    ArrivalError,
    LibraryError,
    SelectionError,
    UnknownTriggerError,
    UnknownVersionError,
    UpstreamBusyError,
    UpstreamError,
    UpstreamOpenError,
    UpstreamTimeoutError,
    UpstreamUnreachableError,
)
from app.web.answering.listeners import TooManyListenersError
from app.web.answering.request_ids import HEADER, request_id
from app.web.guarding.forms import ForeignFormError
from app.web.guarding.keys import NotAdminError, UnknownKeyError
from app.web.intake.bodies import BodyTooLargeError, OverloadedError
from app.web.intake.contents import EncodingError, UnknownEncodingError
from app.web.intake.model_names import UnknownModelError
from app.web.intake.parameters import ParameterError
from app.web.intake.pixels import DecodingBusyError
from app.web.intake.uploads import UploadError, UploadTypeError
from app.wire.fields import WireError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI

_LOG = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
DROP_IN = ("/v1/", "/v2")
"""Paths whose errors have the inference protocols' own form."""


@dataclass(frozen=True)
class Problem:
    """What went wrong (RFC 9457): ``title`` is the kind, ``detail`` this occurrence."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str


@dataclass(frozen=True)
class Kind:
    """How one class of errors is answered."""

    status: int
    name: str
    title: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def type(self) -> str:
        """The problem's type, a name for programs."""
        return f"urn:neo-gateway:{self.name}"


_SOON = {"Retry-After": "5"}
_PACKINGS = {"Accept-Encoding": "gzip, deflate"}
_KEY_WANTED = {"WWW-Authenticate": "Bearer"}

KINDS: dict[type[Exception], Kind] = {
    ClientDisconnect: Kind(400, "incomplete-request", "The request ended early"),
    ParameterError: Kind(400, "bad-parameter", "A parameter can't be used"),
    UnknownKeyError: Kind(401, "unknown-key", "A valid key is needed", _KEY_WANTED),
    NotAdminError: Kind(403, "not-admin", "An admin key is needed"),
    ForeignFormError: Kind(403, "foreign-form", "Only a page of the gateway may ask for this"),
    UnknownTriggerError: Kind(404, "unknown-trigger", "There is no such trigger"),
    BodyTooLargeError: Kind(413, "body-too-large", "The body is too large"),
    UploadTypeError: Kind(415, "unsupported-content-type", "This content type is not taken"),
    UnsupportedFormatError: Kind(415, "unsupported-format", "This picture format is not taken"),
    ArrivalError: Kind(400, "not-the-models-input", "The model doesn't take this tensor"),
    SelectionError: Kind(400, "unscreenable", "What the request selects can't be screened"),
    UnknownEncodingError: Kind(
        415, "unsupported-encoding", "This content encoding is not taken", _PACKINGS
    ),
    EncodingError: Kind(400, "bad-encoding", "The body can't be unpacked"),
    UnknownVersionError: Kind(404, "unknown-model", "There is no such model"),
    UnknownModelError: Kind(404, "unknown-model", "There is no such model"),
    WireError: Kind(400, "bad-tensor", "The request doesn't fit the protocol"),
    UploadError: Kind(422, "invalid-upload", "There is no picture in the request"),
    PictureTooLargeError: Kind(422, "too-many-pixels", "The picture has too many pixels"),
    UnreadablePictureError: Kind(422, "unreadable-picture", "The picture can't be read"),
    KeyRateExceededError: Kind(429, "key-rate", "This key has asked for too much"),
    LockedOutError: Kind(429, "locked-out", "Pictures like this one are refused for a while"),
    TotalRateExceededError: Kind(503, "total-rate", "All callers together have asked for too much"),
    UpstreamError: Kind(502, "upstream-error", "The model gave no usable answer"),
    UpstreamUnreachableError: Kind(502, "upstream-unreachable", "The model is out of reach"),
    UpstreamBusyError: Kind(503, "overloaded", "The model has too much to do", _SOON),
    UpstreamOpenError: Kind(503, "upstream-open", "The model is out of reach for now", _SOON),
    UpstreamTimeoutError: Kind(504, "upstream-timeout", "The model didn't answer in time"),
    LibraryError: Kind(503, "library-unavailable", "The trigger library is out of reach", _SOON),
    OverloadedError: Kind(503, "overloaded", "The gateway has too much to do", _SOON),
    TooManyListenersError: Kind(503, "too-many-listeners", "Too many hear the events", _SOON),
    DecodingBusyError: Kind(503, "decoding-busy", "The picture took too long to decode", _SOON),
    UnscreenedError: Kind(503, "unscreened", "The picture could not be screened", _SOON),
}
"""The answer for each class of errors, and for those below it that have none of their own."""

known(REFUSED, *{kind.name: None for kind in KINDS.values()})
known(REFUSED, "bad-request", "not-found", "method-not-allowed", "unexpected")


def register_problems(app: FastAPI) -> None:
    """Make *app* answer every error as a problem."""
    for error in KINDS:
        app.add_exception_handler(error, _answer_known)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(RequestValidationError, _answer_nowhere)
    app.add_exception_handler(Exception, _answer_unexpected)


def problem_response(
    problem: Problem, headers: Mapping[str, str] | None = None, **extensions: object
) -> Response:
    """Return *problem* as a response, with further members of its own."""
    body = orjson.dumps(asdict(problem) | extensions)
    return Response(body, problem.status, headers, MEDIA_TYPE)


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what the OpenAPI document says of a route that answers problems of *statuses*."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    known: dict[int | str, str] = {s: HTTPStatus(s).phrase for s in statuses}
    descriptions = known | {"default": "Any other error"}
    return {key: {"description": text, "content": content} for key, text in descriptions.items()}


async def answered(request: Request, error: Exception) -> Response:
    """Return the answer to *error*, whatever it is, as the application would."""
    if any(cls in KINDS for cls in type(error).__mro__):
        return await _answer_known(request, error)
    if isinstance(error, HTTPException):
        return await _answer_http(request, error)
    return await _answer_unexpected(request, error)


async def _answer_known(request: Request, error: Exception) -> Response:
    kind = next(KINDS[cls] for cls in type(error).__mro__ if cls in KINDS)
    problem = Problem(kind.type, kind.title, kind.status, str(error), request_id(request))
    return _answer(request, problem, kind.name, {**kind.headers, **_retry_after(error)})


def _retry_after(error: Exception) -> dict[str, str]:
    """Return the header for an *error* that knows itself when it is worth another try."""
    seconds: float | None = getattr(error, "retry_after_s", None)
    return {} if seconds is None else {"Retry-After": str(max(math.ceil(seconds), 1))}


async def _answer_http(request: Request, error: Exception) -> Response:
    """Answer what the framework found wrong: no such path, not this method."""
    if not isinstance(error, HTTPException):
        raise error
    title = HTTPStatus(error.status_code).phrase
    headers = error.headers
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = {"Allow": _allowed(request, error)}
    problem = Problem("about:blank", title, error.status_code, error.detail, request_id(request))
    return _answer(request, problem, title.lower().replace(" ", "-"), headers)


async def _answer_nowhere(request: Request, _: Exception) -> Response:
    """Answer a path with a word in it that is none of those there: nothing else is validated."""
    return await _answer_http(request, HTTPException(HTTPStatus.NOT_FOUND))


def _allowed(request: Request, error: HTTPException) -> str:
    """Return the methods of the path that the request has met.

    The framework names those of one route, and each method here is a route of its own.
    """
    app: FastAPI = request.app
    route = request.scope.get("route")
    told = app.openapi()["paths"].get(getattr(route, "path", None))
    if not told:  # pages say it themselves, the mounted files say nothing
        told = (error.headers or {}).get("Allow", "GET").split(", ")
    methods = {method.upper() for method in told}
    return ", ".join(sorted(methods | {"HEAD"} if "GET" in methods else methods))


async def _answer_unexpected(request: Request, error: Exception) -> Response:
    """Answer a defect of ours without a word about it; the log has it, under the request's id."""
    _LOG.error("request %s failed: %s", request_id(request), told(error))
    detail = "Something went wrong in the gateway; its log has it under this request_id."
    problem = Problem("about:blank", "Internal Server Error", 500, detail, request_id(request))
    # This answer is sent outside all middleware, so it must bring the header itself.
    return _answer(request, problem, "unexpected", {HEADER: request_id(request)})


def _answer(
    request: Request, problem: Problem, name: str, headers: Mapping[str, str] | None
) -> Response:
    """Return *problem* in the form that clients of the request's path read; count it by *name*."""
    REFUSED.labels(name).inc()
    if not request.scope["path"].startswith(DROP_IN):
        return problem_response(problem, headers)
    body = orjson.dumps({"error": problem.detail})
    return Response(body, problem.status, headers, "application/json")
