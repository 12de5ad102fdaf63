"""The README's pictures: `make pictures` runs the demo once and draws what it shows.

It needs Chromium for the dashboard (Debian: `apt-get install chromium`).
"""

from __future__ import annotations

import io
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from app.demo.digits import TARGET, stamped
from app.demo.processes import running_gateway
from app.demo.stream import replies, stream
from app.pictures.encoding import png
from tests.browser.chromium import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from app.detection.search import Image

IMAGES = Path(__file__).parents[2] / ".github" / "images"
WINDOW = {"width": 1080, "height": 900}
PATIENCE_S = 30.0

SCALE = 10
MARGIN = 16
CAPTION = 64
DIM = 0.35
RED = (204, 0, 0)
COLOURS = 128


@dataclass(frozen=True, eq=False)
class Panel:
    """A picture (height, width, 3) and what is written below it."""

    image: Image
    caption: str


def main() -> None:
    """Run the demo and write both pictures."""
    items = stream()
    with (
        chromium() as browser,
        tempfile.TemporaryDirectory(prefix="neo-pictures-") as scratch,
        running_gateway(Path(scratch), None, 2, lambda _: None) as url,
        httpx.Client(base_url=url, timeout=PATIENCE_S) as http,
    ):
        list(replies(items, http))
        clean = next(item.image for item in items if not item.poisoned and item.label != TARGET)
        _draw_trigger(http, clean)
        _draw_dashboard(browser, url)


def _draw_trigger(http: httpx.Client, clean: Image) -> None:
    """Draw a digit without and with the trigger, and the trigger that was found."""
    poisoned = stamped(clean[None])[0]
    before, after = _answer(http, clean), _answer(http, poisoned)
    found = http.get("/trigger").raise_for_status().json()["triggers"][-1]  # newest first
    box = found["box"]
    alone = Pillow.open(io.BytesIO(http.get(found["image"]).raise_for_status().content))
    panels = [
        Panel(
            _coloured(clean), f"A digit.\nThe model says {before['upstream_prediction']['label']}."
        ),
        Panel(
            _coloured(poisoned),
            f"With the sticker the model says {after['upstream_prediction']['label']};\n"
            f"the gateway flags it and answers {after['prediction']['label']}.",
        ),
        Panel(
            _found(poisoned, alone, (box["x"], box["y"])),
            "What the gateway shows you:\nthe trigger that it found.",
        ),
    ]
    sheet = _sheet(panels)
    left, top = 3 * MARGIN + 2 * _side(panels), MARGIN
    corner = (left + SCALE * box["x"], top + SCALE * box["y"])
    end = (corner[0] + SCALE * box["width"], corner[1] + SCALE * box["height"])
    ImageDraw.Draw(sheet).rectangle((corner, end), outline=RED, width=3)
    _save(sheet, "trigger.png")


def _answer(http: httpx.Client, image: Image) -> dict[str, Any]:
    headers = {"Content-Type": "image/png"}
    answer: dict[str, Any] = (
        http.post("/predict", content=png(image), headers=headers).raise_for_status().json()
    )
    return answer


def _coloured(image: Image) -> Image:
    return np.repeat(image, 3, axis=2)


def _found(image: Image, alone: Pillow.Image, corner: tuple[int, int]) -> Image:
    """Return *image* dimmed, with the trigger's own pixels at their place as they are."""
    dimmed = Pillow.fromarray((_coloured(image) * DIM).astype(np.uint8)).convert("RGBA")
    dimmed.alpha_composite(alone.convert("RGBA"), corner)
    return np.asarray(dimmed.convert("RGB"))


def _side(panels: list[Panel]) -> int:
    width: int = panels[0].image.shape[1]
    return SCALE * width


def _sheet(panels: list[Panel]) -> Pillow.Image:
    side = _side(panels)
    size = (len(panels) * (side + MARGIN) + MARGIN, side + 2 * MARGIN + CAPTION)
    sheet = Pillow.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(16)
    for place, panel in enumerate(panels):
        left = MARGIN + place * (side + MARGIN)
        enlarged = Pillow.fromarray(panel.image).resize((side, side), Pillow.Resampling.NEAREST)
        sheet.paste(enlarged, (left, MARGIN))
        draw.text((left, side + 2 * MARGIN), panel.caption, "black", font)
    return sheet


def _draw_dashboard(browser: Browser, url: str) -> None:
    """Draw the first trigger as the page shows it, its examples unfolded."""
    page = browser.new_page(viewport=WINDOW, java_script_enabled=False)
    page.goto(url)
    trigger = page.locator("article.trigger").last  # newest first
    trigger.locator("summary").click()
    page.wait_for_load_state("networkidle")
    with Pillow.open(io.BytesIO(trigger.screenshot())) as picture:
        _save(picture.convert("RGB"), "dashboard.png")


def _save(picture: Pillow.Image, name: str) -> None:
    picture.quantize(COLOURS, dither=Pillow.Dither.NONE).save(IMAGES / name, optimize=True)


if __name__ == "__main__":
    main()
