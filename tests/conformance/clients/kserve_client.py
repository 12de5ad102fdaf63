"""KServe's own REST client, v1 and v2: asks as it is told, prints what it got as JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import TYPE_CHECKING, Any

import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput

if TYPE_CHECKING:
    from numpy.typing import NDArray


async def main() -> None:
    """Look at the server and at the model, then send the images once for each request."""
    parser = argparse.ArgumentParser()
    parser.add_argument("protocol", choices=["v1", "v2"])
    parser.add_argument("url")
    parser.add_argument("model")
    parser.add_argument("images", help="a .npy file")
    parser.add_argument("requests", type=json.loads)
    arguments = parser.parse_args()
    url, model, images = arguments.url, arguments.model, np.load(arguments.images)
    async with InferenceRESTClient(RESTConfig(protocol=arguments.protocol)) as client:
        seen: dict[str, Any] = {"model_ready": await client.is_model_ready(url, model)}
        seen["live"] = await is_live(client, url)
        if arguments.protocol == "v1":
            answers = [await client.infer(url, {"instances": images.tolist()}, model)]
        else:
            seen["ready"] = await client.is_server_ready(url)
            seen["other_ready"] = await client.is_model_ready(url, "no-such-model")
            answers = [
                await infer(client, url, model, images, request) for request in arguments.requests
            ]
    print(json.dumps(seen | {"answers": answers}))  # noqa: T201  # the test reads it


async def is_live(client: InferenceRESTClient, url: str) -> bool:
    """Tell if the server lives; one whose answer isn't JSON doesn't, to this client."""
    try:
        return bool(await client.is_server_live(url))
    except ValueError:
        return False


async def infer(
    client: InferenceRESTClient,
    url: str,
    model: str,
    images: NDArray[np.float32],
    request: dict[str, Any],
) -> dict[str, Any]:
    """Send the images once; return every output, its values in hex.

    *request* has ``binary`` (else they go as JSON) and, where some are named, ``outputs``.
    """
    tensor = InferInput("image", list(images.shape), "FP32")
    tensor.set_data_from_numpy(images, binary_data=request["binary"])
    named = [RequestedOutput(**output) for output in request.get("outputs", [])]
    call = InferRequest(model, [tensor], "7", request_outputs=named)
    response = await client.infer(url, call, model)
    return {
        "id": response.id,
        "model": response.model_name,
        "outputs": {
            output.name: [output.datatype, output.shape, output.as_numpy().tobytes().hex()]
            for output in response.outputs
        },
    }


if __name__ == "__main__":
    asyncio.run(main())
