"""Memory that a worker has let go of."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

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

SELDOM = """
import os
import numpy as np
from app.serving.processes.memory import give_back_freed_memory
from tests.benchmarks.speed.processes import rss_bytes

give_back_freed_memory()
before = rss_bytes(os.getpid())
images = [np.ones(1 << 20, np.uint8) for _ in range(40)]
del images
print(rss_bytes(os.getpid()) - before)
"""

BETWEEN = """
import os
from time import monotonic
import numpy as np
from app.serving.processes import memory
from tests.benchmarks.speed.processes import rss_bytes

memory.TRIMMED_EVERY = 0.05
memory.give_back_freed_memory()
before, kept, images = rss_bytes(os.getpid()), [], []
for _ in range(60):
    images.append(np.ones(1 << 20, np.uint8))
    kept.append(np.ones(1000, np.uint8))
del images
end = monotonic() + 30
while (more := rss_bytes(os.getpid()) - before) > 10e6 and monotonic() < end:
    pass
print(more)
"""

FAULTS = """
import resource
import numpy as np
from app.serving.processes.memory import give_back_freed_memory

give_back_freed_memory()
for _ in range(50):
    images = [np.ones(1 << 20, np.uint8) for _ in range(6)]
    del images
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""

GLIBC = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library's business")


@GLIBC
def test_what_is_freed_between_things_that_stay_goes_back_to_the_system() -> None:
    """Of 150 MB that were in use at once; without it they stay until the process ends."""
    assert _said(WORK) < 30e6


@GLIBC
def test_what_each_image_needs_is_kept() -> None:
    """Six megabytes in arrays of one; were each given back, each page would be got anew."""
    assert _said(FAULTS) < 50 * 6 * 256 / 5


@GLIBC
def test_what_a_search_needs_beyond_that_goes_back() -> None:
    """Of 40 MB in small arrays; without it they lie at the heap's end until the process ends."""
    assert _said(SELDOM) < 20e6


@GLIBC
def test_what_lies_between_things_that_stay_goes_back_now_and_then() -> None:
    """Of 60 MB in small arrays, each beside one that stays: they hold the heap's end fast."""
    assert _said(BETWEEN) < 10e6


@GLIBC
def test_what_the_operator_has_set_stays() -> None:
    """Here that all up to 32 MB lies together."""
    assert _said(WORK, {"MALLOC_MMAP_THRESHOLD_": f"{32 << 20}"}) > 100e6


def _said(program: str, environment: Mapping[str, str] | None = None) -> int:
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})},
    )
    return int(ran.stdout)
