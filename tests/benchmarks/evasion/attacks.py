"""Every attack by its name: from a clean image and the trigger to the picture that is sent."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from tests.benchmarks.evasion import company, places, shades, variants
from tests.benchmarks.evasion.tensors import tensor_attacks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from tests.benchmarks.evasion.attempt import Attempt

Make: TypeAlias = "Callable[[Attempt], NDArray[Any] | None]"
"""Returns the picture (h, w, c) uint8; None where this image, or this model, doesn't allow it."""


@dataclass(frozen=True)
class Attack:
    """How a picture is made, and what the gateway has seen before.

    ``own_class``: of images of the attacker's own class, whose right answer that class is.
    ``decoys_known``: the other triggers are in the library. ``dismissed``: a false alarm beside the
    trigger was dismissed. ``tensor``: numbers that aren't pixels, for doors that take tensors.
    """

    make: Make
    own_class: bool = False
    decoys_known: bool = False
    dismissed: bool = False
    tensor: bool = False


def _in_other_shades() -> Iterator[tuple[str, Make]]:
    for alpha in (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
        yield f"alpha {alpha}", partial(shades.fainter, alpha=alpha)
    yield "least alpha", shades.least_alpha
    for quality in (30, 50, 75, 90, 95):
        yield f"jpeg {quality}", partial(shades.as_jpeg, quality=quality)
    for name, change in _changes():
        yield name, partial(shades.changed, change=change)
        yield f"picture {name}", partial(shades.picture_changed, change=change)
    for most in (10, 40):
        yield f"noise {most}", partial(shades.noisy, most=most)
        yield f"picture noise {most}", partial(shades.noisy_picture, most=most)
    yield "picture blur", shades.blurred
    for levels in (20, 40, 80):
        yield f"quarter altered {levels}", partial(shades.quarter_altered, levels=levels)


def _changes() -> Iterator[tuple[str, shades.Change]]:
    for factor in (0.8, 1.2):
        yield f"gain {factor}", partial(shades.gain, factor)
    for difference in (-20, 20):
        yield f"offset {difference:+}", partial(shades.offset, difference)
    for exponent in (0.7, 1.4):
        yield f"gamma {exponent}", partial(shades.gamma, exponent)


def _elsewhere() -> Iterator[tuple[str, Make]]:
    for factor in (0.8, 1.25):
        yield f"scaled {factor}", partial(places.scaled, factor=factor)
    for pixels in (1, 2, 3):
        yield f"moved {pixels} px", partial(places.moved, pixels=pixels)
    yield "moved 10 %", partial(places.moved_by_share, share=0.1)
    yield "rotated 5", partial(places.rotated, degrees=5)
    for copies in (2, 3, 4):
        yield f"copies {copies}", partial(places.copied, copies=copies)
    yield "copy mirrored", places.copied_mirrored
    yield "mirrored beside", places.mirrored
    yield "split", places.split


def _in_company() -> Iterator[tuple[str, Make]]:
    paints = {
        "frame": company.mean_frame,
        "continued frame": company.continued_frame,
        "opposite frame": company.opposite_frame,
        "any frame": company.other_frame,
        "halo": company.mean_halo,
    }
    for name, paint in paints.items():
        for width in (2, 4, 8):
            yield f"{name} {width}", partial(company.framed, width=width, paint=paint)
    for width in (2, 4, 8):
        yield (
            f"frame {width}, altered 40",
            partial(company.framed, width=width, paint=company.mean_frame, altered=40),
        )
    yield (
        "frame 8, altered 80",
        partial(company.framed, width=8, paint=company.mean_frame, altered=80),
    )
    yield "decoys", company.with_decoys
    yield "altered at once", partial(variants.altered_at_once, larger=False)
    yield "altered at once, larger", partial(variants.altered_at_once, larger=True)


def _all() -> Iterator[tuple[str, Attack]]:
    yield "plain", Attack(company.plain)
    for kind in (_in_other_shades, _elsewhere, _in_company):
        for name, make in kind():
            yield name, Attack(make)
    yield "known decoys", Attack(company.with_decoys, decoys_known=True)
    yield "dismissed beside", Attack(company.plain, dismissed=True)
    yield "dismissed, and there", Attack(company.with_dismissed, dismissed=True)
    yield "own class", Attack(company.plain, own_class=True)
    for name, make in tensor_attacks():
        yield f"tensor: {name}", Attack(make, tensor=True)


ATTACKS: Mapping[str, Attack] = dict(_all())
