"""Become a program that ends when its parent does: ``python tether.py PARENT PROGRAM ARGUMENT...``.

A process of its own does this, rather than a function between fork and exec: there the locks of the
parent's other threads (numpy has some) may be held for ever. Linux sends the signal, even if the
parent was killed with SIGKILL; elsewhere the program only ends if its parent ends it.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>; it outlives exec


def main() -> None:
    """Tie this process to the process with the id PARENT and run PROGRAM in it."""
    parent, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != int(parent):  # it ended before it could be watched
            sys.exit(1)
    os.execv(command[0], command)  # noqa: S606  # no shell is wanted


if __name__ == "__main__":
    main()
