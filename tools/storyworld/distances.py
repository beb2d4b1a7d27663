"""Signed distances to plane figures, in NumPy: negative inside, x right, y down.

After Inigo Quilez, "2D distance functions" (https://iquilezles.org/articles/distfunctions2d/).
"""

from __future__ import annotations

import numpy as np


def disc(x, y, cx, cy, r):
    return np.hypot(x - cx, y - cy) - r


def oval(x, y, cx, cy, rx, ry):
    """First-order distance to an ellipse."""
    u, v = (x - cx) / rx, (y - cy) / ry
    k = np.hypot(u, v)
    return k * (k - 1) / np.maximum(np.hypot(u / rx, v / ry), 1e-6)


def block(x, y, cx, cy, hw, hh, r=0.0):
    """Rectangle of half sides `hw`, `hh` with corners rounded by `r`."""
    u, v = np.abs(x - cx) - hw + r, np.abs(y - cy) - hh + r
    return np.hypot(np.maximum(u, 0), np.maximum(v, 0)) + np.minimum(np.maximum(u, v), 0) - r


def stroke(x, y, ax, ay, bx, by, r):
    """Segment from a to b, `r` thick to each side."""
    px, py, dx, dy = x - ax, y - ay, bx - ax, by - ay
    t = np.clip((px * dx + py * dy) / (dx * dx + dy * dy), 0, 1)
    return np.hypot(px - dx * t, py - dy * t) - r


def polygon(x, y, *points):
    """Exact distance to a simple polygon."""
    best, sign = np.full(np.shape(x), np.inf), np.ones(np.shape(x))
    for (ax, ay), (bx, by) in zip(points, (points[-1], *points[:-1]), strict=True):
        ex, ey, wx, wy = bx - ax, by - ay, x - ax, y - ay
        t = np.clip((wx * ex + wy * ey) / (ex * ex + ey * ey), 0, 1)
        best = np.minimum(best, (wx - ex * t) ** 2 + (wy - ey * t) ** 2)
        above, below, left = y >= ay, y < by, ex * wy > ey * wx
        sign = np.where((above & below & left) | ~(above | below | left), -sign, sign)
    return sign * np.sqrt(best)


def join(*distances):
    return np.minimum.reduce(distances)


def sectors(x, y, count):
    """Negative in every second of `count` sectors around the origin."""
    half = np.pi / count
    angle = np.arctan2(y, x) % (4 * half) - 2 * half
    return (np.abs(angle) - half) * np.hypot(x, y)


def eyes(x, y, cx, cy, gap, r):
    return join(disc(x, y, cx - gap, cy, r), disc(x, y, cx + gap, cy, r))
