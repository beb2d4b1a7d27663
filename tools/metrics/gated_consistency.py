"""Gated consistency: consistency that counts only as far as the clip shows what was asked."""

from __future__ import annotations

import numpy as np

from kinograph.tools.metrics import Beside, Metric, Unmeasurable
from kinograph.tools.metrics.attribute_fidelity import attribute_fidelity
from kinograph.tools.metrics.background_consistency import background_consistency
from kinograph.tools.metrics.motion_agreement import motion_agreement
from kinograph.tools.metrics.subject_consistency import subject_consistency
from kinograph.tools.metrics.text_alignment import text_alignment


def gated_consistency(frames: np.ndarray, beside: Beside) -> float:
    """Mean of subject and background consistency, times attribute fidelity, times motion agreement; 0 to 1.

    A still picture of the wrong thing is as consistent as can be: here it is worth nothing. Words without an attribute
    that could be exchanged count by their alignment. Without a motion that was asked for nothing is said of motion; a
    subject that cannot be followed does not do what it should.
    """
    consistent = (subject_consistency(frames, beside) + background_consistency(frames, beside)) / 2
    return consistent * _fidelity(frames, beside) * _moves_right(frames, beside)


def _fidelity(frames: np.ndarray, beside: Beside) -> float:
    try:
        return attribute_fidelity(frames, beside)
    except Unmeasurable:
        return max(0.0, text_alignment(frames, beside))


def _moves_right(frames: np.ndarray, beside: Beside) -> float:
    try:
        return motion_agreement(frames, beside) if beside.motion else 1.0
    except Unmeasurable:
        return 0.0


METRIC = Metric("gated consistency", "higher", (0.0, 1.0), "embedding", gated_consistency, ("words", "reader"))
