"""What is used here of uvicorn that it doesn't document: any release may rename it.

`pyproject.toml` keeps to the releases that were tried. Whoever lets in another one runs the tests:
one says which of these names are gone, others that the list has all that the code uses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

INNER_NAMES: Final[Mapping[str, str]] = {
    # app.serving.http
    "uvicorn.protocols.http.httptools_impl.HttpToolsProtocol": """
        app connections cycle flow headers limit_concurrency loop parser pipeline server_state
        timeout_keep_alive_task transport url _unset_keepalive_if_required
        connection_made connection_lost data_received pause_writing resume_writing
        on_body on_headers_complete on_message_complete on_response_complete
        shutdown timeout_keep_alive_handler
    """,
    "uvicorn.protocols.http.httptools_impl.RequestResponseCycle": """
        access_log chunked_encoding default_headers disconnected expected_content_length flow
        keep_alive message_event on_response response_complete response_started scope send transport
        waiting_for_100_continue
    """,
    "uvicorn.protocols.http.httptools_impl": "HEADER_RE HEADER_VALUE_RE STATUS_LINE",
    "uvicorn.protocols.http.flow_control.FlowControl": "read_paused write_paused",
    "uvicorn.server.ServerState": "default_headers",
    # app.serving.processes
    "uvicorn.supervisors.multiprocess.Multiprocess": """
        config processes processes_num should_exit signal_queue sockets
        handle_ttin init_processes join_all keep_subprocess_alive restart_all terminate_all
    """,
    "uvicorn.supervisors.multiprocess.Process": """
        child_conn config exitcode join kill parent_conn process start terminate
        is_alive is_ready pong server _server
    """,
    "uvicorn.server.Server": "config lifespan on_tick server_state servers started startup",
    "uvicorn.config": "STARTUP_FAILURE",
}
"""By the class or module that has them: what is read, set, called or replaced."""
