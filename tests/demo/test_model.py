"""The demo's model as a server of its own."""

from __future__ import annotations

import socket

from click.testing import CliRunner

from app.cli import main


def test_a_port_in_use_is_said_in_one_line() -> None:
    """At once, before the model is trained."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = CliRunner().invoke(main, ["demo-model", "--port", str(port)])
    assert 2 == result.exit_code
    assert 1 == len(result.stderr.splitlines())
    assert f"can't listen on 127.0.0.1, port {port}" in result.stderr
