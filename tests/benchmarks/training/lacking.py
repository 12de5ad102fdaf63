"""What training needs and development doesn't install, named in one line where it isn't there."""

from __future__ import annotations

import sys
from typing import NoReturn

NEEDED = "torch==2.13.0 onnx onnxruntime pillow numpy"
"""For an environment of its own: torch is large, and nothing that is shipped needs it."""

WRONG_USAGE = 2


def give_up(command: str, missing: ModuleNotFoundError) -> NoReturn:
    """Say what to install for *command* and end; a module of ours that is missing is a fault."""
    package = (missing.name or "").partition(".")[0]
    if package in {"", "app", "tests"}:
        raise missing
    said = f"{command} needs {package}, in an environment of its own: pip install {NEEDED}"
    print(said, file=sys.stderr)  # noqa: T201  # it has no rich in its environment
    raise SystemExit(WRONG_USAGE)
