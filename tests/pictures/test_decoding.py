"""Every kind of file has one stated outcome."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageOps

from app.pictures.decoding import (
    PictureError,
    PictureTooLargeError,
    UnreadablePictureError,
    UnsupportedFormatError,
    fit,
    halved,
    load,
    opened,
    pixels,
)
from app.ports import InputSize
from app.settings import Resize
from tests.files import animated, encoded, huge_png, noise, png_chunk, saved

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.detection.search import Image

LIMIT = 1_000_000
KINDS_OF_JPEG: tuple[dict[str, bool], ...] = ({}, {"progressive": True})


def decode(body: bytes, *, max_pixels: int, channels: int = 3) -> Image:
    """Return the picture in *body* at its own size, as a request's is before it is fitted."""
    return pixels(opened(body, max_pixels=max_pixels), channels)


@pytest.mark.parametrize(
    ("file_format", "options"), [("PNG", {}), ("BMP", {}), ("WEBP", {"lossless": True})]
)
def test_lossless_file_is_decoded_bit_for_bit(file_format: str, options: dict[str, bool]) -> None:
    """A lossless file gives back the pixels that went into it."""
    picture = noise()
    body = encoded(picture, file_format, **options)
    assert np.array_equal(picture, decode(body, max_pixels=LIMIT))


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P", "1"])
@pytest.mark.parametrize("size", [100, 10**6])
def test_png_is_decoded_as_pillow_decodes_it(mode: str, size: int) -> None:
    """Of every kind that Pillow writes, in parts of any *size*, also those that it needn't read."""
    picture = Pillow.fromarray(noise()).convert(mode)
    whole = saved(picture)
    start, end = whole.index(b"IDAT") + 4, whole.index(b"IEND") - 8
    parts = [whole[at : min(at + size, end)] for at in range(start, end, size)]
    cut = whole[: start - 8] + b"".join(png_chunk(b"IDAT", part) for part in parts)
    white = Pillow.new("RGBA", picture.size, "white")
    shown = np.asarray(Pillow.alpha_composite(white, picture.convert("RGBA")).convert("RGB"))
    assert np.array_equal(shown, decode(cut + png_chunk(b"IEND", b""), max_pixels=LIMIT))


@pytest.mark.parametrize("cut", [60, 200, 1000])
def test_broken_small_png_is_told_in_pillows_words(cut: int) -> None:
    """It says what Pillow says that is wrong, though Pillow would not have had to read the file."""
    with pytest.raises(UnreadablePictureError, match="image file is truncated"):
        decode(encoded(noise())[:cut], max_pixels=LIMIT)


def test_jpeg_is_decoded() -> None:
    """A JPEG of one colour comes back in that colour, up to its rounding."""
    red = np.full((16, 16, 3), (200, 30, 40), dtype=np.uint8)
    decoded = decode(encoded(red, "JPEG", quality=95), max_pixels=LIMIT)
    assert np.abs(decoded.astype(int) - red).max() <= 3


def test_grey_file_for_a_colour_model_is_repeated() -> None:
    """A grey picture has three equal channels for a model that takes colour."""
    grey = noise(channels=1)
    decoded = decode(encoded(grey), max_pixels=LIMIT)
    assert np.array_equal(np.repeat(grey, 3, axis=2), decoded)


def test_colour_file_for_a_grey_model_is_its_luma() -> None:
    """A coloured picture becomes 0.299 R + 0.587 G + 0.114 B for a model that takes grey."""
    picture = noise()
    luma = picture @ np.array([0.299, 0.587, 0.114])
    decoded = decode(encoded(picture), max_pixels=LIMIT, channels=1)
    assert decoded.shape == (40, 60, 1)
    assert np.abs(decoded[:, :, 0] - luma).max() <= 1


def test_16_bit_grey_is_scaled_not_saturated() -> None:
    """16-bit grey keeps the high byte of each pixel."""
    deep = np.arange(0, 65536, 16, dtype=np.uint16).reshape(64, 64)
    decoded = decode(encoded(deep), max_pixels=LIMIT, channels=1)
    assert np.array_equal((deep >> 8).astype(np.uint8), decoded[:, :, 0])


def test_cmyk_is_converted() -> None:
    """A CMYK JPEG is shown in the colour that it prints."""
    cyan = Pillow.new("CMYK", (16, 16), (255, 0, 0, 0))
    decoded = decode(saved(cyan, "JPEG", quality=95), max_pixels=LIMIT)
    assert np.abs(decoded.astype(int) - (0, 255, 255)).max() <= 3


