"""What a program has started, and the addresses that it all listens on."""

from __future__ import annotations

import ipaddress
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROC = Path("/proc")
LISTENING = "0A"


def below(pid: int) -> set[int]:
    """Return the processes that *pid* has started, and those that these have."""
    found: set[int] = set()
    with suppress(OSError):
        for task in (PROC / str(pid) / "task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                found |= {child} | below(child)
    return found


def commands(pids: set[int]) -> list[str]:
    """Return what those of the processes *pids* that are still there call themselves."""
    found = []
    for pid in pids:
        with suppress(OSError):
            found.append((PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return [one for one in found if one]


def listened_on(pids: set[int]) -> set[str]:
    """Return the addresses that the processes *pids* accept connections on."""
    sockets = {inode for pid in pids for inode in _sockets(pid)}
    return {address for inode, address in _listening() if inode in sockets}


def _sockets(pid: int) -> Iterator[str]:
    with suppress(OSError):
        for file in (PROC / str(pid) / "fd").iterdir():
            with suppress(OSError):
                if found := re.fullmatch(r"socket:\[(\d+)\]", os.readlink(file)):  # noqa: PTH115
                    yield found[1]


def _listening() -> Iterator[tuple[str, str]]:
    """Yield the inode and the address of each socket of this machine that accepts connections."""
    for table in ("tcp", "tcp6"):
        for line in (PROC / "net" / table).read_text().splitlines()[1:]:
            _, local, _, state, *_, inode = line.split()[:10]
            if state == LISTENING:
                yield inode, _address(local.partition(":")[0])


def _address(hexadecimal: str) -> str:
    words = [bytes.fromhex(hexadecimal[i : i + 8])[::-1] for i in range(0, len(hexadecimal), 8)]
    address = ipaddress.ip_address(b"".join(words))
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
