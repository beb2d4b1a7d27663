"""Figures of reports as SVG: bars with intervals, a radar, and quality against cost.

Colours come from the page's style sheet by class (`c0`, `c1`, … for series; `ink`, `faint`, `grid`), so that a
figure is readable on light and on dark. Whatever is drawn is in a table beside the figure as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple
from xml.etree import ElementTree

from kinograph.evals.intervals import Estimate

SERIES = 6
"""Colours that there are; more series begin anew, told apart by their mark."""
LETTER = 6.6
"""Width of a letter, in the units of a figure at 12 units a line."""
WIDTH = 690
LEAST_SCALE = 0.7
"""A figure is drawn no smaller than this share of its width, so that it can be read on a phone; it scrolls there."""


class Bar(NamedTuple):
    """One value of a metric's row."""

    series: int
    estimate: Estimate


class Row(NamedTuple):
    """A metric with a bar for each series."""

    label: str
    bars: Sequence[Bar]
    least: float
    greatest: float
    target: float | None = None


class Point(NamedTuple):
    """Quality at a cost; `name` is told when the mouse rests on it."""

    name: str
    series: int
    cost: Estimate
    quality: Estimate
    small: bool = False
    """One of many that are no systems of their own; has no interval."""


class Spoke(NamedTuple):
    """A metric of a radar, with a value for each series: 0 in the middle, 1 at the rim; None where there is none."""

    label: str
    values: Sequence[float | None]


class _Drawing:
    """An SVG while it is made."""

    def __init__(self, width: float, height: float, title: str) -> None:
        self.root = ElementTree.Element("svg", viewBox=f"0 0 {width:g} {height:g}", role="img")
        self.root.set("aria-label", title)
        self.root.set("style", f"max-width:{width:g}px;min-width:{LEAST_SCALE * width:g}px")

    def put(self, kind: str, look: str, hint: str = "", words: str = "", **places: float | str) -> None:
        told = {name.replace("_", "-"): _number(value) for name, value in places.items()}
        made = ElementTree.SubElement(self.root, kind, {"class": look} | told)
        made.text = words or None
        if hint:
            ElementTree.SubElement(made, "title").text = hint

    def line(self, x1: float, y1: float, x2: float, y2: float, look: str) -> None:
        self.put("line", look, x1=x1, y1=y1, x2=x2, y2=y2)

    def words(self, x: float, y: float, words: str, look: str = "ink", anchor: str = "start") -> None:
        self.put("text", look, words=words, x=x, y=y, text_anchor=anchor)

    def mark(self, x: float, y: float, series: int, size: float, hint: str = "", look: str = "") -> None:
        """A circle, square, diamond or triangle: series differ in shape as well as in colour."""
        look = f"mark c{series % SERIES} {look}".strip()
        match series % 4:
            case 0:
                self.put("circle", look, hint, cx=x, cy=y, r=size)
            case 1:
                self.put("rect", look, hint, x=x - size, y=y - size, width=2 * size, height=2 * size)
            case 2:
                s = size * 1.3
                self.put(
                    "path", look, hint, d=f"M{x:.1f} {y - s:.1f}l{s:.1f} {s:.1f}l{-s:.1f} {s:.1f}l{-s:.1f} {-s:.1f}z"
                )
            case _:
                s = size * 1.2
                self.put("path", look, hint, d=f"M{x:.1f} {y - s:.1f}l{s:.1f} {2 * s:.1f}h{-2 * s:.1f}z")

    def text(self) -> str:
        return ElementTree.tostring(self.root, encoding="unicode")


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.1f}"


def told(value: float) -> str:
    """A number with three figures, and all of them before the point: 0.123, 12.3, 12345."""
    if not math.isfinite(value):
        return str(value)
    size = abs(value)
    decimals = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 3
    words = f"{value:.{decimals}f}"
    return words.removeprefix("-") if not float(words) else words


