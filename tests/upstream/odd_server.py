"""A model server with the quirks that public reports tell of, spoken to over HTTP."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from app.wire.reading import HEADER_LENGTH, read
from tests.served_apps import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from starlette.requests import Request


def first_pixels(images: NDArray[Any]) -> NDArray[Any]:
    """Score each image by its first three numbers: an answer that is nobody else's."""
    return images.reshape(len(images), -1)[:, :3].astype(np.float32)


def answered(scores: NDArray[Any]) -> dict[str, Any]:
    """Return *scores* as an answer of the Open Inference Protocol."""
    told = {"name": "y", "datatype": "FP32", "shape": scores.shape}
    return {"outputs": [{**told, "data": scores.ravel().tolist()}]}


UNDESCRIBED = {"/v2/models/digits": {"name": "digits"}}


@dataclass
class OddServer:
    """A server of both protocols.

    It says ``say`` of the scores that ``predict`` gives, and answers ``refuse`` where that has a
    status for a request (its images, its bytes). Under other paths it has ``pages``, and ``posted``
    for a POST that is no inference. With ``any_body`` it doesn't read what it is sent. ``sizes``
    are those of the requests that came, refused ones too, ``asked`` their JSON without images, and
    ``paths`` where they came to. What is ``away`` is a 503.
    """

    predict: Callable[[NDArray[Any]], NDArray[Any]] = first_pixels
    say: Callable[[NDArray[Any]], Any] = answered
    refuse: Callable[[NDArray[Any], int], int | None] = lambda _, __: None
    pages: dict[str, Any] = field(default_factory=lambda: dict(UNDESCRIBED))
    any_body: bool = False
    posted: dict[str, Any] = field(default_factory=dict)
    sizes: list[int] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    away: frozenset[str] = frozenset()

    async def handle(self, request: Request) -> Response:
        """Answer one request."""
        path = request.url.path
        if path in self.away:
            return _json({"error": "not now"}, 503)
        if request.method == "GET":
            page = self.pages.get(path, {} if path.endswith("ready") else None)
            return _json(
                {"error": "not found"} if page is None else page, 404 if page is None else 200
            )
        if path in self.posted:
            return _json(self.posted[path])
        body = await request.body()
        if self.any_body:
            return _json(self.say(np.zeros(0)))
        images, fields = _read(body, request.headers.get(HEADER_LENGTH))
        self.sizes.append(len(images))
        self.asked.append(fields)
        self.paths.append(path)
        status = self.refuse(images, len(body))
        if status is not None:
            return _json({"error": "word of the server's"}, status)
        return _json(self.say(self.predict(images)))


@contextmanager
def odd(server: OddServer) -> Iterator[str]:
    """Run *server*; give its base URL."""
    routes = [Route("/{path:path}", server.handle, methods=["GET", "POST"])]
    with running(Starlette(routes=routes)) as url:
        yield url


def described(*shape: int, datatype: str = "FP32", **more: Any) -> dict[str, Any]:
    """Return the pages of a server that describes the model ``digits``, whose input is *shape*."""
    tensor = {"name": "x", "datatype": datatype, "shape": shape}
    return {
        "/v2": {"name": "odd", "extensions": ["model_configuration"]},
        "/v2/models/digits": {"name": "digits", "inputs": [tensor], **more},
    }


def _read(body: bytes, header_length: str | None) -> tuple[NDArray[Any], dict[str, Any]]:
    if b'"instances"' in body:
        fields = orjson.loads(body)
        return np.array(fields.pop("instances")), fields
    received = read(body, header_length)
    (tensor,) = received.tensors("inputs")
    fields = {key: value for key, value in received.fields.items() if key not in {"id", "outputs"}}
    fields["inputs"] = {**tensor.parameters}
    return tensor.values(), fields


def _json(value: Any, status: int = 200) -> Response:
    body = (
        value
        if isinstance(value, bytes)
        else orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
    )
    return Response(body, status, media_type="application/json")
