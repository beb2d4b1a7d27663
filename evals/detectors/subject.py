"""Where the subjects of a clip are, by their vivid colour: soft cut-outs, followed from frame to frame.

Scenery is painted with CIELAB chroma below 38 (21 around cyan), subjects with 73 and more (51 for cyan), so
that chroma over the chroma of a vivid colour of the same hue tells the two apart. Places are in pixels of
the frames given, x to the right, y down.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from scipy.optimize import linear_sum_assignment

from kinograph.tools.colors import hue_gap, name_of, vividness
from kinograph.tools.storyworld.world import Color

SIDE = 128
"""Shorter side, in pixels, of the pictures that are looked at."""
PATCH = 32
"""Side of the cut-outs."""
VIVID = 0.58
"""Vividness from which a pixel belongs to a subject."""
SMALLEST = 0.0015
"""Smallest subject, as a share of the squared shorter side."""
REACHES = (0.036, 0.0235, 0.012)
"""Half the gap, in shorter sides, across which pieces are one subject. Outlines and details of another colour, a
mast or a belt, cut a subject in pieces; two subjects of one hue may be so close that shorter gaps part them."""
HUES_APART = 16.0
"""Degrees of CIELAB hue between two subjects that are told apart by colour; named hues are 28 apart and more."""


class Sight(NamedTuple):
    """A subject in one frame."""

    x: float
    """Centre of its vivid pixels."""
    y: float
    area: float
    """Vivid pixels, soft edges counted in part."""
    hue: float
    """CIELAB hue in degrees of its most vivid pixels."""
    cropped: bool
    """It touches the picture's edge."""
    cover: np.ndarray
    """`[H,W]` bool: its pixels."""
    shape: np.ndarray
    """`[PATCH,PATCH]` float32: how vivid it is, 0 to 1, centred and brought to a fixed area."""
    light: np.ndarray
    """`[PATCH,PATCH]` float32: CIELAB lightness over 100, cut out alike."""


Track = dict[int, Sight]
"""A subject through a clip, by frame."""


