"""S3, as moto's server speaks it, with the files of a folder; until its input ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import fsspec
from moto.server import ThreadedMotoServer


def main() -> None:
    """Run S3, put the folder's files into s3://bucket/images, and print the address."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    os.environ["AWS_ENDPOINT_URL"] = f"http://{host}:{port}"
    files = fsspec.filesystem("s3")
    files.mkdir("bucket")
    files.pipe(
        {f"bucket/images/{one.name}": one.read_bytes() for one in Path(sys.argv[1]).iterdir()}
    )
    sys.stdout.write(f"{os.environ['AWS_ENDPOINT_URL']}\n")
    sys.stdout.flush()
    sys.stdin.read()


main()
