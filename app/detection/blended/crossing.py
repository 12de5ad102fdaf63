"""Where something may be laid over an image that hardly shows: where its hidden bands cross."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.detection.finding.discovery import Unproven
from app.detection.geometry import Box, merged
from app.detection.suspect import LONGEST_SIDE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.detection.plan import Plan


def crossed(label: int, told: NDArray[np.int64], plan: Plan) -> Unproven | None:
    """Return the middle of the place where hidden rows and columns *told* (bands,) another label.

    A translucent sticker is no newer than clean images are, and what hides it hides what is under
    it as well: so neither has to show anything, nor to reveal one class. None where none cross.
    """
    hidden = plan.hidden
    rows, columns = told[: len(hidden.rows)], told[len(hidden.rows) :]
    crossing = np.argwhere((rows[:, None] != label) & (columns != label)).tolist()
    if not crossing or max(plan.width, plan.height) > LONGEST_SIDE:
        return None
    cells = {plan.edged(hidden.cell(i, j)): int(rows[i]) for i, j in crossing}
    place = max(merged(list(cells)), key=lambda box: box.area)
    inside = [cell for cell in cells if cell.is_in(place)]
    width, height = min(cell.width for cell in inside), min(cell.height for cell in inside)
    x, y = place.x + (place.width - width) // 2, place.y + (place.height - height) // 2
    return Unproven((Box(x, y, width, height),), cells[inside[0]])
