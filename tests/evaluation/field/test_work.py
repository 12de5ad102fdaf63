"""The order in which cells are measured."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from app.evaluation.command.candidates import usual_policy
from app.evaluation.field.cells import cells
from app.evaluation.field.columns import Store
from app.evaluation.field.measuring import Screens
from app.evaluation.field.models import models
from app.evaluation.field.work import FieldWork, Task
from app.settings import SearchMode
from tests.evaluation.field.folders import tiny_field

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class _Heard:
    """What a command would show."""

    begun: list[str] = field(default_factory=list)

    def doing(self, what: str, steps: int | None = None) -> None:
        if steps is not None:
            self.begun.append(what)

    def step(self) -> None: ...

    def errand_done(self) -> None: ...


def test_each_model_has_a_first_stream_before_any_has_a_second(tmp_path: Path) -> None:
    """So that a table that is stopped lacks streams and not kinds; it is shown model by model."""
    folder = tiny_field(tmp_path / "models")
    screens = Screens(partial(usual_policy, search=SearchMode.CONTINUE, trigger_max=0.3), 0.3)
    chosen = cells(models(folder), ["scale-up"], seeds=2)
    work = FieldWork(Task(chosen, 20, screens, Store(tmp_path / "measured", 20, 0.3)))
    heard = _Heard()
    asyncio.run(work.work(heard))
    assert [
        f"tiny/mean/{name}, scale-up, seed {seed}"
        for seed in (0, 1)
        for name in ("badnets-10", "none")
    ] == heard.begun
    assert list(chosen) == list(work.measured)