def test_palette_is_converted() -> None:
    """A picture with a palette is shown in the palette's colours."""
    picture = Pillow.new("P", (4, 4), 1)
    picture.putpalette([0, 0, 0, 10, 20, 30])
    decoded = decode(saved(picture), max_pixels=LIMIT)
    assert np.array_equal(np.full((4, 4, 3), (10, 20, 30)), decoded)


@pytest.mark.parametrize(("alpha", "expected"), [(0, 255), (255, 0), (128, 127)])
def test_transparent_pixels_lie_on_white(alpha: int, expected: int) -> None:
    """A black pixel of some alpha is laid on white."""
    picture = Pillow.new("RGBA", (4, 4), (0, 0, 0, alpha))
    decoded = decode(saved(picture), max_pixels=LIMIT)
    assert np.array_equal(np.full((4, 4, 3), expected), decoded)


def test_transparent_palette_colour_lies_on_white() -> None:
    """A palette's transparent colour is laid on white, too."""
    picture = Pillow.new("P", (4, 4), 1)
    picture.putpalette([0, 0, 0, 10, 20, 30])
    decoded = decode(saved(picture, transparency=1), max_pixels=LIMIT)
    assert np.array_equal(np.full((4, 4, 3), 255), decoded)


def test_exif_orientation_is_applied() -> None:
    """A file that says that it is to be turned by 90 degrees is turned."""
    picture = noise()
    exif = Pillow.Exif()
    exif[0x0112] = 6  # the right side is at the top
    decoded = decode(encoded(picture, exif=exif), max_pixels=LIMIT)
    assert np.array_equal(np.rot90(picture, -1), decoded)


def half_of(body: bytes, size: InputSize, resize: Resize = Resize.STRETCH) -> Image | None:
    """Return the picture in *body* at half the sides of *size*."""
    return halved(opened(body, max_pixels=LIMIT), size, resize)


def whole_of(body: bytes, size: InputSize) -> Image:
    """Return the picture in *body* as a model of this *size* takes it."""
    return load(body, size, max_pixels=LIMIT)


def refusal(body: bytes, decoding: Callable[[bytes, InputSize], object]) -> str | None:
    """Return how *decoding* refuses *body* for a model of 64 px; None where it doesn't."""
    try:
        decoding(body, InputSize(64, 64, 3))
    except PictureError as exc:
        return str(exc)
    return None


def smooth(height: int, width: int) -> Image:
    """Return a picture without small details: a little noise, magnified."""
    small = Pillow.fromarray(noise(5, 5))
    return np.array(small.resize((width, height), Pillow.Resampling.BICUBIC))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", KINDS_OF_JPEG)
@pytest.mark.parametrize("resize", Resize)
@pytest.mark.parametrize(("height", "width"), [(64, 96), (65, 97), (300, 200), (900, 1100)])
def test_half_of_a_jpeg_is_what_it_is_in_full(
    channels: int, kind: dict[str, bool], resize: Resize, height: int, width: int
) -> None:
    """Shrunken by two, up to what a decoder rounds; of any size, by each way to make it fit."""
    size = InputSize(64, 64, channels)
    body = encoded(smooth(height, width), "JPEG", quality=90, **kind)
    half = half_of(body, size, resize)
    whole = load(body, size, max_pixels=LIMIT, resize=resize)
    assert half is not None
    assert half.shape == (32, 32, channels)
    off = whole.reshape(32, 2, 32, 2, channels).mean(axis=(1, 3)) - half
    assert np.median(np.abs(off)) < (6 if resize is Resize.PAD else 3)  # there it lies a pixel off


def test_half_of_a_jpeg_is_turned_as_its_orientation_says() -> None:
    """As the picture in full is."""
    picture = smooth(128, 256)
    exif = Pillow.Exif()
    exif[0x0112] = 6
    body = encoded(picture, "JPEG", quality=95, exif=exif)
    half = half_of(body, InputSize(128, 64, 3))
    assert half is not None
    off = half - np.rot90(picture, -1).reshape(64, 4, 32, 4, 3).mean(axis=(1, 3))
    assert np.abs(off).mean() < 3


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "BMP"])
def test_only_of_a_jpeg_is_half_less_work(file_format: str) -> None:
    """Nor of one that is smaller than what the model takes."""
    size = InputSize(64, 64, 3)
    assert half_of(encoded(smooth(64, 64), file_format), size) is None
    assert half_of(encoded(smooth(63, 64), "JPEG"), size) is None
    assert half_of(encoded(smooth(64, 64), "JPEG"), size) is not None


