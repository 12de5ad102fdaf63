"""Names in Redis that no model's name can break."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.library.records.names import Keys


def test_names_the_model_and_the_schema() -> None:
    """A key names its model and the version of its schema."""
    assert Keys("signs").triggers == "neo:{signs}:v1:triggers"


@given(st.text())
def test_no_name_leaves_its_braces(model: str) -> None:
    """Whatever the model is called, the cluster's hash tag is there and holds its whole name."""
    for key in (Keys(model).version, Keys(model).calibration(model)):
        assert key.count("{") == key.count("}") == 1
        assert key.index("}") > key.index("{") + 1
        assert key.isascii()


@given(st.text(), st.text())
def test_no_two_names_share_a_key(one: str, other: str) -> None:
    """The keys of two models are the same only if their names are."""
    assert (one == other) == (Keys(one).triggers == Keys(other).triggers)
    assert (one == other) == (Keys("m").calibration(one) == Keys("m").calibration(other))
