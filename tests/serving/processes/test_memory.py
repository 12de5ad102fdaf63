"""Memory that a worker has let go of."""

import os
import platform
import subprocess
import sys

import pytest

WORK = """
import os
import numpy as np
from app.serving.processes.memory import give_back_freed_memory
from tests.benchmarks.speed.processes import rss_bytes

give_back_freed_memory()
kept, before = [], rss_bytes(os.getpid())
for _ in range(3):
    batches = [np.ones(5 << 20, np.uint8) for _ in range(30)]
    kept.extend(np.ones(1000, np.uint8) for _ in range(1000))  # what is learnt meanwhile, 1 MB
    del batches
print(rss_bytes(os.getpid()) - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library's business")
def test_what_is_freed_between_things_that_stay_goes_back_to_the_system() -> None:
    """Of 150 MB that were in use at once; without it they stay until the process ends."""
    ran = subprocess.run(
        [sys.executable, "-c", WORK],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert int(ran.stdout) < 30e6
