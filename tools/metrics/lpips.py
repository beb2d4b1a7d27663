"""LPIPS: how far a clip is from its reference to a network that sees somewhat like people."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from kinograph.tools.metrics import Beside, Metric, Unmeasurable
from kinograph.tools.metrics.beside_reference import pair

BACKBONE = "alexnet-owt-7be5be79.pth"
"""torchvision's AlexNet; torchmetrics has the linear weights, and never these."""
LEAST = 32
"""Pixels a side below which AlexNet has nothing left to look at."""


def lpips(frames: np.ndarray, beside: Beside) -> float:
    """Learned perceptual distance (Zhang et al. 2018; AlexNet), mean over frames; 0 is equal.

    Nothing is fetched: without torchvision and its AlexNet in the cache of torch.hub it is not measured.
    """
    _require_weights()
    if min(frames.shape[1:3]) < LEAST:
        raise Unmeasurable(f"needs {LEAST} pixels a side")
    from torchmetrics.functional.image import learned_perceptual_image_patch_similarity

    one, other = (each / 127.5 - 1 for each in pair(frames, beside))
    return float(learned_perceptual_image_patch_similarity(one, other, net_type="alex"))


def _require_weights() -> None:
    if find_spec("torchvision") is None:
        raise Unmeasurable("needs the package torchvision")
    import torch

    file = Path(torch.hub.get_dir()) / "checkpoints" / BACKBONE
    if not file.is_file():
        raise Unmeasurable(f"needs the weights {str(file)!r}")


METRIC = Metric("lpips", "lower", (0.0, float("inf")), "model", lpips, ("reference",))
