"""An image that is given to the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tests.files import encoded
from tests.tiny import clean_images
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
