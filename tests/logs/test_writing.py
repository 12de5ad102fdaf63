"""What a process writes of its log."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import logging
from app.logs import write_log
from app.logs.formats import Text

write_log()
logging.getLogger("app.x").info("too little for a command")
write_log(logging.INFO, Text())
write_log(logging.INFO, Text())  # a single worker's process is its supervisor's
for _ in range(3):
    logging.getLogger("app.x").info("told")
    logging.getLogger("app.x").warning("trouble")
logging.getLogger("PIL").info("what it has read")
logging.getLogger("PIL").warning("a library's trouble")
"""


def test_a_service_says_what_matters() -> None:
    """Our own words from the level on, a library's only if they are trouble, no trouble twice."""
    program = [sys.executable, "-c", PROGRAM]
    said = subprocess.run(program, check=True, capture_output=True, text=True).stderr.splitlines()
    expected = ["told", "trouble", "told", "told", "a library's trouble"]
    assert expected == [line.partition(": ")[2] for line in said]
