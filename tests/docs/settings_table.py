"""The settings as rows of a table, as `docs/settings.md` has them.

`python -m tests.docs.settings_table` prints them, to be copied there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import TypeAdapter, ValidationError

from app.settings import Settings

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo


def rows() -> list[str]:
    """Return a row for each setting: its name, its default, its meaning."""
    return [
        f"| {_name(name, field)} | {_default(field)} | {_cell(field.description or '')} |"
        for name, field in Settings.model_fields.items()
    ]


def _name(name: str, field: FieldInfo) -> str:
    return str(field.validation_alias or f"NEO_{name.upper()}")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    written = [example for example in field.examples or () if _parsed(field, example)]
    if written:
        return f"`{written[0]}`"
    match field.default:
        case int() | float():
            return f"`{field.default:g}`"
        case (float(), *_):
            return ",".join(f"`{number:g}`" for number in field.default)
        case _:
            return "–"


def _parsed(field: FieldInfo, example: Any) -> bool:
    """Return whether *example* is a way to write the default."""
    # The words are there because Annotated wants something, and not every field has metadata.
    kind: Any = Annotated[field.annotation, "a setting", *field.metadata]
    try:
        return bool(TypeAdapter(kind).validate_python(example) == field.default)
    except (ValidationError, AttributeError):  # files that aren't here; what needs its neighbours
        return False


def _cell(text: str) -> str:
    return text.replace("|", "&#124;")


if __name__ == "__main__":
    print("\n".join(rows()))  # noqa: T201  # that is the command
