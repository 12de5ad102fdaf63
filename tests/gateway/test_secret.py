"""The deployment's secret, from which all draws are made, is told by nothing that is shown."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from app.gateway.outcome import Screening
from app.pictures.encoding import png
from app.settings import Strategy
from app.web.app import WebOptions, create_app
from tests.gateway.changing import renewed
from tests.gateway.opened import START_S, innocents, opened
from tests.library.servers import eventually
from tests.tiny import stamped, tiny_trigger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from app.gateway.predict import Gateway
    from tests.gateway.opened import Opened

POISONED = stamped(innocents(6))
SEARCHING = [strategy for strategy in Strategy if strategy is not Strategy.OFF]


@asynccontextmanager
async def _client(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(
        lambda: nullcontext(gateway),
        WebOptions(model_name="tiny", labels=None, max_body=100_000, max_pixels=1_000_000),
    )
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as http,
    ):
        yield http


@pytest.mark.parametrize("strategy", SEARCHING)
async def test_no_strategy_tells_the_secret(store_url: str, name: str, strategy: Strategy) -> None:
    """Neither a number nor the bytes of anything under /trigger are the secret's.

    The seed in the evidence is the draw of one image, which a browser reads exactly.
    """
    async with (
        opened(store_url, name, strategy=strategy) as worker,
        _client(worker.gateway) as http,
    ):
        secret = _secret(worker)
        for image in POISONED:
            await http.post("/predict", content=png(image), headers={"Content-Type": "image/png"})
        (trigger,) = (await http.get("/trigger")).json()["triggers"]
        base = f"/trigger/{trigger['id']}"
        paths = ("/trigger", base, *(base + end for end in (".png", "/examples.png")))
        shown = [(await http.get(path)).content for path in (*paths, f"{base}/examples.zip")]
    written = (str(secret).encode(), f"{secret:x}".encode(), secret.to_bytes(8, "little"))
    assert [] == [one for one in (*written, secret.to_bytes(8)) for some in shown if one in some]
    assert secret not in _numbers(json.loads(shown[0])) + _numbers(json.loads(shown[1]))
    assert 0 < trigger["evidence"]["seed"] < 2**53


async def test_the_examples_are_the_same_under_any_secret(store_url: str, name: str) -> None:
    """Which references are stamped says nothing of the secret: another one chooses the same."""
    packed, secrets = set(), set()
    for deployment in ("one", "other"):
        async with (
            opened(store_url, f"{name}-{deployment}") as worker,
            _client(worker.gateway) as http,
        ):
            entry = await worker.library.register(tiny_trigger())
            packed.add((await http.get(f"/trigger/{entry.id}/examples.zip")).content)
            secrets.add(_secret(worker))
    assert (1, 2) == (len(packed), len(secrets))


@pytest.mark.usefixtures("watched_closely")
async def test_a_secret_that_was_told_is_replaced_while_it_runs(store_url: str, name: str) -> None:
    """Each worker calibrates anew under the new secret, and screens all the while."""
    async with (
        opened(store_url, name) as worker,
        opened(store_url, name) as other,
    ):
        before, others = worker.preparation.prepared, other.preparation.prepared
        assert before is not None
        told = replace(tiny_trigger().evidence, seed=_secret(worker))
        await worker.library.register(replace(tiny_trigger(), evidence=told))
        for one, old in ((worker, before), (other, others)):
            await eventually(renewed(one.preparation, old), START_S)
            outcome = await one.predict(POISONED[0])
            assert Screening.KNOWN_TRIGGER is outcome.screening
        after = worker.preparation.prepared
        assert after is not None
        assert before.key != after.key
        assert _secret(worker) == _secret(other) != before.references.seed


def _secret(worker: Opened) -> int:
    assert worker.preparation.prepared is not None
    return worker.preparation.prepared.references.seed


def _numbers(document: Any) -> list[int | float]:
    """Return every number in a JSON *document*."""
    return [one for one in _leaves(document) if isinstance(one, int | float)]


def _leaves(document: Any) -> Iterator[Any]:
    match document:
        case dict():
            for value in document.values():
                yield from _leaves(value)
        case list():
            for value in document:
                yield from _leaves(value)
        case leaf:
            yield leaf
