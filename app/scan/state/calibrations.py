"""The calibration of a scan's references: measured once, and kept in its state file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from app.kept import decode_calibration, encode_calibration
from app.scan.state.file import StateError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from app.detection.reference_set.references import Calibration
    from app.scan.state.state import State

RATES: Final = "placebo rates"
_KEY: Final = "calibrated for"
_CALIBRATION: Final = "calibration"


class KeptCalibrations:
    """The port `CalibrationStore` in a state file; the *seed* of the scan is its secret.

    Another model than the one that was calibrated for isn't calibrated anew: what is kept of the
    pictures is of the first one.
    """

    def __init__(self, state: State, seed: int) -> None:
        self._state = state
        self._seed = seed

    @property
    def is_calibrated(self) -> bool:
        """Whether there is one."""
        return self._state.fact(_KEY) is not None

    async def seed(self) -> int:
        """Return the seed."""
        return self._seed

    async def calibration(
        self,
        key: str,
        measure: Callable[[], Awaitable[Calibration]],
        outdated: Calibration | None = None,
    ) -> Calibration:
        """Return the calibration, measured if there is none.

        Raises StateError if it is under another *key*, or *outdated*: another model answers.
        """
        kept_for, kept = self._state.fact(_KEY), self._state.fact(_CALIBRATION)
        if outdated is not None or kept_for not in {None, key.encode()}:
            what = "the references" if outdated is None else "the model's answers"
            message = (
                f"{what} changed since this scan began: --restart begins anew, or give another"
                " --output"
            )
            raise StateError(message)
        if kept is not None:
            return decode_calibration(kept)
        calibration = await measure()
        facts = {_KEY: key.encode(), _CALIBRATION: encode_calibration(calibration)}
        self._state.keep_facts(facts)
        return calibration

    async def placebo_rates(self, key: str) -> dict[str, float]:  # noqa: ARG002  # one calibration
        """Return the placebo rates that are known."""
        return dict(orjson.loads(self._state.fact(RATES) or b"{}"))

    async def keep_placebo_rates(self, key: str, rates: Mapping[str, float]) -> None:
        """Do nothing: rates are kept with the wave that has measured them."""
