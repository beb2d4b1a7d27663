"""A watcher of the user's: VideoMAE (Tong et al. 2022) from a folder in the hub's layout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kinograph.memory.vision import Brought, unit


class VideoMae(Brought):
    """Unit vectors of whole clips: the mean of VideoMAE's patch tokens."""

    family, kinds = "videomae", ("videomae",)

    def watch(self, clips: Sequence[np.ndarray]) -> np.ndarray:
        """N clips `[T,H,W,3]` uint8 RGB -> `[N,size]`; each is seen in as many frames, evenly spread, as it takes."""
        return np.concatenate([self._watch(clip) for clip in clips])

    def _watch(self, clip: np.ndarray) -> np.ndarray:
        import torch

        count = int(self.config.get("num_frames", 16))
        taken = clip[np.linspace(0, len(clip) - 1, count).round().astype(int)]
        pictures = torch.from_numpy(self.eyepiece.pictures(taken))[None]
        with torch.no_grad():
            return unit(self.model()(pixel_values=pictures).last_hidden_state.mean(1))

    def _size(self, config: dict[str, Any]) -> int:
        return int(config.get("hidden_size", 768))
