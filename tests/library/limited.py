"""The user of `docs/redis.md`, who may do no more than the gateway needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redis import Redis

PAGE = Path(__file__).parents[2] / "docs" / "redis.md"


def let_in(client: Redis, *more: str) -> None:
    """Make the user with its password as the page says, who may do *more*; forget past refusals."""
    (rule,) = [line for line in PAGE.read_text().splitlines() if line.startswith("ACL SETUSER")]
    _, _, name, *rights = rule.split()
    client.acl_setuser(name, reset=True)
    client.execute_command("ACL", "SETUSER", name, *rights, *more)  # type: ignore[no-untyped-call]
    client.acl_log_reset()


def refused(client: Redis) -> str:
    """Return what somebody was refused since."""
    return ", ".join(str(entry["object"]) for entry in client.acl_log())
