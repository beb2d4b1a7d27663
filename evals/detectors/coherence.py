"""Temporal coherence: how well each frame is explained by the next one, brought back along the optical flow."""

from __future__ import annotations

import cv2
import numpy as np


def temporal_coherence(frames: np.ndarray) -> float:
    """1 less the warping error of a clip `[T,H,W,3]`, uint8 RGB, T ≥ 2; 0 to 1, higher is steadier.

    For each pair of neighbours, I(t+1) is warped back to t along the flow f from t to t+1,

        coherence = mean over pairs and valid pixels p of  1 - |I_t(p) - I_{t+1}(p + f(p))| / 255,

    averaged over the three channels, which is the warping error of Lai et al. 2018 ("Learning Blind Video
    Temporal Consistency") in absolute instead of squared differences. Flow is DIS (Kroeger et al. 2016,
    medium preset) on grey pictures. A pixel is valid when p + f(p) is in the picture and the flow b back from
    there does not contradict it (Sundaram et al. 2010): |f + b|² ≤ 0.01 (|f|² + |b|²) + 0.5 pixels². Occlusions
    so do not count as incoherence; a pair without any valid pixel counts as coherence 0.
    """
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or len(frames) < 2:
        raise ValueError(f"{frames.dtype} {list(frames.shape)} is no uint8 RGB [T,H,W,3] with two frames or more")
    grays = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    grid = np.stack(np.meshgrid(*map(np.arange, frames.shape[2:0:-1])), -1).astype(np.float32)
    pairs = []
    for t in range(len(frames) - 1):
        ahead, back = (flow.calc(grays[a], grays[b], None) for a, b in ((t, t + 1), (t + 1, t)))  # pyright: ignore
        where = grid + ahead
        back = cv2.remap(back, where, None, cv2.INTER_LINEAR)  # pyright: ignore
        warped = cv2.remap(frames[t + 1].astype(np.float32), where, None, cv2.INTER_LINEAR)  # pyright: ignore
        inside = ((where >= 0) & (where <= np.array(frames.shape[2:0:-1]) - 1)).all(-1)
        agrees = ((ahead + back) ** 2).sum(-1) <= 0.01 * ((ahead**2).sum(-1) + (back**2).sum(-1)) + 0.5
        error = np.abs(frames[t] - warped).mean(-1)[inside & agrees]
        pairs.append(1.0 - float(error.mean()) / 255 if len(error) else 0.0)
    return float(np.mean(pairs))
