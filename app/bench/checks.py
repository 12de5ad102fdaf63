"""What is checked before a gateway starts: the settings, the model, the images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.bench.gateway import BenchError
from app.bench.options import option_of
from app.pictures.image_sets import Fitting, ImageSetError, read_image_set
from app.pictures.references import AT_MOST, load_references
from app.ports import UpstreamError
from app.settings import SettingError, read_settings
from app.wiring import open_upstream

if TYPE_CHECKING:
    from app.bench.options import Options
    from app.detection.search import Images
    from app.ports import InputSize
    from app.settings import Settings


def settings_of_gateway() -> Settings:
    """Read the settings from the environment. Raises BenchError."""
    try:
        return read_settings()
    except SettingError as exc:
        raise BenchError(option_of(str(exc))) from exc


async def input_size(settings: Settings) -> InputSize:
    """Ask the model server what images its model takes. Raises BenchError."""
    try:
        async with open_upstream(settings) as model:
            await model.check()
            return model.size
    except UpstreamError as exc:
        message = f"--upstream: {exc}; is the model server there, and the model {settings.model!r}?"
        raise BenchError(message) from exc


def images_to_send(options: Options, settings: Settings, size: InputSize) -> Images:
    """Return what is sent, as the model takes it.

    Raises BenchError, also for a reference set that the gateway couldn't use.
    """
    try:
        references = load_references(
            settings.reference,
            size,
            max_pixels=settings.max_pixels,
            resize=settings.input_resize,
        )
    except ImageSetError as exc:
        message = f"--reference: {exc}"
        raise BenchError(message) from exc
    if options.images is None:
        return references
    try:
        return read_image_set(
            options.images,
            Fitting(size, settings.input_resize),
            max_pixels=settings.max_pixels,
            at_most=AT_MOST,
            example="a folder, a .zip of one, or a .npz, with clean images",
        ).images
    except ImageSetError as exc:
        message = f"--images: {exc}"
        raise BenchError(message) from exc
