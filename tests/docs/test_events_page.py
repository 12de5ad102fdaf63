"""The page of events has each of them, and its program does what it says."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.events import Event, Kind
from app.events.webhook.courier import Courier
from app.events.webhook.messages import CloudEvents
from app.events.webhook.posting import Answer
from app.events.webhook.signature import secret_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = (Path(__file__).parents[2] / "docs" / "events.md").read_text()
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_every_kind_has_its_row() -> None:
    """And no other."""
    rows = [row.split("|")[1] for row in PAGE.splitlines() if row.startswith("| `")]
    assert set(Kind) == {name for row in rows for name in re.findall(r"`([a-z.]+)`", row)}


async def test_the_program_knows_what_is_genuine() -> None:
    """What is posted passes; another body, another secret and an old request don't."""
    posted: list[tuple[Mapping[str, str], bytes]] = []

    async def post(headers: Mapping[str, str], body: bytes) -> Answer:
        posted.append(({name.lower(): value for name, value in headers.items()}, body))
        return Answer(204)

    event = Event(Kind.TRIGGER_DISCOVERED, datetime.now(UTC), {"trigger": "t-1"}, "e-1")
    await Courier(CloudEvents("signs"), post, secret_bytes(SECRET)).deliver(event)
    ((headers, body),) = posted
    program: dict[str, Any] = {}
    exec(PAGE.partition("```python\n")[2].partition("```")[0], program)  # noqa: S102  # our page's
    is_genuine = program["is_genuine"]
    assert is_genuine(headers, body, SECRET)
    assert not is_genuine(headers, body + b" ", SECRET)
    assert not is_genuine(headers, body, SECRET.swapcase().replace("WHSEC_", "whsec_"))
    old = str(int(headers["webhook-timestamp"]) - 600)
    assert not is_genuine({**headers, "webhook-timestamp": old}, body, SECRET)
