"""What is to be seen in frames: subjects by their colour, where they are, which shape they have; and where
the camera goes.

These are a validator's eyes: they measure pixels and know nothing of what was asked for or drawn. Frames
are `[T,H,W,3]` uint8 RGB; places are in the picture's width and height, 0..1, y down.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from kinograph.film import Character

if TYPE_CHECKING:
    from kinograph.tools.storyworld.world import Kind, LookName

SIDE = 144
"""Shorter side of the pictures that are looked at, in pixels: enough to tell shapes, quick to scan."""
PATCH = 32
"""Side of the normalised subject patches."""
VIVID = 0.56
"""Share of a named colour's own chroma from which a pixel is taken for a subject's."""
SMALLEST = 0.0016
"""Smallest subject, as a share of the picture."""

HUES: dict[str, tuple[float, float]] = {
    "red": (33.0, 88.0),
    "orange": (62.0, 83.0),
    "yellow": (92.0, 85.0),
    "green": (139.0, 73.0),
    "cyan": (181.0, 51.0),
    "blue": (287.0, 75.0),
    "purple": (318.0, 88.0),
    "pink": (353.0, 78.0),
}
"""Named colours: CIELAB hue in degrees and chroma of a vivid example."""


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


def wanted(character: Character) -> Wanted:
    """The colour and kind to look for, as far as these eyes know them by this or another name."""
    from kinograph.tools.storyworld.grammar import read

    plain = read(f"a {character.color or ''} {character.kind}")
    color = read(f"a {character.color} ball")
    kind_known = not plain.unknown or all(character.kind not in words for words in plain.unknown)
    return Wanted(
        color=color.world.subjects[0].color if character.color and not color.unknown else None,
        kind=plain.world.subjects[0].kind if kind_known and plain.world.subjects else None,
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


def scan_size(frames: np.ndarray) -> tuple[int, int]:
    """(width, height) that frames are looked at in."""
    height, width = frames.shape[1:3]
    scale = min(1.0, SIDE / min(height, width))
    return max(8, round(width * scale)), max(8, round(height * scale))


def to_lab(frames: np.ndarray) -> np.ndarray:
    """`[T,h,w,3]` float32 CIELAB at scan size."""
    import cv2

    size = scan_size(frames)
    small = [cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in frames]
    return np.stack([cv2.cvtColor(frame.astype(np.float32) / 255, cv2.COLOR_RGB2LAB) for frame in small])


@cache
def _vivid_chroma() -> np.ndarray:
    """`[360]`: chroma of a vivid colour of every hue, between the named ones."""
    hues, chromas = zip(*sorted(HUES.values()), strict=True)
    around = np.concatenate([np.array(hues) - 360, hues, np.array(hues) + 360])
    return np.interp(np.arange(360), around, np.tile(chromas, 3)).astype(np.float32)


def vividness(lab: np.ndarray) -> np.ndarray:
    """Chroma over the chroma of a vivid colour of the same hue."""
    hue = np.degrees(np.arctan2(lab[..., 2], lab[..., 1])).astype(np.int32) % 360
    return np.hypot(lab[..., 1], lab[..., 2]) / _vivid_chroma()[hue]


def hue_gap(one: np.ndarray | float, other: np.ndarray | float) -> np.ndarray:
    """Degrees between hues, 0..180."""
    return np.abs((np.asarray(one) - other + 180) % 360 - 180)


def name_of(hue: float) -> str:
    """The named colour nearest in hue."""
    return min(HUES, key=lambda name: float(hue_gap(HUES[name][0], hue)))


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
            if part.sum() < 0.9 * body.sum() and (near & body).any() and hue_gap(_hue(lab[part]), _hue(lab[body])) < 15:
                whole[index] = body | part
                break
        else:
            whole.append(part)
    return whole


def _hue(colour: np.ndarray) -> float:
    """Hue in degrees of the mean of CIELAB colours `[N,3]`."""
    return float(np.degrees(np.arctan2(colour[:, 2].mean(), colour[:, 1].mean()))) % 360


def _blob(lab: np.ndarray, inside: np.ndarray) -> Blob:
    height, width = inside.shape
    inside = _without_glow(lab, inside)
    rows, columns = np.nonzero(inside)
    top, left = int(rows.min()), int(columns.min())
    high, wide = int(rows.max()) + 1 - top, int(columns.max()) + 1 - left
    window = (slice(top, top + high), slice(left, left + wide))
    around = inside[window]
    return Blob(
        x=float(columns.mean() + 0.5) / width,
        y=float(rows.mean() + 0.5) / height,
        area=float(inside.sum()) / inside.size,
        hue=_hue(lab[inside]),
        cropped=left == 0 or top == 0 or left + wide == width or top + high == height,
        box=(left / width, top / height, (left + wide) / width, (top + high) / height),
        mask=_fit(around, around),
        patch=_fit(np.where(inside, lab[..., 0], 0)[window], around),
    )


def _without_glow(lab: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Drops the halo around a glowing subject: pixels whose colour is weak beside the subject's own."""
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    solid = inside & (chroma > 0.5 * np.percentile(chroma[inside], 85))
    return solid if solid.sum() > 0.4 * inside.sum() else inside


