"""One scan from the options to what it leaves; ended at any moment, it goes on the next time."""

from __future__ import annotations

import asyncio
import secrets
import signal
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click
import orjson
from rich.console import Console

from app.gateway.preparation.prepared import ReferencesError
from app.kept import decode_library, decode_suspects, library_of
from app.pictures.image_sets import ImageSetError
from app.ports import OnnxError, UpstreamError
from app.scan.arrangement import arranged
from app.scan.command.engine import opened_engine
from app.scan.command.options import OptionError
from app.scan.command.progress import Bar, Lines
from app.scan.concluding import Concluder
from app.scan.course import LIBRARY, SUSPECTS, VERSION, Course, Means
from app.scan.engines.port import EngineError
from app.scan.looking.tasks import Knowledge
from app.scan.offering import check_taker, offered
from app.scan.planning import Plan, expected_inferences, passes_for, sample_of
from app.scan.report.page import About, page
from app.scan.report.rows import write_rows, written
from app.scan.report.summary import show, summary
from app.scan.sources.items import SourceError
from app.scan.sources.listing import listed
from app.scan.sources.reading import Reader
from app.scan.state.calibrations import RATES
from app.scan.state.file import MEMORY, StateError, opened_state
from app.scan.state.identity import check_identity
from app.scan.state.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.kept import MemoryTriggerLibrary
    from app.scan.arrangement import Arranged
    from app.scan.command.options import Options

FAILURES = (
    OptionError,
    SourceError,
    StateError,
    EngineError,
    OnnxError,
    ImageSetError,
    ReferencesError,
    UpstreamError,
    OSError,
)
"""Errors that end a scan and that its user can mend; each says how."""

STOPS = (signal.SIGINT, signal.SIGTERM)
"""Signals that stop a scan; what is done by then is kept."""

SEED = "seed"
SEED_BITS = 63


@dataclass(frozen=True)
class Ended:
    """Whether all was done, and how many triggers were found."""

    finished: bool
    triggers: int


def run(options: Options) -> Ended:
    """Scan, show and write what was found, of as much as was done. Raises one of FAILURES."""
    console = Console(stderr=True, width=None if sys.stderr.isatty() else 120)
    with opened_state(options.state or MEMORY, restart=options.restart) as connection:
        state = State(connection)
        scan = _Scan(options, state, console)
        finished, triggers = False, 0
        try:
            finished = asyncio.run(_until_stopped(scan))
        finally:
            if scan.began:
                triggers = scan.leave(finished=finished)
        if finished and options.register is not None:
            asyncio.run(scan.offer(options.register))
        return Ended(finished, triggers)


