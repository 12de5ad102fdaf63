"""A client of /v2, as tests ask it and read its answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from app.wire.reading import HEADER_LENGTH, read
from app.wire.writing import Message, Written, write
from tests.web.drop_in import NAME

if TYPE_CHECKING:
    import httpx
    from numpy.typing import NDArray

INFER = f"/v2/models/{NAME}/infer"


def asked(images: NDArray[Any], *, binary: bool = False, **more: Any) -> Message:
    """Write an infer request for *images*."""
    tensor = Written("input", np.ascontiguousarray(images, np.float32), binary)
    return write(more, "inputs", [tensor])


async def infer(client: httpx.AsyncClient, message: Message, **headers: str) -> httpx.Response:
    """Send an infer request."""
    content = b"".join(message.parts)
    return await client.post(INFER, content=content, headers={**message.headers, **headers})


def tensors(response: httpx.Response) -> dict[str, NDArray[Any]]:
    """Return the outputs in *response*."""
    assert 200 == response.status_code, response.text
    received = read(response.content, response.headers.get(HEADER_LENGTH))
    return {tensor.spec.name: tensor.values() for tensor in received.tensors("outputs")}
