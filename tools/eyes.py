"""What is to be seen in frames: subjects by their colour and shape, and where they are.

These are a validator's eyes: they measure pixels and know nothing of what was asked for or drawn. Frames
are `[T,H,W,3]` uint8 RGB; places are in the picture's width and height, 0..1, y down.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kinograph.film import Character
from kinograph.tools.colors import HUES, VIVID, hue_gap, mean_hue, to_lab, vividness
from kinograph.tools.silhouettes import PATCH, fit, known_kinds, likeness, without_glow

SMALLEST = 0.0016
"""Smallest subject, as a share of the picture."""


class Sighting(NamedTuple):
    """One subject through a clip; arrays have a row a frame and hold NaN where it was not seen."""

    seen: np.ndarray
    """`[T]` bool."""
    x: np.ndarray
    """`[T]` centre, 0..1 of the width."""
    y: np.ndarray
    area: np.ndarray
    """`[T]` share of the picture."""
    hue: np.ndarray
    """`[T]` mean CIELAB hue in degrees."""
    cropped: np.ndarray
    """`[T]` bool: it touches the picture's edge."""
    box: np.ndarray
    """`[T,4]` left, top, right, bottom, 0..1."""
    mask: np.ndarray
    """`[T,PATCH,PATCH]` float32: the silhouette, centred and scaled to a fixed area."""
    patch: np.ndarray
    """`[T,PATCH,PATCH]` float32: lightness 0..100 inside the silhouette, scaled alike."""

    def crop(self, frames: np.ndarray, frame: int, margin: float = 0.15) -> np.ndarray:
        """`[h,w,3]`: the subject cut out of `frames[frame]` with some room around it."""
        height, width = frames.shape[1:3]
        left, top, right, bottom = self.box[frame]
        dx, dy = (right - left) * margin, (bottom - top) * margin
        rows = slice(max(0, int((top - dy) * height)), int(np.ceil((bottom + dy) * height)) + 1)
        columns = slice(max(0, int((left - dx) * width)), int(np.ceil((right + dx) * width)) + 1)
        return frames[frame][rows, columns]


class Wanted(NamedTuple):
    """What to look for; None where any will do."""

    color: str | None
    kind: str | None = None
    exact: bool = True
    """The kind is known by this name or another; otherwise it is only what a stranger probably looks like."""


def wanted(character: Character) -> Wanted:
    """The colour and kind to look for, as far as these eyes know them by this or another name."""
    from kinograph.tools.storyworld.grammar import read

    found = read(f"a {character.color or ''} {character.kind}")
    color = read(f"a {character.color} ball")
    kind = found.world.subjects[0].kind if found.world.subjects else None
    return Wanted(
        color=color.world.subjects[0].color if character.color and not color.unknown else None,
        kind=kind,
        exact=kind is not None and all(character.kind not in words for words in found.unknown),
    )


class Blob(NamedTuple):
    """A patch of vivid colour in one frame."""

    x: float
    y: float
    area: float
    hue: float
    cropped: bool
    box: tuple[float, float, float, float]
    mask: np.ndarray
    patch: np.ndarray


# ------------------------------------------------------------------------------------- finding blobs