def _fit(picture: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """`picture` moved and scaled so that `inside` has its centre in the middle of a PATCH square and a fixed area.

    Area and centre hardly change when a thin edge comes or goes, as a bounding box would.
    """
    import cv2

    rows, columns = np.nonzero(inside > 0.5)
    scale = 0.44 * PATCH / max(1.0, np.sqrt(len(rows)))
    move = np.array(
        [
            [scale, 0, (PATCH - 1) / 2 - scale * columns.mean()],
            [0, scale, (PATCH - 1) / 2 - scale * rows.mean()],
        ]
    )
    soft = (
        cv2.GaussianBlur(picture.astype(np.float32), (0, 0), 0.6 / scale) if scale < 1 else picture.astype(np.float32)
    )
    return cv2.warpAffine(soft, move, (PATCH, PATCH))


# ------------------------------------------------------------------------------------------ tracking


def look(frames: np.ndarray, wanted: Sequence[Wanted]) -> list[Sighting]:
    """One sighting for each subject that should be there: what fits its colour and kind best, else what is left.

    A subject that is nowhere has no frame `seen`.
    """
    return assign(tracks(to_lab(frames)), len(frames), wanted)


def tracks(lab: np.ndarray) -> list[dict[int, Blob]]:
    """Blobs of `[T,h,w,3]` linked through time by place and colour, longest first: frame -> blob."""
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
    return sorted(found, key=lambda track: -sum(blob.area for blob in track.values()))


def _step_cost(last: Blob, gap: int, blob: Blob, aspect: float) -> float:
    """Below 1 where two blobs may be one subject `gap` frames apart."""
    distance = np.hypot((blob.x - last.x) * max(1, aspect), (blob.y - last.y) / min(1, aspect))
    size = abs(np.log(blob.area / last.area))
    return float(distance / (0.12 + 0.06 * gap) * 0.5 + size / 1.6 * 0.3 + hue_gap(blob.hue, last.hue) / 180 * 0.2)


def assign(found: Sequence[dict[int, Blob]], frames: int, wanted: Sequence[Wanted]) -> list[Sighting]:
    """Gives each wanted subject the track that fits it best; large tracks go before small ones."""
    candidates = [track for track in found if len(track) >= max(1, 0.15 * frames)][: max(4, 2 * len(wanted))]
    sightings = [_sighting(track, frames) for track in candidates]
    weight = max((float(sighting.area.sum()) for sighting in sightings), default=1.0)
    cost = np.array(
        [
            [
                _hue_cost(s, one.color) + _kind_cost(s, one.kind) + 0.6 * (1 - float(s.area.sum()) / weight)
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
    return 1.5 * (1 - likeness(sighting, np.flatnonzero(sighting.seen)[::3])[kind])


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


# -------------------------------------------------------------------------------------------- camera


class CameraPath(NamedTuple):
    """Where the picture of the background went since the first frame."""

    x: np.ndarray
    """`[T]` shift of the scene in widths, to the right."""
    y: np.ndarray
    zoom: np.ndarray
    """`[T]` magnification since the first frame."""
    trusted: bool
    """Enough of the background could be followed."""


def camera_path(frames: np.ndarray, hide: Sequence[Sighting] = ()) -> CameraPath:
    """Follows the background with pyramidal Lucas-Kanade and a RANSAC similarity between neighbours."""
    import cv2

    width, height = scan_size(frames)
    grey = [
        cv2.cvtColor(cv2.resize(f, (width, height), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY) for f in frames
    ]
    total, path, good = np.eye(3), [np.eye(3)], 0
    for frame in range(1, len(grey)):
        step = _step(grey[frame - 1], grey[frame], _background(hide, frame - 1, width, height))
        good += step is not None
        total = (step if step is not None else np.eye(3)) @ total
        path.append(total)
    matrices = np.stack(path)
    centre = matrices @ np.array([width / 2, height / 2, 1.0])
    return CameraPath(
        x=(centre[:, 0] - width / 2) / width,
        y=(centre[:, 1] - height / 2) / height,
        zoom=np.hypot(matrices[:, 0, 0], matrices[:, 1, 0]),
        trusted=good >= 0.7 * (len(grey) - 1),
    )


def _background(hide: Sequence[Sighting], frame: int, width: int, height: int) -> np.ndarray:
    mask = np.full((height, width), 255, np.uint8)
    for sighting in hide:
        if sighting.seen[frame]:
            left, top, right, bottom = sighting.box[frame]
            rows = slice(max(0, int(top * height) - 3), int(bottom * height) + 4)
            mask[rows, max(0, int(left * width) - 3) : int(right * width) + 4] = 0
    return mask


def _step(before: np.ndarray, after: np.ndarray, mask: np.ndarray) -> np.ndarray | None:
    import cv2

    points = cv2.goodFeaturesToTrack(before, 160, 0.01, 4, mask=mask)
    if points is None or len(points) < 8:
        return None
    moved, status, _ = cv2.calcOpticalFlowPyrLK(
        before, after, points, np.empty_like(points), winSize=(11, 11), maxLevel=2
    )
    good = status.ravel() == 1
    if good.sum() < 8:
        return None
    matrix, inliers = cv2.estimateAffinePartial2D(points[good], moved[good], ransacReprojThreshold=0.7)
    if matrix is None or inliers.sum() < 8:
        return None
    return np.vstack([matrix, [0, 0, 1]])


# -------------------------------------------------------------------------------------------- shapes


@cache
def _templates() -> tuple[tuple[str, ...], np.ndarray]:
    """Kinds, and their silhouettes `[kinds, poses, PATCH*PATCH]` turned in steps of 15 degrees, each of length 1.

    They are cut out of model sheets (each kind drawn plain, once without and once with a glow) by the
    same means that cut subjects out of clips.
    """
    from kinograph.tools.storyworld.world import KINDS

    poses = []
    for kind in KINDS:
        turned = [
            _fit(mask := _turn(sheet, angle), mask)
            for sheet in map(partial(_sheet, kind), ("flat", "neon"))
            for angle in range(0, 360, 15)
        ]
        masks = np.stack(turned + [mask[:, ::-1] for mask in turned]).reshape(len(turned) * 2, -1)
        poses.append(masks / np.linalg.norm(masks, axis=1, keepdims=True))
    return KINDS, np.stack(poses)


def _sheet(kind: Kind, look: LookName) -> np.ndarray:
    """Mask `[72,72]` of a kind's vivid pixels on its model sheet."""
    from kinograph.tools.storyworld.shapes import RGB, sprite

    drawn = sprite(kind, RGB["red"], look, 48)
    plain = drawn[..., :3] + (1 - drawn[..., 3:]) * 45.0
    lab = to_lab(np.pad(plain, ((12, 12), (12, 12), (0, 0)), constant_values=45).clip(0, 255).astype(np.uint8)[None])[0]
    return _without_glow(lab, vividness(lab) > VIVID).astype(np.float32)


def _turn(mask: np.ndarray, degrees: float) -> np.ndarray:
    import cv2

    side = mask.shape[0] * 3 // 2
    turn = cv2.getRotationMatrix2D((mask.shape[1] / 2, mask.shape[0] / 2), degrees, 1.0)
    turn[:, 2] += (side - mask.shape[0]) / 2
    return cv2.warpAffine(mask, turn, (side, side))


def known_kinds() -> tuple[str, ...]:
    """The kinds whose shape these eyes know."""
    return _templates()[0]


def likeness(sighting: Sighting, frames: Sequence[int] | np.ndarray) -> dict[str, float]:
    """How much the silhouette in these frames, all seen, looks like each known kind: median best cosine, 0..1."""
    kinds, templates = _templates()
    masks = sighting.mask[frames].reshape(len(frames), -1)
    masks = masks / np.maximum(np.linalg.norm(masks, axis=1, keepdims=True), 1e-6)
    best = np.einsum("kpd,fd->kpf", templates, masks).max(axis=1)
    return dict(zip(kinds, np.median(best, axis=1).tolist(), strict=True))
