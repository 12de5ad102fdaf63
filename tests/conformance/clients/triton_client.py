"""NVIDIA's tritonclient over HTTP, sync or aio: asks as it is told, prints what it got as JSON."""

from __future__ import annotations

import argparse
import asyncio
import inspect
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import tritonclient.http
import tritonclient.http.aio
from tritonclient.utils import InferenceServerException

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLIENTS = {"sync": tritonclient.http, "aio": tritonclient.http.aio}


async def main() -> None:
    """Look at the server and at the model, then send the images once for each request."""
    parser = argparse.ArgumentParser()
    parser.add_argument("client", choices=CLIENTS)
    parser.add_argument("address", help="host:port")
    parser.add_argument("model")
    parser.add_argument("images", help="a .npy file")
    parser.add_argument("requests", type=json.loads)
    arguments = parser.parse_args()
    library = CLIENTS[arguments.client]
    client = library.InferenceServerClient(arguments.address)
    images = np.load(arguments.images)
    seen = {
        "live": await done(client.is_server_live()),
        "ready": await done(client.is_server_ready()),
        "model_ready": await done(client.is_model_ready(arguments.model)),
        "other_ready": await done(client.is_model_ready("no-such-model")),
        "server": await done(client.get_server_metadata()),
        "model": await done(client.get_model_metadata(arguments.model)),
        "config": await done(client.get_model_config(arguments.model)),
        "unknown": await refusal(client.get_model_metadata, "no-such-model"),
        "answers": [
            await answer(library, client, arguments.model, images, request)
            for request in arguments.requests
        ],
    }
    print(json.dumps(seen))  # noqa: T201  # the test reads it
    await done(client.close())


async def answer(
    library: Any, client: Any, model: str, images: NDArray[np.float32], request: dict[str, Any]
) -> dict[str, Any]:
    """Send the images once; return every output, its values in hex.

    *request* has ``binary`` (else they go as JSON), ``outputs``, and more arguments of `infer`.
    """
    how: dict[str, Any] = {"binary": True, "outputs": []} | request
    tensor = library.InferInput("image", images.shape, "FP32")
    tensor.set_data_from_numpy(images, binary_data=how.pop("binary"))
    named = [library.InferRequestedOutput(**output) for output in how.pop("outputs")]
    result = await done(client.infer(model, [tensor], outputs=named, **how))
    response = result.get_response()
    return {
        "id": response.get("id"),
        "model": response["model_name"],
        "outputs": {
            output["name"]: [
                output["datatype"],
                output["shape"],
                words(result.as_numpy(output["name"])),
            ]
            for output in response["outputs"]
        },
    }


def words(values: NDArray[Any]) -> str:
    """Return the bytes of *values* in hex, or their text."""
    if values.dtype.kind in "OS":
        return " ".join(
            text.decode() if isinstance(text, bytes) else str(text) for text in values.flat
        )
    return values.tobytes().hex()


async def refusal(call: Any, *arguments: Any) -> str | None:
    """Return what the client says when *call* is refused."""
    try:
        await done(call(*arguments))
    except InferenceServerException as exc:
        return str(exc)
    return None


async def done(result: Any) -> Any:
    """Return *result*, waited for if it is the aio client's."""
    return await result if inspect.isawaitable(result) else result


if __name__ == "__main__":
    asyncio.run(main())
