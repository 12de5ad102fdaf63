"""Encoded pictures to pixels: the one way in, for requests and for references alike.

Two decoders that disagree about a picture are a way around the defence, so what was decoded here
is also what goes upstream. What is done, and nothing else:

- PNG, JPEG, WebP and BMP, told from the content; the size is checked before anything is decoded;
- a decoder sees of a file only what its first picture needs (`essence`): an animation (APNG, WebP)
  is its first frame, whatever else is in the file costs nothing;
- the EXIF orientation is applied; colour profiles are not (`docs/http.md` has the list of what a
  file may say of itself, and the module of each format how it is read);
- 16 bits a channel become 8 by keeping the high byte; CMYK and palettes become RGB;
- what is transparent is laid on white;
- a grey picture for a colour model is repeated in three channels, a coloured one for a grey model
  becomes its luma (ITU-R 601);
- a picture of another size than the model's is made to fit, by one of three ways (`Resize`): it is
  stretched, the ratio of its sides not kept; or cropped at the longer side, as much at each end; or
  padded with black at the shorter one. Bilinear, averaging over all pixels where it shrinks; even
  1x1 pixel is taken. A picture of the right size keeps every pixel.

A decoder at work can't be stopped, so its work is bounded before it begins: by the pixels, by the
length of a side (a row of one pixel costs as much as one of many), by the passes that a progressive
JPEG makes, and by taking no BMP whose runs Pillow would unpack in Python. The slowest of 16 Mpx and
10 MiB that was found costs 1 s of one core, and 350 MB while it lasts (2026, one core of a server):
PNG 0.5 s, JPEG 0.6 s, WebP 1.0 s, BMP 0.3 s.

Errors::

    PictureError                  no picture that can be used
    ├── UnsupportedFormatError      a picture, but of a format that isn't taken
    ├── PictureTooLargeError        more pixels than allowed
    └── UnreadablePictureError      no picture, or a broken one
"""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import TYPE_CHECKING, NoReturn, assert_never

import numpy as np
from PIL import Image as Pillow
from PIL import ImageFile, ImageOps, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from app.pictures.colour_key import Transparency
from app.pictures.formats import jpeg, png, webp
from app.pictures.formats.accepted import ACCEPTED, FORMATS, told_format
from app.pictures.formats.essence import Essence
from app.pictures.formats.exif import TURNS, UPRIGHT
from app.ports import InputSize
from app.settings import Resize
from app.values import value_class

if TYPE_CHECKING:
    from app.detection.search import Image
    from app.pictures.formats.essence import Rows

# Pillow's own guard stays in place behind ours, as an error.
warnings.filterwarnings("error", category=Pillow.DecompressionBombWarning)

_FILTER = Pillow.Resampling.BILINEAR

LONGEST_SIDE = 65_535
"""JPEG's own limit, in pixels."""
MOST_PASSES = 100
"""Over any picture; encoders make 1 to about 15."""
MOST_PASSES_OVER_LARGEST = 20
"""Over one of as many pixels as are taken, and as many more over a smaller one."""


class PictureError(ValueError):
    """The bytes are no picture that can be used; the message is fit for the sender."""


class UnsupportedFormatError(PictureError):
    """A picture of a format that isn't taken."""


class PictureTooLargeError(PictureError):
    """The picture has more pixels than allowed."""


class UnreadablePictureError(PictureError):
    """No picture, or a broken one."""


@value_class(frozen=True, eq=False)
class Opened:
    """A picture whose header is read and checked, to be decoded by whoever wants its pixels.

    ``orientation`` is EXIF's, 1 to 8; ``passes`` is how often decoding goes over the picture.
    """

    picture: Pillow.Image
    orientation: int = UPRIGHT
    passes: int = 1
    key: Transparency | None = None

    @property
    def work(self) -> int:
        """What decoding it costs: pixels, once a pass."""
        width, height = self.picture.size
        return width * height * self.passes


def load(
    body: bytes, size: InputSize, *, max_pixels: int, resize: Resize = Resize.STRETCH
) -> Image:
    """Return the picture in *body* as the model takes it. Raises PictureError."""
    return fitted(opened(body, max_pixels=max_pixels), size, resize)


def opened(body: bytes, *, max_pixels: int) -> Opened:
    """Return the picture in *body* with its header read and checked, and nothing decoded yet.

    A small PNG is decoded at once. Raises PictureError.
    """
    if not body:
        message = "the picture is empty: 0 bytes"
        raise UnreadablePictureError(message)
    try:
        essence = _essence(body)
        picture = _unpacked(essence.rows) or Pillow.open(BytesIO(essence.body), formats=FORMATS)
    except (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning) as exc:
        message = f"the picture has too many pixels; at most {max_pixels:,} are taken"
        raise PictureTooLargeError(message) from exc
    except UnidentifiedImageError as exc:
        _refuse_unidentified(body, exc)
    except Exception as exc:  # hostile bytes raise whatever a parser stumbles on
        raise _broken(exc) from exc
    _check_size(picture, max_pixels)
    _check_passes(picture, essence.passes, max_pixels)
    _check_runs(picture)
    key = None if essence.key is None else Transparency(essence.key, essence.body)
    return Opened(picture, essence.orientation, essence.passes, key)