def bars(rows: Sequence[Row], title: str) -> str:
    """A row a metric: its bars from its least to its greatest value, whiskers for intervals, a stroke for a target."""
    left, right, high = 170, 110, 15
    heights = [len(row.bars) * high + 14 for row in rows]
    drawing = _Drawing(WIDTH, sum(heights) + 8, title)
    room, y = WIDTH - left - right, 8.0
    for row, height in zip(rows, heights, strict=True):
        scale = room / ((row.greatest - row.least) or 1)

        def x(value: float, row: Row = row, scale: float = scale) -> float:
            return left + (min(max(value, row.least), row.greatest) - row.least) * scale

        drawing.words(left - 12, y + (height - 14) / 2 + 4, _cut(row.label, left - 16), anchor="end")
        for number, bar in enumerate(row.bars):
            top, found = y + number * high, bar.estimate
            drawing.put("rect", "track", x=left, y=top + 1, width=room, height=high - 3, rx=2)
            wide = x(found.value) - left
            hint = f"{row.label}: {spoken(found)}"
            drawing.put(
                "rect", f"bar c{bar.series % SERIES}", hint, x=left, y=top + 1, width=wide, height=high - 3, rx=2
            )
            if found.low is not None and found.high is not None:
                _whisker(drawing, x(found.low), x(found.high), top + high / 2 - 0.5)
            drawing.words(left + room + 10, top + high - 4, _short(found))
        if row.target is not None and row.least <= row.target <= row.greatest:
            bottom = y + len(row.bars) * high
            drawing.line(x(row.target), y - 3, x(row.target), bottom + 1, "target")
        y += height
    return drawing.text()


def _whisker(drawing: _Drawing, low: float, high: float, y: float) -> None:
    drawing.line(low, y, high, y, "whisker")
    for end in (low, high):
        drawing.line(end, y - 3.5, end, y + 3.5, "whisker")


def _short(found: Estimate) -> str:
    if found.low is None or found.high is None:
        return told(found.value)
    return f"{told(found.value)} ±{told((found.high - found.low) / 2)}"


def spoken(found: Estimate) -> str:
    """0.712 [0.650, 0.774]."""
    if found.low is None or found.high is None:
        return told(found.value)
    return f"{told(found.value)} [{told(found.low)}, {told(found.high)}]"


def radar(spokes: Sequence[Spoke], names: Sequence[str], title: str) -> str:
    """A polygon a series over three spokes or more."""
    width, height, radius = 520.0, 340.0, 120.0
    middle_x, middle_y = width / 2, height / 2
    drawing = _Drawing(width, height, title)

    def at(place: int, value: float) -> tuple[float, float]:
        angle = 2 * math.pi * place / len(spokes) - math.pi / 2
        return middle_x + radius * value * math.cos(angle), middle_y + radius * value * math.sin(angle)

    def ring(values: Sequence[float]) -> str:
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(place, value) for place, value in enumerate(values)))

    for share in (0.25, 0.5, 0.75, 1.0):
        drawing.put("polygon", "grid", points=ring([share] * len(spokes)))
    for place, spoke in enumerate(spokes):
        drawing.line(middle_x, middle_y, *at(place, 1), "grid")
        x, y = at(place, 1.13)
        side = x - middle_x
        anchor = "middle" if abs(side) < 12 else "start" if side > 0 else "end"
        room = width if anchor == "middle" else width - x if anchor == "start" else x
        drawing.words(x, y + 4, _cut(spoke.label, room - 4), anchor=anchor)
    for series, name in enumerate(names):
        values = [spoke.values[series] for spoke in spokes]
        drawing.put("polygon", f"area c{series % SERIES}", name, points=ring([value or 0.0 for value in values]))
        for place, value in enumerate(values):
            if value is not None:
                drawing.mark(*at(place, value), series, 3.5, f"{name}, {spokes[place].label}: {value:.2f} of 1")
    for share in (0.5, 1.0):
        x, y = at(0, share)
        drawing.words(x + 5, y + 11, f"{share:g}", "faint")
    return drawing.text()


