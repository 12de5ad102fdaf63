"""Headers on the paths that images come by."""

from __future__ import annotations

from app.web.intake.heads import header


def test_the_first_of_a_name_is_told() -> None:
    """As Starlette's own `Headers` tell it; none where there is none."""
    scope = {"headers": [(b"host", b"a"), (b"x-one", b"\xe4"), (b"x-one", b"2")]}
    assert ("\xe4", None) == (header(scope, b"x-one"), header(scope, b"x-two"))
