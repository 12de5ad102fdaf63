"""Whole scans, as users run them: digits, repeated with noise, some with the demo's trigger."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import numpy as np

from app.demo.digits import stamped
from app.demo.processes import free_port
from app.digits.images import digits
from app.scan.looking.model import ModelSource, opened_model
from app.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

WAIT_S = 120.0
REFERENCES = "references.npz"
"""The file beside an archive that has its clean images."""


@dataclass(frozen=True, eq=False)
class Archive:
    """A .npz of digits, and which of them carry the trigger."""

    path: Path
    poisoned: NDArray[np.bool_]


@dataclass(frozen=True)
class Scan:
    """What a scan took, and what it found; memory in MiB, of the scan and of its processes."""

    plan: str
    processes: int
    images: int
    seconds: float
    inferences: float
    tpr: float
    fpr: float
    memory: Sequence[tuple[int, int]]
    killed: bool


def make_archive(folder: Path, count: int, share: float) -> Archive:
    """Write *count* digits with noise into *folder*, the *share* of them with the trigger."""
    rng = np.random.default_rng(count)
    own = digits().stream.images
    chosen = rng.integers(len(own), size=count)
    images = own[chosen].astype(np.int16)
    images += rng.integers(-3, 4, images.shape, dtype=np.int16) * (images > 0)
    noisy = np.clip(images, 0, 255).astype(np.uint8)
    poisoned = rng.random(count) < share
    noisy[poisoned] = stamped(noisy[poisoned])
    path = folder / f"{count}.npz"
    np.savez(path, x=noisy)
    return Archive(path, poisoned)


@contextmanager
def served_model(folder: Path) -> Iterator[str]:
    """Serve the demo's backdoored model; yield its address."""
    port = free_port()
    with (folder / "model.log").open("wb") as log:
        program = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "demo-model", "--port", str(port)], stderr=log
        )
    try:
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.HTTPError):
                httpx.get(f"http://127.0.0.1:{port}/v2/health/ready").raise_for_status()
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        program.terminate()
        program.wait()


async def model_alone(url: str, folder: Path, batches: int = 60) -> float:
    """Return how many images a second it answers, in batches of 64, two at a time."""
    told = {"upstream_url": url, "model": "digits", "reference": folder / REFERENCES}
    source = ModelSource(read_settings(told))
    images = digits().stream.images[:64]
    async with opened_model(source) as model:
        await model.check()
        await model.answer(images)
        since = time.monotonic()
        for _ in range(batches // 2):
            await asyncio.gather(model.answer(images), model.answer(images))
        return batches // 2 * 2 * len(images) / (time.monotonic() - since)


def scanned(  # noqa: PLR0913  # what is scanned, how, and what happens to it
    url: str,
    archive: Archive,
    plan: str,
    processes: int,
    *,
    prevalence: str = "0.1%",
    killed: bool = False,
) -> Scan:
    """Scan *archive*; if it is to be *killed*, once in the midst of it, and go on."""
    output = archive.path.with_name(f"{plan}-{processes}.jsonl")
    words = [
        *(sys.executable, "-m", "app.cli", "scan", str(archive.path), "--upstream", url),
        *("--model", "digits", "--reference", str(archive.path.with_name(REFERENCES))),
        *("--plan", plan, "--prevalence", prevalence, "--processes", str(processes)),
        *("--yes", "--seed", "1"),
        *("--output", str(output)),
    ]
    since, memory = time.monotonic(), []
    if killed:
        memory += _watched(words, until=50_000)
    memory += _watched(words)
    seconds = time.monotonic() - since
    flagged, inferences = np.zeros(len(archive.poisoned), bool), 0
    with output.open("rb") as rows:
        for i, row in enumerate(map(json.loads, rows)):
            flagged[i], inferences = row["verdict"] == "backdoor", inferences + row["inferences"]
    bad = archive.poisoned
    return Scan(
        plan,
        processes,
        len(bad),
        seconds,
        inferences / len(bad),
        float(flagged[bad].mean()),
        float(flagged[~bad].mean()),
        memory,
        killed,
    )


def _watched(words: Sequence[str], until: int | None = None) -> list[tuple[int, int]]:
    """Run a scan, and look at its memory each second; kill it *until* so many are compared."""
    memory = []
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as program:
        assert program.stderr is not None
        os.set_blocking(program.stderr.fileno(), False)
        said = ""
        while program.poll() is None:
            time.sleep(1)
            memory.append(_memory(program.pid))
            with contextlib.suppress(TypeError):  # nothing was said
                said += program.stderr.read()
            compared = re.findall(r"comparing: ([\d,]+) of", said)
            if until is not None and compared and int(compared[-1].replace(",", "")) > until / 4:
                program.send_signal(signal.SIGKILL)
    return memory


def _memory(pid: int) -> tuple[int, int]:
    """Return what a scan takes, and what its processes take together."""
    own, others = _resident(pid), 0
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        others += _resident(int(child))
    return own, others


def _resident(pid: int) -> int:
    with contextlib.suppress(OSError):
        told = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
        return 0 if told is None else int(told[1]) // 1024
    return 0
