"""The program `neo-gateway`."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from app.bench.command import bench
from app.check.command import check
from app.evaluation.command.command import evaluate
from app.logs import write_log
from app.options.kserve import kserve_options
from app.scan.command.command import scan

LOCAL = "127.0.0.1"
USUAL_PORT = 8080
PORT = click.IntRange(1, 65535)
EXTRAS = {
    "bench": "bench",
    "demo": "demo",
    "demo-model": "demo",
    "demo-references": "demo",
    "evaluate": "evaluate",
    "scan": "scan",
}
"""The extra of `pyproject.toml` with what a command needs and the gateway doesn't."""


class Program(click.Group):
    """The commands. One that lacks a package of its extra says how to install it."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  # as click has it
        """Run the command that was given."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as exc:
            command, package = ctx.invoked_subcommand, (exc.name or "").partition(".")[0]
            if command not in EXTRAS or package in {"", "app"}:
                raise
            extra = EXTRAS[command]
            _give_up(f"{command} needs {package}: pip install 'neo-gateway[{extra}]'")


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="neo-gateway", prog_name="neo-gateway")
def main() -> None:
    """Defend an image classifier that is reached over HTTP against backdoors."""
    # The first process of a container ignores what it has no handler for.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    write_log()


@main.command()
@click.option("--host", default=LOCAL, show_default=True, help="The address to listen on.")
@click.option("--port", type=PORT, help=f"The port to listen on.  [default: {USUAL_PORT}]")
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    help="Processes that share the work.",
)
@kserve_options
def serve(host: str, port: int | None, workers: int, http_port: int | None) -> None:
    """Run the gateway; its settings come from NEO_… variables or a .env file."""
    # Each command imports what it alone needs: the others start in no time.
    from app.ports import LibraryError  # noqa: PLC0415
    from app.serving.listening import ListeningError  # noqa: PLC0415
    from app.serving.serve import serve as run  # noqa: PLC0415
    from app.settings import SettingError, read_settings  # noqa: PLC0415

    try:
        run(read_settings(), host, port or http_port or USUAL_PORT, workers)
    except (SettingError, ListeningError, LibraryError) as exc:
        _give_up(str(exc))


@main.command()
@click.option("--once", is_flag=True, help="Stop after the stream; 0 only if all went well.")
@click.option("--port", type=PORT, help="The gateway's port.  [default: a free one]")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1))
@click.option(
    "--output",
    default=Path("demo-output"),
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where pictures are saved.",
)
def demo(*, once: bool, port: int | None, workers: int, output: Path) -> None:
    """See real digits go through a backdoored model: flagged, corrected, the trigger shown."""
    import httpx  # noqa: PLC0415

    from app.demo.processes import DemoError  # noqa: PLC0415
    from app.demo.show import show  # noqa: PLC0415
    from app.ports import LibraryError  # noqa: PLC0415

    try:
        good = show(output, port, workers, once=once)
    except (DemoError, LibraryError, httpx.HTTPError) as exc:
        _give_up(str(exc))
    raise SystemExit(0 if good else 1)


@main.command()
@click.option("--host", default=LOCAL, show_default=True, help="The address to listen on.")
@click.option("--port", default=8081, show_default=True, type=PORT, help="The port to listen on.")
def demo_model(host: str, port: int) -> None:
    """Serve the demo's backdoored digits model over the Open Inference Protocol."""
    from app.demo.model import serve_model  # noqa: PLC0415
    from app.serving.listening import ListeningError  # noqa: PLC0415

    try:
        serve_model(host, port)
    except ListeningError as exc:
        _give_up(str(exc))


main.add_command(check)
main.add_command(evaluate)
main.add_command(bench)
main.add_command(scan)


@main.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
def demo_references(directory: Path) -> None:
    """Write the clean digits that the demo's gateway uses as references into DIRECTORY."""
    from app.demo.model import write_references  # noqa: PLC0415

    click.echo(f"{write_references(directory)} images in {directory}")


def _give_up(message: str) -> NoReturn:
    click.echo(f"neo-gateway: {message}", err=True)
    raise SystemExit(2)


if __name__ == "__main__":
    main()
