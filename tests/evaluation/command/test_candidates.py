"""What the options name is opened, or said to be wrong in their own words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.evaluation.command.candidates import opened
from app.evaluation.command.options import OnnxSource, Options, TestOptions
from app.ports import OnnxError
from app.settings import InputSettings, SearchMode
from tests.evaluation.onnx_files import FLOAT, Tensor, mean_colour_model

if TYPE_CHECKING:
    from pathlib import Path


async def test_what_a_file_leaves_open_names_the_option(tmp_path: Path) -> None:
    """The mend of an ONNX file that doesn't tell its size is an option, not a setting."""
    file = tmp_path / "model.onnx"
    colours = np.eye(3, dtype=np.float32)
    file.write_bytes(mean_colour_model(colours, Tensor("image", FLOAT, ("n", "h", "w", 3))))
    source = OnnxSource(file, InputSettings(), tmp_path, TestOptions(tmp_path, (), ()))
    options = Options(
        source,
        experiments=(),
        strategies=(),
        seeds=1,
        images=1,
        trigger_max=0.316,
        search=SearchMode.CONTINUE,
        strip=False,
        json=None,
        report=None,
    )
    with pytest.raises(OnnxError, match=r"model\.onnx: .*: set --input-size"):
        async with opened(options):
            pass
