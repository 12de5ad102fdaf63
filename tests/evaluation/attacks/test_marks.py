"""Triggers on images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.evaluation.attacks.marks import StampError, read_stamp, stamped
from app.evaluation.records import Stamp
from app.ports import InputSize
from tests.files import encoded

if TYPE_CHECKING:
    from pathlib import Path

SIZE = InputSize(8, 10, 3)
RGBA = np.array([[[255, 0, 0, 255], [0, 255, 0, 51]]], np.uint8)
STAMP = Stamp("red and green", RGBA, 3, 2, target=1)


def test_opaque_pixels_replace_and_translucent_ones_mix() -> None:
    """Each pixel is floor((1 - alpha) image + alpha stamp + 0.5); the rest stays."""
    image = np.full((8, 10, 3), 101, np.uint8)
    poisoned = stamped(image, [STAMP])
    assert [255, 0, 0] == poisoned[2, 3].tolist()
    assert [81, 132, 81] == poisoned[2, 4].tolist()  # 0.8 * 101 = 80.8; 80.8 + 0.2 * 255 = 131.8
    poisoned[2, 3:5] = 101
    assert (image == poisoned).all()


def test_a_coloured_stamp_becomes_grey_on_a_grey_image() -> None:
    """On a grey image a coloured stamp shows its luma."""
    poisoned = stamped(np.zeros((8, 10, 1), np.uint8), [STAMP])
    assert [[76], [30]] == poisoned[2, 3:5].tolist()  # 0.299 * 255; 0.2 * 0.587 * 255


def test_a_picture_is_read_with_its_transparency(tmp_path: Path) -> None:
    """The pixels of the file are the stamp's, and its name is the file's."""
    (tmp_path / "sticker.png").write_bytes(encoded(RGBA))
    stamp = read_stamp(tmp_path / "sticker.png", 8, 7, 1, SIZE)
    assert ("sticker", 8, 7, 1) == (stamp.name, stamp.x, stamp.y, stamp.target)
    assert (RGBA == stamp.rgba).all()


@pytest.mark.parametrize(("x", "y"), [(9, 7), (8, 8), (-1, 0), (0, -1)])
def test_a_stamp_beyond_the_edge_is_refused(tmp_path: Path, x: int, y: int) -> None:
    """The whole trigger must be within the image; the message says how large both are."""
    (tmp_path / "sticker.png").write_bytes(encoded(RGBA))
    with pytest.raises(StampError, match=r"sticker\.png: 2x1 pixels at .* 10x8; give another --at"):
        read_stamp(tmp_path / "sticker.png", x, y, 1, SIZE)


def test_what_is_no_picture_is_named(tmp_path: Path) -> None:
    """Neither text nor another format nor nothing at all is a trigger."""
    (tmp_path / "text.png").write_text("red")
    (tmp_path / "photo.png").write_bytes(encoded(RGBA[..., :3], "JPEG"))
    for name in ("text.png", "photo.png", "nowhere.png"):
        with pytest.raises(StampError, match=f"{name}: not a readable PNG"):
            read_stamp(tmp_path / name, 0, 0, 1, SIZE)
