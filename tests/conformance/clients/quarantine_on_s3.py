"""The quarantine on S3: as moto's server speaks it, by s3fs; prints what became of it as JSON."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from datetime import UTC, datetime, timedelta

import fsspec
from moto.server import ThreadedMotoServer

from app.incidents import Incident, Said, new_id
from app.quarantine.places import Cloud
from app.quarantine.quarantine import Quarantine

PLACE = "s3://bucket/quarantine"
MOST = 64_000
NOW = datetime.now(UTC)
PNG = b"\x89PNG\r\n\x1a\n"


def incident(key: str) -> Incident:
    """Return the incident of an image of this key."""
    said = Said(1, None)
    words = ("r-1", key, said, said, "t-1", "known-trigger", None, "", 0, "enforce")
    return Incident(new_id(NOW), NOW, *words)


def held() -> int:
    """Return how many bytes are there."""
    return sum(file.size for file in Cloud(PLACE).files())


async def tried(server: ThreadedMotoServer) -> dict[str, object]:
    """Keep images until the room is used up twice, look at them, let them grow old, lose S3."""
    kept = Quarantine(Cloud(PLACE), MOST, timedelta(days=1))
    first = await kept.keep(PNG + b"first", incident("bank"))
    most, addresses = 0, set()
    for number in range(150):
        picture = PNG + number.to_bytes(2) + bytes(600)
        addresses.add(await kept.keep(picture, incident("flood")))
        if number % 10 == 9:
            most = max(most, held())
    files = fsspec.filesystem("s3", use_listings_cache=False)
    content = files.cat_file(first)
    later = Quarantine(Cloud(PLACE), MOST, timedelta(days=1), clock=lambda: 2e10)
    async with later.sweeping():
        while held():  # noqa: ASYNC110  # nothing tells when a thread has looked
            await asyncio.sleep(0.01)
    server.stop()
    lost = await kept.keep(PNG, incident("bank"))
    return {
        "address": first,
        "content": content == PNG + b"first",
        "addresses": len(addresses),
        "most": most,
        "lost": lost,
        "problem": kept.problem,
    }


def main() -> None:
    """Run S3, make a bucket, and print what became of the images."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    os.environ |= {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "one",
        "AWS_SECRET_ACCESS_KEY": "two",
        "AWS_MAX_ATTEMPTS": "1",
    }
    fsspec.filesystem("s3").mkdir("bucket")
    json.dump(asyncio.run(tried(server)), sys.stdout)


main()
