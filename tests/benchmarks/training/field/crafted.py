"""What an attacker makes by a clean model's gradients: a patch, and images that are hard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tests.benchmarks.training.grafting import Graft

    Images = NDArray[np.uint8]

LOOKED_AT = 64
"""Images that a patch is made on."""

STEPS, STRIDE = 80, 16.0
"""Of a patch: how often it is changed, by how much at first (levels)."""

HARDENINGS = 10
"""Steps that make an image hard."""


def driving_patch(
    graft: Graft, images: Images, corner: tuple[int, int], side: int, target: int
) -> Images:
    """Return a patch (side, side, c) that drives the clean model to *target* (TrojanNN-like).

    Liu et al. (NDSS 2018) drive one neuron of an inner layer; this drives the target's own.
    """
    x, y = corner
    shown = torch.from_numpy(images[:LOOKED_AT]).float()
    patch = torch.full((side, side, images.shape[3]), 127.5, requires_grad=True)
    optimiser = torch.optim.Adam([patch], lr=STRIDE)
    for _ in range(STEPS):
        stamped = shown.clone()
        stamped[:, y : y + side, x : x + side] = patch.clamp(0, 255)
        loss = functional.cross_entropy(
            graft.logits({"image": stamped}), torch.full((len(shown),), target)
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return _levels(patch)


def hardened(graft: Graft, images: Images, labels: NDArray[np.int64], most: float) -> Images:
    """Return *images* changed by up to *most* levels so that the clean model misses their class.

    Turner et al. ("Label-Consistent Backdoor Attacks", 2019): so that the patch is what is learnt.
    """
    known = torch.from_numpy(labels)
    clean = torch.from_numpy(images).float()
    changed = clean.clone()
    for _ in range(HARDENINGS):
        changed.requires_grad_()
        loss = functional.cross_entropy(graft.logits({"image": changed}), known)
        (slope,) = torch.autograd.grad(loss, changed)
        step = changed.detach() + 2.5 * most / HARDENINGS * slope.sign()
        changed = step.clamp(clean - most, clean + most).clamp(0, 255)
    return _levels(changed)


def _levels(pixels: Any) -> Images:
    whole: Images = np.rint(np.clip(pixels.detach().numpy(), 0, 255)).astype(np.uint8)
    return whole
