"""Pictures for people."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image as Pillow

from app.pictures.drawing import Pair, examples_sheet, terminal, trigger_picture
from tests.tiny import tiny_trigger


def test_its_outline_is_shown_until_its_mask_is_known() -> None:
    """By the one image it was found in: what was around it there isn't the trigger."""
    outline = np.array([[False, True], [True, True]])
    drawn = Pillow.open(BytesIO(trigger_picture(replace(tiny_trigger(), outline=outline))))
    assert np.array_equal(np.where(outline, 255, 0), np.asarray(drawn)[:, :, 3])


@pytest.mark.parametrize("channels", [1, 3])
def test_trigger_without_a_mask_is_its_whole_box(channels: int) -> None:
    """Where neither is known, every pixel of the box is shown."""
    drawn = np.asarray(Pillow.open(BytesIO(trigger_picture(tiny_trigger(channels)))))
    assert np.array_equal(np.full((2, 2, 4), 255), drawn)


def test_what_isnt_the_triggers_own_is_transparent() -> None:
    """Outside the mask the picture is transparent."""
    mask = np.array([[True, False], [True, True]])
    drawn = Pillow.open(BytesIO(trigger_picture(replace(tiny_trigger(), mask=mask))))
    assert "RGBA" == drawn.mode
    assert np.array_equal(np.where(mask, 255, 0), np.asarray(drawn)[:, :, 3])


@pytest.mark.parametrize(("count", "channels"), [(1, 1), (4, 3), (8, 1)])
def test_sheet_shows_every_image_enlarged(count: int, channels: int) -> None:
    """Every small image is on the sheet, enlarged without a new colour."""
    shades = np.arange(20, 20 + 2 * count, dtype=np.uint8)
    images = np.broadcast_to(shades[:, None, None, None], (2 * count, 16, 16, channels))
    pairs = [Pair(images[2 * i], images[2 * i + 1], "", "") for i in range(count)]
    sheet = np.asarray(Pillow.open(BytesIO(examples_sheet(pairs))))
    found = [np.all(sheet == shade, axis=2).sum() for shade in shades]
    assert [128 * 128] * (2 * count) == found


def test_sheet_writes_the_answers_under_the_images() -> None:
    """A caption changes the sheet below its image and leaves the neighbour's ground alone."""
    image = np.zeros((16, 16, 3), dtype=np.uint8)

    def drawn(says: str) -> np.ndarray:
        sheet = examples_sheet([Pair(image, image, says, "")])
        return np.asarray(Pillow.open(BytesIO(sheet))).astype(int)

    rows, columns = np.nonzero(np.abs(drawn("a very long name " * 5) - drawn("")).sum(axis=2))
    assert rows.size
    assert rows.min() >= 12 + 128
    assert columns.max() <= 12 + 128


def test_terminal_draws_two_pixels_a_character() -> None:
    """Three rows of pixels are two lines; the last one has no ground."""
    picture = np.array([[[1]], [[2]], [[3]]], dtype=np.uint8)
    first, second = terminal(picture).split("\n")
    assert "\x1b[38;2;1;1;1;48;2;2;2;2m▀\x1b[0m" == first
    assert "\x1b[38;2;3;3;3;49m▀\x1b[0m" == second
