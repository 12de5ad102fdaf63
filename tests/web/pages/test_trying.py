"""An image that is given to the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from app.settings import Mode
from tests.files import encoded
from tests.tiny import TARGET, clean_images
from tests.web.drop_in import POISONED, placed
from tests.web.pages.browsing import SAME_ORIGIN, sent, typed
from tests.web.served import serving

if TYPE_CHECKING:
    from tests.web.served import Served

IMAGE = encoded(clean_images(1, np.random.default_rng(0))[0])
FILE = ("one.png", IMAGE, "image/png")


async def test_an_image_is_answered_for_people(served: Served) -> None:
    """The answer names the verdict, the class, and what it cost."""
    answer = await sent(served.http, "/", "/page/try", file=FILE)
    assert 200 == answer.status_code
    assert '<p class="verdict">Clean: “' in answer.text
    assert "<dt>Inferences</dt><dd>1</dd>" in answer.text


async def test_what_is_no_image_is_said(served: Served) -> None:
    """A problem is told in words, with its status."""
    answer = await sent(served.http, "/", "/page/try", file=("a.png", b"\x89PNG\r\n\x1a\n", ""))
    assert 422 == answer.status_code
    assert "<b>The picture can&#39;t be read.</b>" in answer.text


async def test_no_other_site_sends_images(served: Served) -> None:
    """Without our page's token an image isn't asked about."""
    asked = served.model.asked
    answer = await served.http.post("/page/try", headers=SAME_ORIGIN, files={"file": FILE})
    assert 403 == answer.status_code
    assert asked == served.model.asked


async def test_any_typed_key_opens_it() -> None:
    """An API key that was typed into the browser is enough, as it is for /predict."""
    async with serving(api_keys=("api-1",), admin_keys=("admin-1",)) as served:
        answer = await sent(served.http, "/", "/page/try", typed("api-1"), file=FILE)
        assert 200 == answer.status_code
        refused = await served.http.post("/page/try", headers=SAME_ORIGIN, files={"file": FILE})
        assert 401 == refused.status_code


async def test_an_attack_leads_to_its_trigger() -> None:
    """A flagged image says what the model said, and where the trigger is to be seen."""
    file = ("one.png", encoded(POISONED[0]), "image/png")
    async with placed() as stage:
        answer = await sent(stage.gateway, "/", "/page/try", file=file)
    assert '<p class="verdict">Backdoor: “' in answer.text
    assert f"<dt>The model said</dt><dd>“{TARGET}”" in answer.text
    assert '<a href="../#t-1">t-1</a>' in answer.text


async def test_in_monitor_mode_the_verdict_is_waited_for() -> None:
    """The answer is the model's own; beside it stands what the other mode would answer."""
    file = ("one.png", encoded(POISONED[0]), "image/png")
    async with placed(policy={"mode": Mode.MONITOR}) as stage:
        assert "Monitor mode: every answer" in (await stage.gateway.get("/")).text
        answer = await sent(stage.gateway, "/", "/page/try", file=file)
    assert f'<p class="verdict">Backdoor: “{TARGET}”' in answer.text
    assert "<dt>In enforce mode the answer would be</dt>" in answer.text
