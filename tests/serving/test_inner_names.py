"""The installed uvicorn has the inner names that the gateway leans on, and all are listed."""

from __future__ import annotations

import ast
import inspect
import textwrap
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn

from app.serving.http.answers import Exchange
from app.serving.http.protocol import Protocol
from app.serving.inner_names import INNER_NAMES
from app.serving.processes.door import Server
from app.serving.processes.supervisor import Supervisor
from app.serving.processes.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_uvicorn_has_the_inner_names() -> None:
    """A release without one of them is noticed before a connection or a worker fails."""
    gone = [
        f"{owner}.{name}"
        for owner, names in INNER_NAMES.items()
        for name in names.split()
        if name not in names_of(found(owner))
    ]
    assert not gone, (
        f"uvicorn {uvicorn.__version__} no longer has what app.serving uses: {', '.join(gone)}"
    )


@pytest.mark.parametrize("ours", [Exchange, Protocol, Server, Supervisor, Worker])
def test_the_list_has_what_the_code_uses(ours: type) -> None:
    """Whatever one of our classes reads, sets or replaces of the class it extends is listed."""
    above = [kind for kind in ours.__mro__ if kind.__module__.startswith("app.")]
    base = next(kind for kind in ours.__mro__ if kind.__module__.startswith("uvicorn."))
    touched = {name for kind in above for name in {*vars(kind), *on_self(kind)}}
    inner = {name for name in touched & names_of(base) if not name.startswith("__")}
    assert set() == inner - set(INNER_NAMES[f"{base.__module__}.{base.__qualname__}"].split())


def found(owner: str) -> Any:
    """Return the class or module *owner*, or what has no names if it is gone."""
    try:
        return resolve_name(owner)
    except (ImportError, AttributeError):
        return object()


def names_of(owner: Any) -> set[str]:
    """Return what *owner* has and, of a class, what its methods give to an object of it."""
    return {*dir(owner), *(on_self(owner, ast.Store) if inspect.isclass(owner) else ())}


def on_self(kind: type, context: type[ast.expr_context] = ast.expr_context) -> Iterator[str]:
    """Yield the names that methods of *kind* have after `self.`, where they are stored or read."""
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(kind)))):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, context):
            yield from [node.attr] if ast.unparse(node.value) == "self" else []