@pytest.mark.parametrize("kind", KINDS_OF_JPEG)
def test_half_of_a_damaged_jpeg_is_refused_as_all_of_it_is(kind: dict[str, bool]) -> None:
    """Cut off anywhere, or with bytes that others wrote over it."""
    rng = np.random.default_rng(1)
    whole = encoded(smooth(64, 64), "JPEG", **kind)
    damaged = [whole[:length] for length in range(0, len(whole), 7)]
    places = rng.integers(len(whole) - 8, size=150).tolist()
    damaged += [whole[:at] + rng.bytes(8) + whole[at + 8 :] for at in places]
    told = [(refusal(body, half_of), refusal(body, whole_of)) for body in damaged]
    assert [] == [one for one in told if one[0] != one[1]]
    assert len([one for one in told if one[0] is not None]) > 20


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(10))
def test_exif_orientation_is_that_of_pillow(file_format: str, order: str, orientation: int) -> None:
    """All eight ways of turning are Pillow's, in each format and byte order; others are none."""
    exif = Pillow.Exif()
    exif.endian = order
    exif[0x010F] = "a camera"
    exif[0x0112] = orientation
    body = encoded(noise(), file_format, exif=exif.tobytes())
    expected = ImageOps.exif_transpose(Pillow.open(BytesIO(body))).convert("RGB")
    assert np.array_equal(np.asarray(expected), decode(body, max_pixels=LIMIT))


def test_picture_of_the_right_size_keeps_every_pixel() -> None:
    """Nothing is resampled where the size matches already."""
    picture = noise(16, 12)
    loaded = load(encoded(picture), InputSize(16, 12, 3), max_pixels=LIMIT)
    assert np.array_equal(picture, loaded)


def test_picture_is_stretched_to_the_models_size() -> None:
    """The whole picture is there after the stretch: its left half stays left."""
    picture = np.zeros((100, 40, 3), dtype=np.uint8)
    picture[:, 20:] = 255
    loaded = fit(picture, InputSize(10, 10, 3))
    assert loaded.shape == (10, 10, 3)
    assert (0, 255) == (loaded[:, :4].max(), loaded[:, 6:].min())