async def _until_stopped(scan: _Scan) -> bool:
    """Run *scan*; return whether it came to its end before somebody stopped it."""
    running = asyncio.create_task(scan.run())
    loop = asyncio.get_running_loop()
    for name in STOPS:
        loop.add_signal_handler(name, running.cancel)
    try:
        return await running
    except asyncio.CancelledError:
        return False
    finally:
        for name in STOPS:
            loop.remove_signal_handler(name)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let the signals that stop a scan end a question: a loop that waits for it hears of none."""
    before = [(one, signal.signal(one, signal.default_int_handler)) for one in STOPS]
    try:
        yield
    finally:
        for one, handler in before:
            signal.signal(one, handler)


class _Scan:
    """A scan with its *options*; ``began`` once there is something to show."""

    def __init__(self, options: Options, state: State, console: Console) -> None:
        self.began = False
        self._options = options
        self._settings = options.source.settings
        self._state = state
        self._console = console
        self._name: Callable[[int], str | None] = str

    async def run(self) -> bool:
        """Scan. Return whether it was to begin at all. Raises one of FAILURES."""
        options, state = self._options, self._state
        seed = self._seed()
        self._check_identity(seed)
        if options.register is not None:
            await check_taker(options.register, options.key)
        self._say("listing the images")
        total = await asyncio.to_thread(state.list_items, listed(options.paths), seed)
        if not total:
            message = "there is no picture at " + ", ".join(options.paths)
            raise SourceError(message)
        async with arranged(options.source, state, seed, self._say) as means:
            self._name = means.name
            return await self._scanned(means, total)

    async def _scanned(self, means: Arranged, total: int) -> bool:
        options, state = self._options, self._state
        passes = passes_for(total, options.passes)
        sample = sample_of(passes, total, options.prevalence)
        left = sample - state.count_screened(state.last_of_sample(sample))
        inferences = expected_inferences(left, means.plan)
        seconds = None
        if left and means.seconds_each is not None and options.processes is not None:
            seconds = left * means.seconds_each / options.processes
        self._plan = Plan(passes, total, sample, left, options.prevalence, inferences, seconds)
        self._say(self._plan.words())
        if self._plan.is_large and not self._may_begin():
            return False
        self.began = True
        await self._looked(means, sample)
        return True

    async def _looked(self, means: Arranged, sample: int) -> None:
        options, settings, state = self._options, self._settings, self._state
        rates = orjson.loads(state.fact(RATES) or b"{}")
        version = int(state.fact(VERSION) or 0) + self._has_more(means)
        suspects = decode_suspects(state.fact(SUSPECTS) or b"[]")
        known = Knowledge(version, rates=rates, suspects=suspects)
        concluder = Concluder(means.library, means.learning, known, self._name)
        bars = Bar(self._console) if self._console.is_terminal else Lines(self._console)
        with Reader(settings.max_body) as reader, bars as progress:
            async with opened_engine(options, means.equipment, self._say) as engine:
                course = Means(state, engine, reader, concluder, means.library, progress)
                await Course(course).run(sample)

    def _has_more(self, means: Arranged) -> bool:
        """Say if more triggers are known than this scan has left: a gateway may have found some."""
        left, now = self._library().entries(), means.library.entries()
        return bool(now) and {one.id for one in left} != {one.id for one in now}

    def leave(self, *, finished: bool) -> int:
        """Write the rows and show the summary; return how many triggers there are."""
        options, state = self._options, self._state
        write_rows(state, options.output, options.form)
        entries, summed = self._library().entries(), summary(state)
        show(self._console, summed, entries, self._name)
        if options.report is not None:
            about = About(
                options.paths, options.source.name, self._plan.words(), self._plan.sampled, finished
            )
            html = page(state, summed, entries, self._name, about)
            with written(str(options.report)) as file:
                file.write(html.encode())
            self._say(f"The page: {options.report}")
        if options.output != "-":
            self._say(f"The rows: {options.output}")
        if not finished:
            more = "the same command goes on" if options.state else "nothing of it is kept"
            self._say(f"Stopped before the end; {more}.")
        return len(entries)

    async def offer(self, url: str) -> None:
        """Offer what was found to the gateway at *url*. Raises GatewayError."""
        self._say(f"offering what was found to {url}")
        entries = self._library().entries()
        for offer in await offered(url, self._options.key, self._state, entries):
            self._say(offer.words())

    def _library(self) -> MemoryTriggerLibrary:
        kept = self._state.fact(LIBRARY)
        return library_of(()) if kept is None else decode_library(kept)

    def _seed(self) -> int:
        """Return the seed that was given, or that of the scan that goes on, or a new one."""
        kept = self._state.fact(SEED)
        if self._options.seed is not None:
            seed = self._options.seed
        else:
            seed = secrets.randbits(SEED_BITS) if kept is None else int(kept)
        if kept is None:
            self._state.keep_facts({SEED: str(seed).encode()})
        return seed

    def _check_identity(self, seed: int) -> None:
        settings = self._settings
        screened_by = (
            settings.strategy,
            settings.search,
            settings.trigger_max,
            settings.max_pixels,
            settings.max_body,
            self._options.source.in_full,
        )
        told = {
            "the model or how it is asked": self._options.source.identity(),
            "the settings": screened_by,
            "the seed": seed,
        }
        check_identity(self._state, told, self._options.state or MEMORY)

    def _may_begin(self) -> bool:
        if self._options.yes or not (self._console.is_terminal and sys.stdin.isatty()):
            return True
        with _interruptible():
            try:
                return click.confirm("Begin?", default=True, err=True)
            except click.Abort:  # Ctrl-C, or the end of what is typed
                return False

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)
