"""No number in the detector without its reason in the specification."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from tests.docs.pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SPECIFICATION = ROOT / "docs" / "detection.md"
PACKAGES = ("app/detection", "app/library/rules")
TABLE = re.compile(r"^### 7\.\d+ `(app/[\w/]+\.py)`\n(.*?)(?=^#|\Z)", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| ([A-Z][A-Z0-9_]*) \| `([^`]+)` \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


def numbers_in(module: Path) -> Iterator[tuple[str, str]]:
    """Yield the module's constants that have a number in their value, and that value."""
    for statement in ast.parse(module.read_text()).body:
        if isinstance(statement, ast.Assign):
            yield from _named(statement.targets[0], statement.value)
        if isinstance(statement, ast.AnnAssign) and statement.value:
            yield from _named(statement.target, statement.value)


def _named(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, str]]:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, its in zip(target.elts, value.elts, strict=True):
            yield from _named(one, its)
    elif isinstance(target, ast.Name) and target.id.isupper() and _has_number(value):
        yield target.id, ast.unparse(value)


def _has_number(value: ast.expr) -> bool:
    parts = (part.value for part in ast.walk(value) if isinstance(part, ast.Constant))
    return any(isinstance(part, int | float) and not isinstance(part, bool) for part in parts)


def in_the_code() -> set[tuple[str, str, str]]:
    """Return each constant's module, name and value."""
    return {
        (module.relative_to(ROOT).as_posix(), name, value)
        for package in PACKAGES
        for module in (ROOT / package).rglob("*.py")
        for name, value in numbers_in(module)
    }


def in_the_specification() -> set[tuple[str, str, str]]:
    """Return the same of its section 7."""
    return {
        (module, name, ast.unparse(ast.parse(value, mode="eval")))
        for module, rows in TABLE.findall(SPECIFICATION.read_text())
        for name, value, _, _ in ROW.findall(rows)
    }


def test_each_number_has_its_reason() -> None:
    """Section 7 has every number that the detector's modules name, with its value, and no other."""
    assert in_the_code() == in_the_specification()
