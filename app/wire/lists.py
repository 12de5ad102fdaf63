"""JSON lists to arrays: only once it is known that there are numbers in them and nothing else.

numpy makes an array of texts as wide as the longest: a megabyte beside a thousand letters would be
four gigabytes. And many small lists cost it more than one long one.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from app.wire.fields import WireError
from app.wire.tensors import MOST_AXES

if TYPE_CHECKING:
    from numpy.typing import NDArray


def array_of(values: list[Any]) -> NDArray[Any]:
    """Return the numbers, or the truth values, in lists of lists, in their shape.

    Raises WireError.
    """
    level, shape = values, [len(values)]
    while (types := set(map(type, level))) == {list}:
        lengths = set(map(len, level))
        if len(lengths) > 1:
            message = "its data is ragged"
            raise WireError(message)
        if len(shape) == MOST_AXES:
            message = f"lists lie in one another more than {MOST_AXES} deep"
            raise WireError(message)
        shape.extend(lengths)
        level = list(chain.from_iterable(level))
    if list in types:
        message = "its data is ragged"
        raise WireError(message)
    if not types <= {int, float} and types != {bool}:
        message = "its data is of another type"
        raise WireError(message)
    return np.asarray(level).reshape(shape)
