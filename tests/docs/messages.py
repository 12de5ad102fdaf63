"""What the code says of itself when something is wrong: the fixed words of its messages."""

from __future__ import annotations

import ast
import re
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Iterator

APP = Path(__file__).parents[2] / "app"

TOLD_AT_THE_START = (
    *("settings", "library/server", "library/shared/store.py", "serving"),
    *("pictures/image_sets.py", "pictures/references.py"),
    *("gateway/preparation", "gateway/readiness.py", "upstream"),
)
"""Where the messages come from that the start and `/readyz` give."""

NEVER_SERVED = {APP / "upstream/onnx_model.py"}
"""A model in a file is only evaluated."""

NAMES = {"message", "problem", "error", "text", "complaint"}
"""What a message is called before it is raised."""

TO_CALLERS = {"ArrivalError", "SelectionError"}
"""Errors that are answered to a caller, and are about its request alone."""


def told() -> Iterator[tuple[str, str]]:
    """Yield each message's place, and the longest run of words in it that is always the same."""
    for place in TOLD_AT_THE_START:
        there = APP / place
        for file in sorted({*there.rglob("*.py")} - NEVER_SERVED) if there.is_dir() else [there]:
            for message in _messages(ast.parse(file.read_text())):
                yield f"{file.relative_to(APP.parent)}:{message.lineno}", _fixed(message)


def _messages(tree: ast.Module) -> Iterator[ast.expr]:
    """Yield what is assigned to a message's name and not raised for a caller, or said inline."""
    for node in ast.walk(tree):
        body: Any = getattr(node, "body", None)
        if not isinstance(body, list):  # that of a lambda is no statement
            continue
        for statement, following in zip_longest(body, body[1:]):
            if _is_message(statement) and _raised(following) not in TO_CALLERS:
                yield statement.value
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) in {"ImageSetError", "Part"}:
            yield from filter(_is_text, node.args[1:2])


def _is_message(node: ast.stmt) -> TypeGuard[ast.Assign]:
    return isinstance(node, ast.Assign) and _name(node.targets[0]) in NAMES and _is_text(node.value)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _raised(node: ast.stmt | None) -> str:
    return (
        _name(node.exc.func)
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)
        else ""
    )


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _fixed(message: ast.expr) -> str:
    parts = message.values if isinstance(message, ast.JoinedStr) else [message]
    texts = [str(part.value) for part in parts if isinstance(part, ast.Constant)]
    pieces = [" ".join(piece.split()) for text in texts for piece in re.split("%[ds]", text)]
    return max(pieces, key=len, default="")
