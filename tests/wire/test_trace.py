"""Trace Context: what a caller tells goes on as it came, if it is by the grammar."""

from __future__ import annotations

import pytest

from app.wire.trace import Trace, trace_of

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def told(*parents: str, states: tuple[str, ...] = ()) -> Trace | None:
    """Read headers with these values, among others."""
    return trace_of(
        [
            (b"host", b"gateway"),
            *((b"traceparent", one.encode()) for one in parents),
            *((b"tracestate", one.encode()) for one in states),
        ]
    )


def test_a_trace_goes_on_as_it_came() -> None:
    """Its headers are those that came; the state of several vendors may be in several."""
    trace = told(PARENT, states=("rojo=00f067aa0ba902b7,", "a-b_c*d/e@v=x y;z"))
    state = "rojo=00f067aa0ba902b7,,a-b_c*d/e@v=x y;z"
    assert Trace(PARENT, state) == trace
    assert {"traceparent": PARENT, "tracestate": state} == trace.headers
    assert {"traceparent": PARENT} == Trace(PARENT, "").headers


@pytest.mark.parametrize(
    "parents",
    [
        (),
        (PARENT, PARENT),
        (PARENT.upper(),),
        (PARENT.replace("00-", "ff-", 1),),
        (PARENT.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32),),
        (PARENT.replace("b7ad6b7169203331", "0" * 16),),
        (f"{PARENT}-more",),
        (PARENT[:-1],),
        (f"{PARENT}\r\nX-Other: 1",),
    ],
)
def test_what_is_no_trace_is_dropped(parents: tuple[str, ...]) -> None:
    """None at all, two of them, another form: nothing of it goes on, its state neither."""
    assert told(*parents, states=("rojo=1",)) is None


@pytest.mark.parametrize(
    "state",
    ["Rojo=1", "rojo", "rojo=", "rojo=1=2", "ro jo=1", "rojo=ü", "a=" + "x" * 600, "a=1," * 33],
)
def test_state_that_is_malformed_is_dropped_alone(state: str) -> None:
    """The trace itself is good without it."""
    assert Trace(PARENT, "") == told(PARENT, states=("ok=1", state))
