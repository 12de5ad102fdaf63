"""A worker whose supervisor has been killed ends, too."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading


def end_with_supervisor() -> None:
    """Let this process end, as by Ctrl-C, when the process above it has been killed.

    Its store may be gone, and the next gateway wants its port: it doesn't linger. A process
    that has no supervisor stays.
    """
    supervisor = multiprocessing.parent_process()
    if supervisor is None:
        return

    def watch() -> None:
        supervisor.join()
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=watch, name="supervisor", daemon=True).start()