def blobs(lab: np.ndarray) -> list[Blob]:
    """The vivid patches of one picture `[h,w,3]` CIELAB, largest first."""
    import cv2

    height, width = lab.shape[:2]
    vivid = (vividness(lab) > VIVID).astype(np.uint8)
    # Details of another colour (a window, a stripe) split a subject: close gaps before counting parts.
    reach = max(1, round(min(height, width) * 0.016))
    joined = cv2.morphologyEx(vivid, cv2.MORPH_CLOSE, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    count, labels = cv2.connectedComponents(joined, connectivity=8)
    parts = [(labels == label) & (vivid > 0) for label in range(1, count)]
    parts = sorted((part for part in parts if part.sum() >= SMALLEST / 4 * part.size), key=lambda part: -part.sum())
    whole = [part for part in _with_fragments(lab, parts) if part.sum() >= SMALLEST * part.size]
    return sorted((_blob(lab, part) for part in whole), key=lambda blob: -blob.area)


def _with_fragments(lab: np.ndarray, parts: list[np.ndarray]) -> list[np.ndarray]:
    """Parts that all but touch a larger one of the same hue belong to it, cut off by a dark outline."""
    import cv2

    whole: list[np.ndarray] = []
    reach = max(3, round(min(lab.shape[:2]) * 0.045))
    for part in parts:
        near = cv2.dilate(part.astype(np.uint8), np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) > 0
        for index, body in enumerate(whole):
            if (
                part.sum() < 0.9 * body.sum()
                and (near & body).any()
                and hue_gap(mean_hue(lab[part]), mean_hue(lab[body])) < 15
            ):
                whole[index] = body | part
                break
        else:
            whole.append(part)
    return whole


def _blob(lab: np.ndarray, inside: np.ndarray) -> Blob:
    height, width = inside.shape
    inside = without_glow(lab, inside)
    rows, columns = np.nonzero(inside)
    top, left = int(rows.min()), int(columns.min())
    high, wide = int(rows.max()) + 1 - top, int(columns.max()) + 1 - left
    window = (slice(top, top + high), slice(left, left + wide))
    around = inside[window]
    return Blob(
        x=float(columns.mean() + 0.5) / width,
        y=float(rows.mean() + 0.5) / height,
        area=float(inside.sum()) / inside.size,
        hue=mean_hue(lab[inside]),
        cropped=left == 0 or top == 0 or left + wide == width or top + high == height,
        box=(left / width, top / height, (left + wide) / width, (top + high) / height),
        mask=fit(around, around),
        patch=fit(np.where(inside, lab[..., 0], 0)[window], around),
    )


# ------------------------------------------------------------------------------------------ tracking


def look(frames: np.ndarray, wanted: Sequence[Wanted]) -> list[Sighting]:
    """One sighting for each subject that should be there: what fits its colour and kind best, else what is left.

    A subject that is nowhere has no frame `seen`.
    """
    return assign(tracks(to_lab(frames)), len(frames), wanted)


def tracks(lab: np.ndarray) -> list[dict[int, Blob]]:
    """Blobs of `[T,h,w,3]` linked through time by place and colour, longest first: frame -> blob."""
    from scipy.optimize import linear_sum_assignment

    aspect = lab.shape[2] / lab.shape[1]
    found: list[dict[int, Blob]] = []
    for frame, picture in enumerate(lab):
        present = blobs(picture)[:6]
        open_tracks = [track for track in found if frame - max(track) <= max(4, len(lab) // 2)]
        cost = np.array(
            [
                [_step_cost(track[max(track)], frame - max(track), blob, aspect) for blob in present]
                for track in open_tracks
            ]
        ).reshape(len(open_tracks), len(present))
        taken = set()
        for row, column in zip(*linear_sum_assignment(cost), strict=True):
            if cost[row, column] < 1:
                open_tracks[row][frame] = present[column]
                taken.add(column)
        found += [{frame: blob} for column, blob in enumerate(present) if column not in taken]
    return _joined(found, aspect)


def _joined(found: list[dict[int, Blob]], aspect: float) -> list[dict[int, Blob]]:
    """Tracks, longest first, with those joined to longer ones that only go on where these have gaps.

    A subject that falls into two parts in some frames is followed by one part, and then again from the other.
    """
    whole: list[dict[int, Blob]] = []
    for track in sorted(found, key=lambda track: -sum(blob.area for blob in track.values())):
        body = next((body for body in whole if _one_subject(body, track, aspect)), None)
        if body is None:
            whole.append(track)
        else:
            larger = {frame: blob for frame, blob in track.items() if frame not in body or blob.area > body[frame].area}
            body.update(larger)
    return sorted(whole, key=lambda track: -sum(blob.area for blob in track.values()))


def _one_subject(body: dict[int, Blob], track: dict[int, Blob], aspect: float) -> bool:
    """Whether a track fills gaps of another, so close in place and colour that nothing else can."""
    if len(body.keys() & track.keys()) > 0.6 * len(track):
        return False
    for frame, blob in track.items():
        last = min(body, key=lambda other: (abs(other - frame), other))
        near = body[last]
        if hue_gap(blob.hue, near.hue) > 15 or _step_cost(near, abs(last - frame), blob, aspect) >= 1:
            return False
    return True


def _step_cost(last: Blob, gap: int, blob: Blob, aspect: float) -> float:
    """Below 1 where two blobs may be one subject `gap` frames apart."""
    distance = np.hypot((blob.x - last.x) * max(1, aspect), (blob.y - last.y) / min(1, aspect))
    size = abs(np.log(blob.area / last.area))
    return float(distance / (0.12 + 0.06 * gap) * 0.5 + size / 1.6 * 0.3 + hue_gap(blob.hue, last.hue) / 180 * 0.2)


def assign(found: Sequence[dict[int, Blob]], frames: int, wanted: Sequence[Wanted]) -> list[Sighting]:
    """Gives each wanted subject the track that fits it best; large tracks go before small ones."""
    from scipy.optimize import linear_sum_assignment

    candidates = [track for track in found if len(track) >= max(1, 0.15 * frames)][: max(4, 2 * len(wanted))]
    sightings = [_sighting(track, frames) for track in candidates]
    weight = max((float(sighting.area.sum()) for sighting in sightings), default=1.0)
    cost = np.array(
        [
            [
                _hue_cost(s, one.color) + _kind_cost(s, one.kind) + 0.2 * (1 - float(s.area.sum()) / weight)
                for s in sightings
            ]
            for one in wanted
        ]
    ).reshape(len(wanted), len(sightings))
    chosen = dict(zip(*linear_sum_assignment(cost), strict=True))
    return [sightings[chosen[row]] if row in chosen else _sighting({}, frames) for row in range(len(wanted))]


def _hue_cost(sighting: Sighting, color: str | None) -> float:
    if color not in HUES:
        return 0.0
    return min(1.0, float(np.nanmedian(hue_gap(sighting.hue, HUES[color][0]))) / 40)


def _kind_cost(sighting: Sighting, kind: str | None) -> float:
    if kind not in known_kinds():
        return 0.0
    return 1.5 * (1 - likeness(sighting.mask[np.flatnonzero(sighting.seen)[::3]])[kind])


def _sighting(track: dict[int, Blob], frames: int) -> Sighting:
    def column(get, *shape: int) -> np.ndarray:
        out = np.full((frames, *shape), np.nan, np.float32)
        for frame, blob in track.items():
            out[frame] = get(blob)
        return out

    seen = np.isin(np.arange(frames), list(track))
    return Sighting(
        seen=seen,
        x=column(lambda b: b.x),
        y=column(lambda b: b.y),
        area=np.nan_to_num(column(lambda b: b.area)),
        hue=column(lambda b: b.hue),
        cropped=np.nan_to_num(column(lambda b: b.cropped)) > 0,
        box=column(lambda b: b.box, 4),
        mask=column(lambda b: b.mask, PATCH, PATCH),
        patch=column(lambda b: b.patch, PATCH, PATCH),
    )


def picture_hue(picture: np.ndarray) -> float | None:
    """The CIELAB hue in degrees of the largest vivid thing in a picture `[H,W,3]`; None when nothing is vivid."""
    found = blobs(to_lab(picture[None])[0])
    return found[0].hue if found else None
