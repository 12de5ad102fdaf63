"""A gateway that runs somewhere, as its clients see it."""

from __future__ import annotations

from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self

import httpx
import numpy as np

from app.detection.search import Answers
from app.pictures.encoding import png
from app.ports import NOBODY, UpstreamError
from app.remote_gateway.answers import (
    UnlikeGatewayError,
    parse_examples,
    parse_problem,
    parse_reply,
    parse_trigger,
    parse_triggers,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.detection.search import Image, Images
    from app.detection.trigger import Trigger
    from app.ports import Caller, InputSize
    from app.remote_gateway.answers import Reply

TIMEOUT_S = 120.0
"""How long one answer may take; the gateway's own patience ends sooner."""

REFUSED = frozenset({"urn:neo-gateway:unscreened", "urn:neo-gateway:locked-out"})
"""What an image is refused as, rather than let pass."""


class GatewayError(UpstreamError):
    """The gateway can't be used: its address, what is wrong, and what to do."""


class GatewayAwayError(GatewayError):
    """It can't answer now, and may later: out of reach, not ready, asked for too much."""


_LATER = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


class RunningGateway:
    """The gateway at *url*, whose model takes images of *size*; also the port `Model`.

    *key* is sent with each request: an admin key where the gateway has keys, since only that may
    read the triggers. Use it as an async context manager. Raises GatewayError.
    """

    def __init__(self, url: str, size: InputSize, key: str | None = None) -> None:
        self.size = size
        self._url = url
        try:
            self._http = httpx.AsyncClient(
                base_url=url,
                headers={"Prefer": "wait"} | ({"X-API-Key": key} if key else {}),
                timeout=TIMEOUT_S,
            )
        except (httpx.InvalidURL, ValueError) as exc:
            message = f"{url}: {exc}; --gateway takes an address such as http://127.0.0.1:8080"
            raise GatewayError(message) from exc

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def check(self) -> None:
        """Return if the gateway is ready and lets this client in. Raises GatewayError."""
        await self.check_ready()
        await self.triggers()

    async def check_ready(self) -> None:
        """Return if the gateway is there and ready. Raises GatewayError."""
        await self._get("/readyz")

    async def answer(self, images: Images, caller: Caller = NOBODY) -> Answers:  # noqa: ARG002
        """Return what the gateway's model itself says of *images*, without scores.

        The gateway screens them as any others, so they are not asked before the stream has ended.
        Raises GatewayError.
        """
        said = []
        for image in images:
            reply = await self.predict(image)
            if reply is None:
                message = f"{self._url}: it refuses to answer for an image"
                raise GatewayError(message)
            said.append(reply.said)
        return Answers(np.array(said, np.int64))

    async def predict(self, image: Image) -> Reply | None:
        """Return what comes back for *image*; None if the gateway refuses rather than let it pass.

        Raises GatewayError.
        """
        return await self.predict_file(png(image))

    async def predict_file(self, picture: bytes) -> Reply | None:
        """Return the same for the bytes of a picture file. Raises GatewayError."""
        response = await self._send(
            "POST",
            "/predict",
            content=picture,
            headers={"Content-Type": "application/octet-stream"},
        )
        if not response.is_success and parse_problem(response.content).type in REFUSED:
            return None
        with self._understanding(response):
            return parse_reply(response.content)

    async def triggers(self) -> dict[str, Trigger]:
        """Return the triggers that the gateway knows, by their ids. Raises GatewayError."""
        listed = await self._get("/trigger")
        with self._understanding(listed):
            told = parse_triggers(listed.content)
        found = {}
        for trigger_id, facts in told.items():
            picture = await self._get(f"/trigger/{trigger_id}.png")
            with self._understanding(picture):
                found[trigger_id] = parse_trigger(facts, picture.content, self.size.channels)
        return found

    async def examples(self, trigger_id: str) -> tuple[tuple[Image, Image, int, int], ...]:
        """Return the references with a trigger on that the gateway shows. Raises GatewayError."""
        packed = await self._get(f"/trigger/{trigger_id}/examples.zip")
        with self._understanding(packed):
            return parse_examples(packed.content, self.size)

    async def _get(self, path: str) -> httpx.Response:
        response = await self._send("GET", path)
        with self._understanding(response):
            return response

    async def _send(self, method: str, path: str, **content: Any) -> httpx.Response:
        try:
            return await self._http.request(method, path, **content)
        except httpx.HTTPError as exc:
            reason = str(exc) or type(exc).__name__
            message = f"{self._url}: the gateway doesn't answer ({reason}); does it run there?"
            raise GatewayAwayError(message) from exc

    @contextmanager
    def _understanding(self, response: httpx.Response) -> Iterator[None]:
        """Raise GatewayError if *response* is an error, or can't be read within the block."""
        if not response.is_success:
            message = f"{self._url}: {_reason(response)}"
            later = response.status_code in _LATER
            raise (GatewayAwayError if later else GatewayError)(message)
        try:
            yield
        except UnlikeGatewayError as exc:
            message = f"{self._url}: {exc}; is it a NEO Gateway?"
            raise GatewayError(message) from exc


def _reason(response: httpx.Response) -> str:
    detail = parse_problem(response.content).detail
    match response.status_code:
        case HTTPStatus.UNAUTHORIZED:
            return "it needs a key: --key KEY, one of NEO_ADMIN_KEYS"
        case HTTPStatus.FORBIDDEN:
            return "the key may not read the triggers: --key KEY, one of NEO_ADMIN_KEYS"
        case HTTPStatus.SERVICE_UNAVAILABLE:
            return f"the gateway isn't ready, try again later: {detail}"
        case status:
            return f"the gateway answered {status}: {detail}"