def _halves(height: int, width: int) -> Image:
    """Return a picture whose left half is grey and whose right half is white."""
    picture = np.full((height, width, 3), 100, dtype=np.uint8)
    picture[:, width // 2 :] = 255
    return picture


def test_picture_is_cropped_to_its_middle() -> None:
    """The shorter side fits, and the same is cut off at both ends of the longer one."""
    cropped = fit(_halves(20, 80), InputSize(10, 10, 3), Resize.CROP)
    assert (10, 10, 3) == cropped.shape
    assert ({100}, {255}) == (
        set(cropped[:, :4].ravel().tolist()),
        set(cropped[:, 6:].ravel().tolist()),
    )
    tall = fit(_halves(80, 20), InputSize(10, 10, 3), Resize.CROP)
    assert ({100}, {255}) == (set(tall[:, :4].ravel().tolist()), set(tall[:, 6:].ravel().tolist()))


@pytest.mark.parametrize("channels", [1, 3])
def test_picture_is_padded_with_black(channels: int) -> None:
    """The longer side fits, and black is laid at both sides of the shorter one."""
    picture = _halves(20, 80)[:, :, :channels]
    padded = fit(picture, InputSize(12, 12, channels), Resize.PAD)
    assert (12, 12, channels) == padded.shape
    assert [True] * 4 + [False] * 3 + [True] * 5 == [not row.any() for row in padded]
    assert ({100}, {255}) == (
        set(padded[5, :5].ravel().tolist()),
        set(padded[5, 7:].ravel().tolist()),
    )


@pytest.mark.parametrize("resize", list(Resize))
def test_right_size_is_kept_by_every_way(resize: Resize) -> None:
    """A picture of the right size keeps every pixel, whatever is set."""
    picture = noise(16, 12)
    loaded = load(encoded(picture), InputSize(16, 12, 3), max_pixels=LIMIT, resize=resize)
    assert np.array_equal(picture, loaded)


def test_shrinking_averages_over_all_pixels() -> None:
    """A fine chequerboard shrinks to grey, not to one of its colours."""
    board = np.indices((256, 256)).sum(axis=0) % 2 * 255
    loaded = fit(board.astype(np.uint8)[:, :, None], InputSize(16, 16, 1))
    assert loaded.shape == (16, 16, 1)
    assert np.abs(loaded.astype(int) - 127).max() <= 3


def test_one_pixel_is_stretched() -> None:
    """A 1x1 picture is taken: it becomes an image of one colour."""
    one = np.array([[[10, 20, 30]]], dtype=np.uint8)
    loaded = load(encoded(one), InputSize(8, 8, 3), max_pixels=LIMIT)
    assert np.array_equal(np.full((8, 8, 3), (10, 20, 30)), loaded)


@pytest.mark.parametrize("width", [20_000, 10_000, 1_001])
def test_too_many_pixels_are_refused_by_the_header(width: int) -> None:
    """A header that announces too many pixels is enough to refuse a tiny file."""
    body = huge_png(width, width)
    assert len(body) < 90
    with pytest.raises(PictureTooLargeError, match="at most 1,000,000 are taken"):
        opened(body, max_pixels=LIMIT)


@pytest.mark.parametrize(("file_format", "options"), [("PNG", {}), ("WEBP", {"lossless": True})])
def test_animation_is_its_first_frame(file_format: str, options: dict[str, bool]) -> None:
    """An animated PNG or WebP is decoded as the still picture that it begins with."""
    decoded = decode(animated(file_format, **options), max_pixels=LIMIT)
    assert np.array_equal(noise(), decoded)


def test_second_picture_after_a_photograph_is_no_animation() -> None:
    """A phone's JPEG with a second picture behind it is decoded as the first."""
    first, second = Pillow.new("RGB", (16, 16), "red"), Pillow.new("RGB", (16, 16), "blue")
    body = saved(first, "MPO", save_all=True, append_images=[second])
    assert np.array_equal([254, 0, 0], decode(body, max_pixels=LIMIT)[0, 0])


@pytest.mark.parametrize("file_format", ["GIF", "TIFF", "AVIF"])
def test_other_format_is_refused_by_its_name(file_format: str) -> None:
    """A format that isn't taken is named, and those that are."""
    with pytest.raises(UnsupportedFormatError, match=f"{file_format} is not taken; send PNG, JPEG"):
        decode(encoded(noise(), file_format), max_pixels=LIMIT)


def test_animated_gif_is_refused_as_a_gif() -> None:
    """An animated GIF is refused, and the message says what to send."""
    with pytest.raises(UnsupportedFormatError, match="GIF is not taken"):
        decode(animated("GIF"), max_pixels=LIMIT)


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "BMP"])
def test_truncated_file_is_refused_wherever_it_was_cut(file_format: str) -> None:
    """Half of the file, or its mere start, is never taken for a picture."""
    body = encoded(noise(), file_format)
    for length in range(1, len(body) * 9 // 10, 97):
        with pytest.raises(UnreadablePictureError):
            decode(body[:length], max_pixels=LIMIT)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "empty"),
        (b"hello, world\n", "not a readable picture"),
        (b"BM but only text", "picture"),
    ],
)
def test_what_is_no_picture_is_refused(body: bytes, said: str) -> None:
    """Nothing, text, and text with a picture's first letters are unreadable."""
    with pytest.raises(UnreadablePictureError, match=said):
        decode(body, max_pixels=LIMIT)


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "BMP"])
def test_damaged_file_is_a_picture_or_a_picture_error(file_format: str) -> None:
    """Whatever bytes are flipped in a file, nothing but a PictureError comes out."""
    body = np.frombuffer(encoded(noise(), file_format), dtype=np.uint8)
    rng, refused = np.random.default_rng(1), 0
    for _ in range(150):
        damaged = body.copy()
        damaged[rng.integers(min(len(body), 400), size=4)] = rng.integers(256, size=4)
        try:
            decode(damaged.tobytes(), max_pixels=LIMIT)
        except PictureError:
            refused += 1
    assert refused > 0


def _bmp(rows: bytes, height: int, header: bytes = b"", compression: int = 0) -> bytes:
    """Return a BMP of 32 bits, one pixel wide."""
    told = struct.pack("<iiHHIIiiII", 1, height, 1, 32, compression, len(rows), 0, 0, 0, 0)
    whole = struct.pack("<I", 4 + len(told) + len(header)) + told + header
    start = 14 + len(whole)
    return b"BM" + struct.pack("<IHHI", start + len(rows), 0, 0, start) + whole + rows


@pytest.mark.parametrize(
    ("height", "expected"), [(2, [[4, 5, 6], [1, 2, 3]]), (-2, [[1, 2, 3], [4, 5, 6]])]
)
def test_bmp_is_upside_down_by_the_sign_of_its_height(
    height: int, expected: list[list[int]]
) -> None:
    """Its rows go up, or down if the height is negative; the fourth byte of 32 bits is nothing."""
    body = _bmp(bytes((3, 2, 1, 0, 6, 5, 4, 0)), height)
    assert expected == decode(body, max_pixels=LIMIT)[:, 0].tolist()


@pytest.mark.parametrize(("alpha", "expected"), [(0, 255), (255, 7)])
def test_bmp_with_an_alpha_mask_is_transparent(alpha: int, expected: int) -> None:
    """A header that names a mask for alpha makes the fourth byte one."""
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    body = _bmp(bytes((7, 7, 7, alpha)), 1, masks + bytes(52), compression=3)
    assert [expected] * 3 == decode(body, max_pixels=LIMIT)[0, 0].tolist()
