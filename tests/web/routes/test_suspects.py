"""GET /suspects, and what becomes of suspects: over HTTP, from several callers."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from prometheus_client import REGISTRY

from app.events import Kind
from app.settings import Strategy
from tests.detection.suspects.worlds import (
    DATE,
    ELSEWHERE,
    PLACE,
    SOURCE,
    STICKER,
    TARGET,
    OverGeneralModel,
    bearing,
    over_general,
    pictures,
    victims,
)
from tests.files import encoded
from tests.library.servers import eventually
from tests.web.served import assert_problem, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from app.detection.search import Image
    from app.events import Event
    from tests.web.served import Served

ADMIN = {"X-API-Key": "ops"}


@asynccontextmanager
async def gateway(**settings: Any) -> AsyncIterator[Served]:
    """Yield a gateway in front of a model whose backdoor no single image proves."""
    policy = {"strategy": Strategy.FULL, "references": pictures(160, 1)}
    async with serving(OverGeneralModel(), policy, **settings) as served:
        yield served


async def predict(served: Served, image: Image, key: str | None = None) -> httpx.Response:
    """Ask about *image* with this *key*."""
    headers = {"Content-Type": "image/png"} | ({} if key is None else {"X-API-Key": key})
    answer = await served.http.post("/predict", content=encoded(image), headers=headers)
    assert 200 == answer.status_code
    return answer


async def answers(served: Served, image: Image, key: str | None = None) -> tuple[int, bool]:
    """Return the class that is answered, and whether the image is flagged."""
    told = (await predict(served, image, key)).json()
    return told["prediction"]["index"], told["backdoor"]


async def listed(served: Served) -> list[dict[str, Any]]:
    """Return the suspects that are listed."""
    answer = await served.http.get("/suspects", headers=ADMIN)
    assert 200 == answer.status_code
    suspects: list[dict[str, Any]] = answer.json()["suspects"]
    return suspects


KEYED = {"api_keys": ("one", "two"), "admin_keys": ("ops",)}
MISSED, SANITISED = (TARGET, False), (SOURCE, True)


async def test_two_callers_prove_it_for_everybody() -> None:
    """The image of a second caller is healed, as are all that follow; the first one is listed."""
    first, second, third, *_ = victims(over_general())
    async with gateway(**KEYED) as served:
        events: list[Event] = []
        served.app.state.gateway.events.hear(events.append)
        missed = await predict(served, first, "one")
        assert TARGET == missed.json()["prediction"]["index"]
        (suspect,) = await listed(served)
        assert SANITISED == await answers(served, second, "two")
        assert SANITISED == await answers(served, third, "one")
        assert [] == await listed(served)
        found = (await served.http.get("/trigger", headers=ADMIN)).json()["triggers"]
        incidents = served.app.state.gateway.incidents
        await eventually(lambda: len(incidents.waiting(9)) == 3, 10.0)
        (before,) = [one for one in incidents.waiting(9) if one.late]
    assert (TARGET, SOURCE) == (suspect["target"]["index"], suspect["source"]["index"])
    assert (missed.headers["X-Request-Id"], found[0]["id"]) == (
        before.request_id,
        before.trigger_id,
    )
    assert (TARGET, SOURCE, "clear") == (
        before.upstream.index,
        before.sanitised.index,
        before.screening,
    )
    assert [suspect["request_id"]] == [before.request_id]
    assert "stream" in {one["sign"] for one in found[0]["evidence"]["terms"]}
    assert [Kind.TRIGGER_DISCOVERED] == [
        one.kind for one in events if one.kind is Kind.TRIGGER_DISCOVERED
    ]


async def test_one_caller_alone_changes_only_his_own_answers() -> None:
    """What his images prove counts for his; for others once one of theirs shows it too."""
    first, second, third, fourth, *_ = victims(over_general())
    async with gateway(**KEYED) as served:
        assert MISSED == await answers(served, first, "one")
        assert SANITISED == await answers(served, second, "one")
        assert SANITISED == await answers(served, third, "one")
        (entry,) = served.library.entries()
        assert entry.only is not None
        assert SANITISED == await answers(served, fourth, "two")
        (entry,) = served.library.entries()
        assert entry.only is None
        assert [] == await listed(served)


async def test_without_keys_all_callers_are_one() -> None:
    """Then nobody can be told from the others, and two images are enough."""
    first, second, *_ = victims(over_general())
    async with gateway() as served:
        assert MISSED == await answers(served, first)
        assert SANITISED == await answers(served, second)
        (entry,) = served.library.entries()
    assert entry.only is None


async def test_a_date_on_many_images_is_no_trigger() -> None:
    """Nor is the same picture again; clean images keep their answers, bit for bit."""
    its = over_general()
    async with gateway(**KEYED) as served:
        for image in (*its.of_class(TARGET)[:4], its.of_class(TARGET)[0], *its.clean[:4]):
            dated = bearing(image, DATE, ELSEWHERE)
            assert (its.label(dated), False) == await answers(served, dated, "one")
        again = victims(its)[0]
        for _ in range(3):
            assert MISSED == await answers(served, again, "one")
        assert () == served.library.entries()


async def test_what_is_shown_again_and_not_proven_is_told() -> None:
    """An image that has the class of its own and shows the same pixels proves nothing: an event."""
    its = over_general()
    own = bearing(its.of_class(TARGET)[0], STICKER, PLACE)
    async with gateway(**KEYED) as served:
        events: list[Event] = []
        served.app.state.gateway.events.hear(events.append)
        await answers(served, victims(its)[0], "one")
        (before,) = await listed(served)
        assert MISSED == await answers(served, own, "two")
        after = next(one for one in await listed(served) if one["id"] == before["id"])
    assert (2, 2) == (after["seen"], after["callers"])
    (told,) = [one for one in events if one.kind is Kind.TRIGGER_SUSPECT]
    assert (before["id"], TARGET, 1) == tuple(
        told.facts[name] for name in ("trigger", "target", "suspects")
    )


async def test_it_is_told_as_a_list_with_pictures() -> None:
    """Place, classes, evidence, how often and by how many; counted from 0, and told by a metric.

    It counts the place for which nothing speaks as well.
    """
    first = victims(over_general())[0]
    async with gateway(**KEYED) as served:
        assert [] == await listed(served)
        before = REGISTRY.get_sample_value("neo_suspects_noted_total")
        assert before is not None
        await answers(served, first, "one")
        (told,) = await listed(served)
        assert before + 2 == REGISTRY.get_sample_value("neo_suspects_noted_total")
        assert 2.0 == REGISTRY.get_sample_value("neo_suspects")
        picture = await served.http.get(told["image"], headers=ADMIN)
        page = await served.http.get("/", headers=ADMIN)
        missing = await served.http.get("/suspects/s-none.png", headers=ADMIN)
    assert {"width": 32, "height": 32} == told["image_size"]
    assert (1, 1) == (told["seen"], told["callers"])
    assert told["first_seen_at"] == told["last_seen_at"]
    assert told["evidence"]["sum"] > 0
    assert ["blocking"] == [one["sign"] for one in told["evidence"]["terms"]][:1]
    assert "image/png" == picture.headers["content-type"]
    assert told["id"] in page.text
    assert_problem(missing, 404, "no suspect has the id s-none")


async def test_only_admins_see_them() -> None:
    """Once keys are set nobody else may."""
    async with gateway(**KEYED) as served:
        for path in ("/suspects", "/suspects/s-1.png"):
            assert_problem(await served.http.get(path), 401, "key")
            as_caller = await served.http.get(path, headers={"X-API-Key": "one"})
            assert_problem(as_caller, 403, "admin")