def scan(frames: np.ndarray) -> np.ndarray:
    """Frames `[T,H,W,3]` with their shorter side brought to SIDE."""
    height, width = frames.shape[1:3]
    scale = SIDE / min(height, width)
    if scale == 1:
        return frames
    size = (round(width * scale), round(height * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.stack([cv2.resize(frame, size, interpolation=how) for frame in frames])


def to_lab(frame: np.ndarray) -> np.ndarray:
    """`[H,W,3]` float32 CIELAB of a uint8 RGB frame, colour lightly smoothed against noise."""
    lab = cv2.cvtColor(frame.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    lab[..., 1:] = cv2.GaussianBlur(lab[..., 1:], (0, 0), 0.6)
    return lab


def color_of(track: Track) -> Color:
    """The named colour nearest to a subject's hue over all frames."""
    turn = np.radians([sight.hue for sight in track.values()])
    weight = np.array([sight.area for sight in track.values()])
    hue = np.degrees(np.arctan2((weight * np.sin(turn)).sum(), (weight * np.cos(turn)).sum())) % 360
    return name_of(float(hue))  # pyright: ignore[reportReturnType]


def find(labs: Sequence[np.ndarray], count: int) -> list[Track]:
    """The `count` subjects of a clip, or as many as there are, those that fill most of it first.

    `labs` holds the frames as `to_lab` makes them.
    """
    vivid = [vividness(lab) for lab in labs]
    hues = _hues(labs, vivid) if count > 1 else []
    tracks: list[Track] = []
    for frame, (lab, strength) in enumerate(zip(labs, vivid, strict=True)):
        _extend(tracks, frame, sorted(_sights(lab, strength, hues), key=lambda sight: -sight.area)[: count + 3])
    tracks.sort(key=lambda track: -sum(sight.area for sight in track.values()))
    return tracks[:count]


def hidden(labs: Sequence[np.ndarray], tracks: Sequence[Track]) -> np.ndarray:
    """`[T,H,W]` bool: where subjects are, with a margin for outlines, glow and the nearest shadow."""
    cover = np.zeros((len(labs), *labs[0].shape[:2]), np.uint8)
    for track in tracks:
        for frame, sight in track.items():
            cover[frame] |= sight.cover
    margin = 2 * round(0.04 * min(cover.shape[1:])) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (margin, margin))
    return np.stack([cv2.dilate(cover[t], disc) for t in range(len(cover))]) > 0


# ----------------------------------------------------------------------------------------- one frame


def _hues(labs: Sequence[np.ndarray], vivid: Sequence[np.ndarray]) -> list[float]:
    """The one or two hues that vivid pixels gather around, in degrees."""
    some = slice(None, None, max(1, len(labs) // 6))
    colors = np.concatenate(
        [lab[strength > 0.75][:, 1:] for lab, strength in zip(labs[some], vivid[some], strict=True)]
    )
    hue = np.degrees(np.arctan2(colors[:, 1], colors[:, 0])) % 360
    counts = np.histogram(hue, bins=90, range=(0, 360))[0].astype(np.float64)
    counts = cv2.GaussianBlur(np.tile(counts, 3)[None], (0, 0), 1.2)[0, 90:180]
    first = int(np.argmax(counts))
    apart = hue_gap(np.arange(90) * 4.0, first * 4.0) >= HUES_APART
    second = int(np.argmax(counts * apart * (counts >= np.roll(counts, 1)) * (counts >= np.roll(counts, -1))))
    peaks = [first, second] if counts[second] > 0.05 * counts[first] and apart[second] else [first]
    return [peak * 4.0 + 2.0 for peak in peaks]


def _sights(lab: np.ndarray, vivid: np.ndarray, hues: list[float]) -> list[Sight]:
    """What is vivid in a frame, whole subjects. `hues`: none where one subject is looked for, else those of two."""
    if len(hues) == 2:
        hue = np.degrees(np.arctan2(lab[..., 2], lab[..., 1]))
        nearest = np.argmin([hue_gap(hue, centre) for centre in hues], axis=0)
        return [part for group in (0, 1) for part in _parts(lab, np.where(nearest == group, vivid, 0), REACHES[0])]
    found = _parts(lab, vivid, REACHES[0])
    for reach in REACHES[1:] if hues else ():
        if _are_two(found):
            break
        closer = _parts(lab, vivid, reach)
        found = closer if _are_two(closer) else found
    return found


def _are_two(found: list[Sight]) -> bool:
    """Whether there are two things of a size, not one and a splinter."""
    areas = sorted(sight.area for sight in found)
    return len(areas) > 1 and areas[-2] > 0.2 * areas[-1]


def _parts(lab: np.ndarray, vivid: np.ndarray, reach: float) -> list[Sight]:
    """Connected vivid pixels, pieces nearer than twice `reach` taken together."""
    short = min(vivid.shape)
    solid = (vivid > VIVID).astype(np.uint8)
    joined = _closed(solid, max(1, round(reach * short)))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    found = []
    for part in range(1, count):
        if stats[part, cv2.CC_STAT_AREA] < SMALLEST * short * short:
            continue
        inside = (labels == part) & (solid > 0)
        if inside.sum() >= SMALLEST * short * short:
            found.append(_sight(lab, vivid, inside))
    return found


def _closed(mask: np.ndarray, radius: int) -> np.ndarray:
    """Gaps up to twice `radius` filled, at the picture's edge too."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    padded = cv2.copyMakeBorder(mask, radius, radius, radius, radius, cv2.BORDER_CONSTANT, value=0)
    return cv2.morphologyEx(padded, cv2.MORPH_CLOSE, disc)[radius:-radius, radius:-radius]


def whole(lab: np.ndarray) -> Sight:
    """All that is vivid in a picture, as one subject."""
    vivid = vividness(lab)
    return _sight(lab, vivid, vivid > VIVID)


def _sight(lab: np.ndarray, vivid: np.ndarray, inside: np.ndarray) -> Sight:
    full = float(np.percentile(vivid[inside], 85))
    # A glow is vivid too, but less than half as much as what glows.
    soft = np.clip((vivid / full - 0.5) / 0.25, 0, 1) * (cv2.dilate(inside.astype(np.uint8), np.ones((3, 3))) > 0)
    rows, columns = np.nonzero(soft)
    weight = soft[rows, columns]
    area, x, y = float(weight.sum()), float((columns * weight).sum()), float((rows * weight).sum())
    x, y = x / area, y / area
    strong = inside & (vivid > 0.85 * full)
    a, b = lab[strong][:, 1:].mean(0)
    edge = columns.min() <= 0 or rows.min() <= 0 or columns.max() >= soft.shape[1] - 1
    return Sight(
        x=x + 0.5,
        y=y + 0.5,
        area=area,
        hue=float(np.degrees(np.arctan2(b, a))) % 360,
        cropped=bool(edge or rows.max() >= soft.shape[0] - 1),
        cover=inside,
        shape=cut(soft, x, y, area),
        light=cut(lab[..., 0] / 100, x, y, area),
    )


def cut(picture: np.ndarray, x: float, y: float, area: float) -> np.ndarray:
    """`[PATCH,PATCH]` around (x, y), scaled so that `area` pixels fill a fixed part of it."""
    scale = 0.42 * PATCH / np.sqrt(max(1.0, area))
    middle = (PATCH - 1) / 2
    move = np.array([[scale, 0, middle - scale * x], [0, scale, middle - scale * y]])
    smooth = picture.astype(np.float32)
    if scale < 0.9:
        smooth = cv2.GaussianBlur(smooth, (0, 0), 0.45 / scale)
    return cv2.warpAffine(smooth, move, (PATCH, PATCH), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


# ----------------------------------------------------------------------------------------- through time


def _extend(tracks: list[Track], frame: int, present: list[Sight]) -> None:
    """Gives each sight to the track that it goes on with, or begins a new one."""
    cost = np.array(
        [[_step(track[max(track)], sight, frame - max(track)) for sight in present] for track in tracks]
    ).reshape(len(tracks), len(present))
    taken = set()
    for row, column in zip(*linear_sum_assignment(cost), strict=True):
        if cost[row, column] < 1:
            tracks[row][frame] = present[column]
            taken.add(column)
    tracks += [{frame: sight} for column, sight in enumerate(present) if column not in taken]


def _step(last: Sight, now: Sight, gap: int) -> float:
    """Below 1 where two sights may be one subject, `gap` frames apart."""
    far = np.hypot(now.x - last.x, now.y - last.y) / min(last.cover.shape)
    size = abs(np.log(now.area / last.area))
    return float(0.6 * far / (0.1 + 0.07 * gap) + 0.25 * size / 0.9 + 0.25 * hue_gap(now.hue, last.hue) / 40)
