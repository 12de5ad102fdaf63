"""The calls of Triton's own tools over HTTP, `image_client.py` and `perf_analyzer`.

It prints what they would go on with, as JSON.
"""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import tritonclient.http as library

if TYPE_CHECKING:
    from numpy.typing import NDArray

CONCURRENCY, ROUNDS = 8, 4
BEST = 3


def main() -> None:
    """Send the images as each tool does, to a server or to a gateway before it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("address", help="host:port")
    parser.add_argument("model")
    parser.add_argument("images", help="a .npy file")
    arguments = parser.parse_args()
    client = library.InferenceServerClient(arguments.address, concurrency=CONCURRENCY)
    images = np.load(arguments.images)
    told = {
        "image_client": image_client(client, arguments.model, images),
        "perf_analyzer": perf_analyzer(client, arguments.model, images),
    }
    print(json.dumps(told))  # noqa: T201  # the test reads it
    client.close()


def image_client(client: Any, model: str, images: NDArray[np.float32]) -> list[Any]:
    """Read metadata and configuration, then ask for the best classes: at once, and waiting later.

    As it does, each request has an id of its own and names the version or none.
    """
    metadata, config = client.get_model_metadata(model), client.get_model_config(model)
    (tensor,), (described,) = metadata["inputs"], config["input"]
    output = metadata["outputs"][0]["name"]
    height, width, channels = tensor["shape"][config["max_batch_size"] > 0 :]
    names = [tensor["name"], described["name"]]
    told = [names, output, [height, width, channels], config["max_batch_size"]]
    versions = ["", metadata["versions"][0]]
    for number, version in enumerate(versions):
        batch, wanted = (
            asked(tensor, images),
            [library.InferRequestedOutput(output, class_count=BEST)],
        )
        how = {"model_version": version, "request_id": str(number), "outputs": wanted}
        answers = [client.infer(model, [batch], **how), client.async_infer(model, [batch], **how)]
        for answer in (answers[0], answers[1].get_result()):
            best = [[one.decode() for one in row] for row in answer.as_numpy(output)]
            told.append([answer.get_response()["id"], best])
    return told


def perf_analyzer(client: Any, model: str, images: NDArray[np.float32]) -> dict[str, Any]:
    """Look at all that it needs to know, and keep so many requests under way, in binary.

    Statistics before and after say what the server has done.
    """
    extensions = client.get_server_metadata()["extensions"]
    metadata, config = client.get_model_metadata(model), client.get_model_config(model)
    listed = [one["name"] for one in client.get_model_repository_index()]
    before = counted(client, model)
    scores = []
    for _ in range(ROUNDS):
        under_way = [
            client.async_infer(model, [asked(metadata["inputs"][0], images[i % len(images)][None])])
            for i in range(CONCURRENCY)
        ]
        rows = [one.get_result().as_numpy(metadata["outputs"][0]["name"]) for one in under_way]
        scores.append([row.tobytes().hex() for row in rows])
    return {
        "extensions": sorted({"model_configuration", "statistics"} & {*extensions}),
        "ready": client.is_model_ready(model, metadata["versions"][0]),
        "batch": config["max_batch_size"],
        "listed": model in listed,
        "counted": counted(client, model) - before,
        "scores": scores,
    }


def asked(tensor: Any, images: NDArray[np.float32]) -> Any:
    """Return *images* as the input that the metadata describe."""
    found = library.InferInput(tensor["name"], images.shape, tensor["datatype"])
    found.set_data_from_numpy(images, binary_data=True)
    return found


def counted(client: Any, model: str) -> int:
    """Return how many images the server says that it has answered, all models or one alone."""
    (ours,) = client.get_inference_statistics(model)["model_stats"]
    everything = client.get_inference_statistics()["model_stats"]
    assert [ours["name"]] == [one["name"] for one in everything if one["name"] == model]
    return int(ours["inference_count"])


if __name__ == "__main__":
    main()
