"""The ways in which a gateway speaks to the real servers: which server, which settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.conformance.model_server import NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

PREDICT = f"/v1/models/{NAME}:predict"
INFER = f"/v2/models/{NAME}/infer"

SIZE = {"NEO_INPUT_SIZE": "28x28x1"}
INSTANCES = SIZE | {"NEO_UPSTREAM_PROTOCOL": "instances"}
ROWS = SIZE | {"NEO_INPUT_LAYOUT": "FLAT"}


@dataclass(frozen=True)
class Dialect:
    """One way: the ``server`` and the gateway's settings.

    ``path`` follows the server's address in NEO_UPSTREAM_URL. ``asked`` is where the server itself
    answers, and ``drop_in`` where the gateway answers in its place. ``shape`` is an image's, and
    ``output`` the one that a caller has to name to get what the gateway is set to ask for; where
    the answers are labels alone they aren't ``scored``.
    """

    server: str
    settings: Mapping[str, str] = field(default_factory=dict)
    path: str = ""
    asked: str = INFER
    drop_in: str = INFER
    shape: tuple[int, ...] = (28, 28, 1)
    output: str | None = None
    scored: bool = True


DIALECTS = {
    "kserve-v1": Dialect("kserve", INSTANCES, asked=PREDICT, drop_in=PREDICT),
    "kserve-v2": Dialect("kserve", SIZE),
    "mlserver": Dialect("mlserver", ROWS, shape=(784,), scored=False),
    "mlserver-proba": Dialect(
        "mlserver",
        ROWS | {"NEO_OUTPUTS": "predict_proba"},
        shape=(784,),
        output="predict_proba",
    ),
    "triton": Dialect("triton"),
    "mlflow": Dialect(
        "mlflow", INSTANCES, path="/invocations", asked="/invocations", drop_in=PREDICT
    ),
}
