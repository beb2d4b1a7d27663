"""A clip and its reference side by side, as tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kinograph.tools.metrics import Beside, Unmeasurable

if TYPE_CHECKING:
    from torch import Tensor


def reference_of(frames: np.ndarray, beside: Beside) -> np.ndarray:
    """The reference `[T,H,W,3]`. Raises Unmeasurable where it is of another length or size."""
    assert beside.reference is not None
    if beside.reference.shape != frames.shape:
        raise Unmeasurable(f"needs a reference of {_spoken(frames)}, not {_spoken(beside.reference)}")
    return beside.reference


def pair(frames: np.ndarray, beside: Beside) -> tuple[Tensor, Tensor]:
    """Clip and reference as float `[T,3,H,W]`, 0..255. Raises Unmeasurable where they do not match."""
    import torch

    both = (np.moveaxis(one, -1, 1) for one in (frames, reference_of(frames, beside)))
    one, other = (torch.from_numpy(np.ascontiguousarray(each)).float() for each in both)
    return one, other


def _spoken(frames: np.ndarray) -> str:
    return f"{len(frames)} frames {frames.shape[2]}x{frames.shape[1]}"
