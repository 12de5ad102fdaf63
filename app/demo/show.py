"""The show: what a newcomer sees."""

from __future__ import annotations

import io
import signal
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import httpx
import numpy as np
from PIL import Image as Pillow
from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from app.demo.digits import TARGET, TRIGGER_BOX, backdoored_model
from app.demo.processes import running_gateway
from app.demo.stream import Item, Reply, Summary, replies, stream, summary
from app.detection.geometry import Box
from app.digits.images import LABELS
from app.pictures.drawing import terminal
from app.pictures.encoding import png

if TYPE_CHECKING:
    from app.detection.search import Image

PATIENCE_S = 30.0
LEAST_OVERLAP = 0.25
"""Intersection over union from which on the box found is the true one: found on another place, or
with most of the image in it, it is far below."""

ENLARGED = 8


def show(output: Path, port: int | None, workers: int, *, once: bool) -> bool:
    """Run the demo; return whether it caught the first poisoned image and found the true trigger.

    What it saves goes to *output*. Without *once* it goes on serving until Ctrl-C. Raises
    DemoError, LibraryError, httpx.HTTPError.
    """
    console = Console()
    output.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, _end)
    with ExitStack() as servers:
        scratch = servers.enter_context(tempfile.TemporaryDirectory(prefix="neo-demo-"))
        with console.status("Training a digit classifier with a backdoor (once, a few seconds)"):
            backdoored_model()
        with console.status("Starting") as status:
            gateway = running_gateway(
                Path(scratch), port, workers, lambda what: status.update(f"Starting {what}")
            )
            url = servers.enter_context(gateway)
        good = _stream_and_report(console, url, output)
        if not once:
            _serve_on(console, url)
    return good


def _end(*_: object) -> NoReturn:
    """Leave by an exception, so that the servers are ended."""
    raise SystemExit(128 + signal.SIGTERM)


def _stream_and_report(console: Console, url: str, output: Path) -> bool:
    items = stream()
    with httpx.Client(base_url=url, timeout=PATIENCE_S) as http:
        said = _sent(console, items, http)
        triggers: list[dict[str, Any]] = http.get("/trigger").raise_for_status().json()["triggers"]
        figures = summary(said)
        console.print(_table(figures))
        overlap = _draw_trigger(console, http, triggers, output)
    _save_samples(items, output)
    _print_commands(console, url, output)
    if not figures.first_caught:
        console.print("[red]The first poisoned image was not caught.[/red]")
    return figures.first_caught and overlap >= LEAST_OVERLAP


def _sent(console: Console, items: list[Item], http: httpx.Client) -> list[Reply]:
    said: list[Reply] = []
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("Sending digits, a tenth with a trigger", total=len(items))
        for reply in replies(items, http):
            if reply.flagged and not any(earlier.flagged for earlier in said):
                progress.console.print(
                    f"Image {len(said) + 1}: the model says {LABELS[reply.upstream]}, the gateway "
                    f"{LABELS[reply.prediction]} and raises the flag (true: {LABELS[reply.label]})"
                )
            said.append(reply)
            progress.advance(task)
    return said


def _table(figures: Summary) -> Table:
    table = Table(title="What came back", show_header=False)
    poisoned = figures.caught + figures.missed
    table.add_row("Poisoned images caught", f"{figures.caught} of {poisoned}")
    table.add_row("Poisoned images missed", str(figures.missed))
    table.add_row("False alarms", f"{figures.false_alarms} of {figures.clean} clean images")
    table.add_row(
        f"Predictions corrected (the model said {LABELS[TARGET]})",
        f"{figures.corrected} of {figures.fooled}",
    )
    table.add_row("Probes an image before the discovery", f"{figures.probes_before:.1f}")
    table.add_row("Probes an image after it", f"{figures.probes_after:.1f}")
    return table


def _draw_trigger(
    console: Console, http: httpx.Client, triggers: list[dict[str, Any]], output: Path
) -> float:
    """Draw the trigger that was found first and save it; return its overlap with the true one."""
    if not triggers:
        console.print("[red]No trigger was found.[/red]")
        return 0.0
    found = triggers[-1]  # they come newest first
    picture = http.get(found["image"]).raise_for_status().content
    saved = output / "trigger.png"
    saved.write_bytes(picture)
    box = Box(**found["box"])
    overlap = box.overlap(TRIGGER_BOX)
    caption = (
        f"{found['id']}: turns other digits into {found['target']['label']}\n"
        f"at x={box.x}, y={box.y}, {box.width}x{box.height} pixels\n"
        f"overlap with the true trigger: {overlap:.2f}\nsaved as {saved}"
    )
    drawn = Text.from_ansi(terminal(_enlarged_on_grey(picture)))
    console.print(Panel(Text("\n").join([drawn, Text(caption)]), title="The trigger", expand=False))
    return overlap


def _enlarged_on_grey(picture: bytes) -> Image:
    """Return the trigger for the terminal: what isn't part of it is grey."""
    trigger = Pillow.open(io.BytesIO(picture)).convert("RGBA")
    flat = Pillow.new("RGBA", trigger.size, (128, 128, 128, 255))
    flat.alpha_composite(trigger)
    size = (trigger.width * ENLARGED // 2, trigger.height * ENLARGED // 2)
    return np.asarray(flat.convert("RGB").resize(size, Pillow.Resampling.NEAREST))


def _save_samples(items: list[Item], output: Path) -> None:
    for name, poisoned in (("clean.png", False), ("poisoned.png", True)):
        item = next(item for item in items if item.poisoned is poisoned)
        (output / name).write_bytes(png(item.image))


def _print_commands(console: Console, url: str, output: Path) -> None:
    console.print("Try it:")
    post = "curl -s -H 'Content-Type: image/png' --data-binary"
    for line in (
        f"{post} @{output / 'clean.png'} {url}/predict",
        f"{post} @{output / 'poisoned.png'} {url}/predict",
        f"curl -s {url}/trigger",
    ):
        console.print(f"  {line}", soft_wrap=True, highlight=False, markup=False)


def _serve_on(console: Console, url: str) -> None:
    console.print(f"\nThe dashboard is at {url}/ and the API's documentation at {url}/docs")
    console.print("Ctrl-C ends the demo.")
    with suppress(KeyboardInterrupt):
        signal.pause()