def fitted(picture: Opened, size: InputSize, resize: Resize = Resize.STRETCH) -> Image:
    """Decode an opened *picture*, as the model takes it. Raises UnreadablePictureError."""
    return fit(pixels(picture, size.channels), size, resize)


def halved(picture: Opened, size: InputSize, resize: Resize = Resize.STRETCH) -> Image | None:
    """Decode an opened *picture* to half the sides of *size*; None where that is no less work.

    The decoder of a JPEG leaves out what a smaller picture doesn't show. It reads the whole file
    all the same, so what is broken is as broken. Raises UnreadablePictureError.
    """
    half = InputSize(-(-size.height // 2), -(-size.width // 2), size.channels)
    file, side = picture.picture, max(half.height, half.width)  # it may still have to be turned
    if not isinstance(file, JpegImageFile) or min(file.size) < 2 * side:
        return None
    file.draft(None, (side, side))
    return fitted(picture, half, resize)


def pixels(picture: Opened, channels: int) -> Image:
    """Return an opened *picture* as (height, width, *channels*). Raises UnreadablePictureError."""
    try:
        mode = "L" if channels == 1 else "RGB"
        there = None if picture.key is None else picture.key.mask(picture.picture)
        flat = _on_white(_eight_bit(picture.picture))
        if there is not None:
            flat = flat.convert("L") if flat.mode == "1" else flat
            flat.paste("white", None, there)
        if flat.mode != mode:  # else it would only be copied
            flat = flat.convert(mode)
        turn = TURNS.get(picture.orientation)
        return _array(flat if turn is None else flat.transpose(turn))
    except Exception as exc:  # hostile bytes raise whatever a parser stumbles on
        raise _broken(exc) from exc


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


def _essence(body: bytes) -> Essence:
    if body.startswith(png.SIGNATURE):
        return png.essence(body)
    if body.startswith(jpeg.SIGNATURE):
        return jpeg.essence(body)
    if body.startswith(webp.SIGNATURE) and body.startswith(webp.FORM, 8):
        return webp.essence(body)
    return Essence(body)


def _unpacked(rows: Rows | None) -> Pillow.Image | None:
    """Return the picture of these *rows*; None if there are none, or they are broken.

    Pillow reads a file in three times the calls of this, and takes half as long again for a small
    one. What is wrong with a broken one it says better.
    """
    if rows is None:
        return None
    try:
        return Pillow.frombytes(rows.mode, rows.size, rows.packed, "zip", rows.mode)
    except ValueError:
        return None


def _refuse_unidentified(body: bytes, cause: Exception) -> NoReturn:
    name = told_format(body)
    if name is not None and name not in FORMATS:
        message = f"{name} is not taken; send {ACCEPTED}"
        raise UnsupportedFormatError(message) from cause
    message = f"this is not a readable picture; send {ACCEPTED}"
    raise UnreadablePictureError(message) from cause


def _check_size(picture: Pillow.Image, max_pixels: int) -> None:
    width, height = picture.size
    if width * height > max_pixels or max(width, height) > LONGEST_SIDE:
        message = (
            f"the picture is {width:,} x {height:,} pixels; "
            f"at most {max_pixels:,} are taken, and {LONGEST_SIDE:,} a side"
        )
        raise PictureTooLargeError(message)


def _check_passes(picture: Pillow.Image, passes: int, max_pixels: int) -> None:
    """Refuse a progressive JPEG that is refined so often that decoding it takes long."""
    if passes == 1:  # as of nearly all
        return
    most = MOST_PASSES_OVER_LARGEST * max_pixels // (picture.width * picture.height)
    if passes > min(most, MOST_PASSES):
        message = f"the JPEG has too many scans for its size: {passes}"
        raise UnreadablePictureError(message)


def _check_runs(picture: Pillow.Image) -> None:
    tile = picture.tile if isinstance(picture, ImageFile.ImageFile) else ()
    if tile and tile[0].codec_name == "bmp_rle":
        message = "a BMP compressed by run lengths is not taken; save it uncompressed"
        raise UnsupportedFormatError(message)


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
    width, height = picture.size
    values = np.frombuffer(picture.tobytes(), np.uint8)  # asarray would copy them once more
    return values.reshape(height, width, -1)


def _broken(cause: Exception) -> UnreadablePictureError:
    return UnreadablePictureError(f"the picture is broken: {cause}")
