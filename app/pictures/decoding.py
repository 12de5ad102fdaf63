"""Encoded pictures to pixels: the one way in, for requests and for references alike.

Two decoders that disagree about a picture are a way around the defence, so what was decoded here
is also what goes upstream. What is done, and nothing else:

- PNG, JPEG, WebP and BMP, told from the content; the size is checked before anything is decoded;
- the EXIF orientation is applied; colour profiles are not;
- 16 bits a channel become 8 by keeping the high byte; CMYK and palettes become RGB;
- what is transparent is laid on white;
- a grey picture for a colour model is repeated in three channels, a coloured one for a grey model
  becomes its luma (ITU-R 601);
- a picture of another size than the model's is made to fit, by one of three ways (`Resize`): it is
  stretched, the ratio of its sides not kept; or cropped at the longer side, as much at each end; or
  padded with black at the shorter one. Bilinear, averaging over all pixels where it shrinks; even
  1x1 pixel is taken. A picture of the right size keeps every pixel.

Errors::

    PictureError                  no picture that can be used
    ├── UnsupportedFormatError      a picture, but of a format that isn't taken
    ├── PictureTooLargeError        more pixels than allowed
    └── UnreadablePictureError      no picture, a broken one, or an animation
"""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import TYPE_CHECKING, NoReturn, assert_never

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps, UnidentifiedImageError

from app.settings import Resize

if TYPE_CHECKING:
    from app.detection.search import Image
    from app.ports import InputSize

FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
ACCEPTED = "PNG, JPEG, WebP and BMP"

# Not taken, but recognised, so that the message can say what was sent.
_FOREIGN = (
    (0, b"GIF8", "GIF"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"%PDF", "PDF"),
    (0, b"%!PS", "PostScript"),
    (0, b"8BPS", "Photoshop"),
    (0, b"\0\0\0\x0cJXL ", "JPEG XL"),
    (0, b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (4, b"ftypavif", "AVIF"),
    (4, b"ftyphei", "HEIC"),
)

# Pillow's own guard stays in place behind ours, as an error.
warnings.filterwarnings("error", category=Pillow.DecompressionBombWarning)

_FILTER = Pillow.Resampling.BILINEAR

START_OF_SCAN = b"\xff\xda"
MOST_SCANS = 100
"""Encoders make 1 to about 15; each costs a pass over the whole picture."""


class PictureError(ValueError):
    """The bytes are no picture that can be used; the message is fit for the sender."""


class UnsupportedFormatError(PictureError):
    """A picture of a format that isn't taken."""


class PictureTooLargeError(PictureError):
    """The picture has more pixels than allowed."""


class UnreadablePictureError(PictureError):
    """No picture, a broken one, or an animation."""


def load(
    body: bytes, size: InputSize, *, max_pixels: int, resize: Resize = Resize.STRETCH
) -> Image:
    """Return the picture in *body* as the model takes it. Raises PictureError."""
    return fitted(opened(body, max_pixels=max_pixels), size, resize)


def opened(body: bytes, *, max_pixels: int) -> Pillow.Image:
    """Return the picture in *body* with its header read and checked, and nothing decoded yet.

    Raises PictureError.
    """
    if not body:
        message = "the picture is empty: 0 bytes"
        raise UnreadablePictureError(message)
    try:
        picture = Pillow.open(BytesIO(body), formats=FORMATS)
    except (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning) as exc:
        message = f"the picture has too many pixels; at most {max_pixels:,} are taken"
        raise PictureTooLargeError(message) from exc
    except UnidentifiedImageError as exc:
        _refuse_unidentified(body, exc)
    except Exception as exc:  # hostile bytes raise whatever a parser stumbles on
        raise _broken(exc) from exc
    _check_size(picture, max_pixels)
    _check_still(picture)
    _check_scans(picture, body)
    return picture


def fitted(picture: Pillow.Image, size: InputSize, resize: Resize = Resize.STRETCH) -> Image:
    """Decode an opened *picture*, as the model takes it. Raises UnreadablePictureError."""
    return fit(pixels(picture, size.channels), size, resize)


def pixels(picture: Pillow.Image, channels: int) -> Image:
    """Return an opened *picture* as (height, width, *channels*). Raises UnreadablePictureError."""
    try:
        upright = ImageOps.exif_transpose(picture)
        flat = _on_white(_eight_bit(upright)).convert("L" if channels == 1 else "RGB")
    except Exception as exc:  # hostile bytes raise whatever a parser stumbles on
        raise _broken(exc) from exc
    return _array(flat)


def fit(picture: Image, size: InputSize, resize: Resize = Resize.STRETCH) -> Image:
    """Return *picture*, of the model's number of channels, made to fit the model's size."""
    if picture.shape == (size.height, size.width, size.channels):
        return picture
    image = Pillow.fromarray(picture[:, :, 0] if size.channels == 1 else picture)
    sides = size.width, size.height
    match resize:
        case Resize.STRETCH:
            return _array(image.resize(sides, _FILTER))
        case Resize.CROP:
            return _array(ImageOps.fit(image, sides, _FILTER))
        case Resize.PAD:
            return _array(ImageOps.pad(image, sides, _FILTER, color=0))
        case _:
            assert_never(resize)


def _refuse_unidentified(body: bytes, cause: Exception) -> NoReturn:
    for offset, mark, name in _FOREIGN:
        if body.startswith(mark, offset):
            message = f"{name} is not taken; send {ACCEPTED}"
            raise UnsupportedFormatError(message) from cause
    message = f"this is no picture that can be read; send {ACCEPTED}"
    raise UnreadablePictureError(message) from cause


def _check_size(picture: Pillow.Image, max_pixels: int) -> None:
    if picture.width * picture.height > max_pixels:
        message = (
            f"the picture is {picture.width:,} x {picture.height:,} pixels; "
            f"at most {max_pixels:,} are taken"
        )
        raise PictureTooLargeError(message)


def _check_scans(picture: Pillow.Image, body: bytes) -> None:
    """Refuse a progressive JPEG that is refined so often that decoding it takes minutes."""
    if picture.format in {"JPEG", "MPO"} and body.count(START_OF_SCAN) > MOST_SCANS:
        message = f"the JPEG has too many scans; at most {MOST_SCANS} are taken"
        raise UnreadablePictureError(message)


def _check_still(picture: Pillow.Image) -> None:
    # A photograph with a second picture after it (MPO, some phones) is a JPEG like any other.
    if picture.format != "MPO" and getattr(picture, "is_animated", False):
        message = "the picture is animated; send a single one"
        raise UnreadablePictureError(message)


def _eight_bit(picture: Pillow.Image) -> Pillow.Image:
    # Pillow itself keeps the high byte of 16-bit colour, but saturates 16-bit grey.
    if picture.mode.startswith("I"):
        return Pillow.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    return picture


def _on_white(picture: Pillow.Image) -> Pillow.Image:
    if not picture.has_transparency_data:
        return picture
    white = Pillow.new("RGBA", picture.size, "white")
    return Pillow.alpha_composite(white, picture.convert("RGBA"))


def _array(picture: Pillow.Image) -> Image:
    array = np.array(picture, dtype=np.uint8)
    return array[:, :, None] if array.ndim == 2 else array  # noqa: PLR2004  # grey


def _broken(cause: Exception) -> UnreadablePictureError:
    return UnreadablePictureError(f"the picture is broken: {cause}")