def frontier(points: Sequence[Point], cost: str, quality: str, title: str, upwards: bool = True) -> str:
    """Points over their cost, with the line that no other system passes: as good for less, or better for as much.

    `upwards`: more quality is better.
    """
    width, height, left, bottom, top, right = 460.0, 300.0, 62, 46, 16, 20
    drawing = _Drawing(width, height, title)
    costs, qualities = _axis([one.cost for one in points], 0.0), _axis([one.quality for one in points])

    def x(value: float) -> float:
        return left + (value - costs[0]) / (costs[-1] - costs[0]) * (width - left - right)

    def y(value: float) -> float:
        return height - bottom - (value - qualities[0]) / (qualities[-1] - qualities[0]) * (height - top - bottom)

    for mark in costs:
        drawing.line(x(mark), top, x(mark), height - bottom, "grid")
        drawing.words(x(mark), height - bottom + 16, f"{mark:g}", "faint", "middle")
    for mark in qualities:
        drawing.line(left, y(mark), width - right, y(mark), "grid")
        drawing.words(left - 8, y(mark) + 4, f"{mark:g}", "faint", "end")
    drawing.words((left + width - right) / 2, height - 8, cost, "ink", "middle")
    upright = {"transform": f"rotate(-90 14 {(top + height - bottom) / 2:.1f})"}
    drawing.put(
        "text",
        "ink",
        words=_cut(quality, height - top),
        x=14,
        y=(top + height - bottom) / 2,
        text_anchor="middle",
        **upright,
    )
    best = _unpassed([one for one in points if not one.small], upwards)
    if len(best) > 1:
        steps = "".join(f"H{x(b.cost.value):.1f}V{y(b.quality.value):.1f}" for b in best[1:])
        drawing.put("path", "edge", d=f"M{x(best[0].cost.value):.1f} {y(best[0].quality.value):.1f}{steps}")
    for one in sorted(points, key=lambda one: not one.small):
        _point(
            drawing,
            one,
            x(one.cost.value),
            y(one.quality.value),
            x,
            y,
            f"{cost} {spoken(one.cost)}, {quality} {spoken(one.quality)}",
        )
    return drawing.text()


def _point(drawing: _Drawing, one: Point, at_x: float, at_y: float, x, y, words: str) -> None:
    if not one.small:
        for low, high, across in ((one.cost.low, one.cost.high, True), (one.quality.low, one.quality.high, False)):
            if low is not None and high is not None:
                ends = (x(low), at_y, x(high), at_y) if across else (at_x, y(low), at_x, y(high))
                drawing.line(*ends, f"whisker c{one.series % SERIES}")
    drawing.mark(
        at_x, at_y, one.series, 3.0 if one.small else 5.5, f"{one.name}: {words}", "small" if one.small else ""
    )


def _unpassed(points: Sequence[Point], upwards: bool) -> list[Point]:
    """Points that no other one passes, cheapest first."""
    sign = 1 if upwards else -1
    found: list[Point] = []
    for one in sorted(points, key=lambda one: (one.cost.value, -sign * one.quality.value)):
        if not found or sign * one.quality.value > sign * found[-1].quality.value:
            found.append(one)
    return found


def _axis(values: Sequence[Estimate], least: float = -math.inf) -> list[float]:
    """Round marks, four to eight, that span values with their intervals, with some room."""
    low = min(one.value if one.low is None else one.low for one in values)
    high = max(one.value if one.high is None else one.high for one in values)
    size = max(abs(low), abs(high), 1e-3)
    room = (high - low) * 0.06 if high - low > 1e-3 * size else 0.1 * size
    low, high = max(low - room, least), high + room
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * one for one in (1, 2, 2.5, 5, 10) if power * one >= rough * 0.999)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(number * step, 10) for number in range(first, last + 1)]


def _cut(words: str, width: float) -> str:
    most = max(int(width / LETTER), 2)
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"
