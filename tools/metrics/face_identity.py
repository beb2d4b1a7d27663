"""Face identity: how much the faces in a clip look like the cast's, to a recogniser that the caller has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kinograph.tools.metrics import Beside, Metric, Unmeasurable


def face_identity(frames: np.ndarray, beside: Beside) -> float:
    """Cosine of the best face of a frame to the nearest picture of a character, mean over frames with faces and cast.

    No recogniser ships: `Beside.faces` is the caller's own, such as ArcFace. Raises Unmeasurable where the cast's
    pictures or the clip show no face.
    """
    cast = [found for pictures in beside.cast.values() if len(found := _faces(pictures, beside))]
    if not cast:
        raise Unmeasurable("needs a face in the cast's pictures")
    shown = [found for frame in frames if len(found := _faces([frame], beside))]
    if not shown:
        raise Unmeasurable("needs a face in the clip")
    return float(np.mean([np.clip((faces @ known.T).max(), -1, 1) for known in cast for faces in shown]))


def _faces(pictures: Sequence[np.ndarray], beside: Beside) -> np.ndarray:
    """`[N,size]` unit vectors of the faces in some pictures."""
    assert beside.faces is not None
    found = [np.asarray(beside.faces(picture), np.float32) for picture in pictures]
    found = [vectors.reshape(len(vectors), -1) for vectors in found if vectors.size]
    if not found:
        return np.zeros((0, 0), np.float32)
    vectors = np.concatenate(found)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


METRIC = Metric("face identity", "higher", (-1.0, 1.0), "model", face_identity, ("faces", "cast"))
