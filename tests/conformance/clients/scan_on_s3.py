"""Images on S3, as moto's server speaks it, listed and read by a scan; prints what it saw."""

from __future__ import annotations

import io
import json
import os
import sys
import zipfile

import fsspec
from moto.server import ThreadedMotoServer

from app.scan.sources.items import SourceError, UnreadableError
from app.scan.sources.listing import listed
from app.scan.sources.reading import Reader


def packed(content: bytes) -> bytes:
    """Return a .zip with one picture."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("2.png", content)
    return file.getvalue()


def tried() -> dict[str, object]:
    """List a bucket, read what is in it, and what isn't."""
    files = fsspec.filesystem("s3", use_listings_cache=False)
    files.mkdir("bucket")
    contents = {"0.png": bytes(7), "b/1.png": bytes(8), "empty.png": b"", "gone.png": b"here yet"}
    for name, content in {**contents, "packed.zip": packed(bytes(9)), "c.txt": b"none"}.items():
        files.pipe_file(f"bucket/a/{name}", content)
    items = list(listed(["s3://bucket/a"]))
    files.rm("bucket/a/gone.png")
    with Reader(1000) as reader:
        read = {i.path: one for i, one in zip(items, reader.contents(items), strict=True)}
    gone = read.pop("s3://bucket/a/gone.png")
    try:
        nowhere = str(list(listed(["s3://nowhere"])))
    except SourceError as exc:
        nowhere = str(exc)
    sizes = {
        path: str(one) if isinstance(one, UnreadableError) else len(one.body)
        for path, one in read.items()
    }
    return {"sizes": sizes, "gone": str(gone), "nowhere": nowhere}


def main() -> None:
    """Run S3, and print what a scan saw there."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    os.environ |= {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "one",
        "AWS_SECRET_ACCESS_KEY": "two",
        "AWS_MAX_ATTEMPTS": "1",
    }
    json.dump(tried(), sys.stdout)


main()
