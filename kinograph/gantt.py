"""A timeline as a picture: one SVG file that needs nothing else, no script and no network."""

from __future__ import annotations

import re
from itertools import accumulate
from xml.etree import ElementTree

from kinograph.telling import spoken
from kinograph.timeline import Bar, Kind, Timeline

LEFT, RIGHT, CHART = 250, 36, 1000
"""Pixels for labels, at the right edge, and for time."""
ROW, BAR, PLAN = 28, 14, 22
"""Pixels of a row, of a bar in it, and of the planned bar behind."""
FOLD = 34
"""Pixels for a pause between sittings, however long it was."""
LETTER = 6.2
"""Pixels that a letter of the small text takes, at most."""
INK, FAINT, GRID, PALE, PATH = "#1d2733", "#6b7785", "#e4e8ed", "#dbe3ee", "#c2185b"
COLORS: dict[Kind, tuple[str, str]] = {
    "accepted": ("#2a9d72", "render, accepted"),
    "rejected": ("#e9973f", "render, rejected"),
    "failed": ("#d64545", "render that failed"),
    "vault": ("#86c5ad", "clip out of the vault"),
    "pending": ("#5b8def", "rendering, or not judged yet"),
    "stopped": ("#a9b2bd", "cut short, or done again"),
    "verdict": ("#7a63b8", "verdict"),
}
STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800, 86400)
"""Seconds that may lie between two marks of the axis."""
UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML cannot hold."""


def svg(timeline: Timeline) -> str:
    """The picture as text."""
    return ElementTree.tostring(_Picture(timeline).draw(), encoding="unicode")


class _Picture:
    """The drawing while it is made."""

    def __init__(self, timeline: Timeline) -> None:
        self._line = timeline
        plans = [max((due.ends for due in one.due), default=0.0) for one in timeline.sittings]
        # A sitting that was stopped is cut where its work ended; the last one has room for what was expected of it.
        self._lengths = [*timeline.lengths[:-1], max(timeline.lengths[-1], plans[-1])]
        self._before = [0.0, *accumulate(self._lengths)]
        room = CHART - FOLD * (len(self._lengths) - 1)
        self._scale = max(room, CHART / 4) / max(self._before[-1], 0.001)
        self._shots = [shot.id for shot in timeline.storyboard.shots]
        used = [bar.worker for bar in timeline.bars if bar.worker is not None]
        self._workers = max([*used, *(one.workers for one in timeline.sittings)])
        self._words = timeline.words()
        self._top = 96 + 18 * len(self._words)
        self._lanes = self._top + ROW * len(self._shots) + 58
        self._bottom = self._lanes + ROW * self._workers
        self._width = LEFT + RIGHT + self._before[-1] * self._scale + FOLD * (len(self._lengths) - 1)
        self._root = ElementTree.Element("svg", xmlns="http://www.w3.org/2000/svg")

    def _x(self, sitting: int, seconds: float) -> float:
        return LEFT + (self._before[sitting] + seconds) * self._scale + FOLD * sitting

    def draw(self) -> ElementTree.Element:
        height = self._bottom + 96
        size = {"width": f"{self._width:.0f}", "height": f"{height:.0f}"}
        self._root.attrib.update(size, viewBox=f"0 0 {self._width:.0f} {height:.0f}")
        self._root.set("font-family", "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif")
        self._rect(0, 0, self._width, height, "#ffffff")
        self._text(24, 36, self._line.storyboard.title, size=20, weight="600")
        self._text(24, 56, f"{self._line.id} · {self._line.state}", color=FAINT)
        for number, words in enumerate(self._words):
            self._text(24, 80 + 18 * number, words)
        self._axis(self._top, self._top + ROW * len(self._shots))
        self._axis(self._lanes, self._bottom)
        self._folds()
        self._shot_rows()
        self._worker_rows()
        self._legend(self._bottom + 34)
        return self._root

    def _axis(self, top: float, bottom: float) -> None:
        step = next((one for one in STEPS if one * self._scale >= 64), STEPS[-1])
        for sitting, length in enumerate(self._lengths):
            begin = self._before[sitting]
            mark = -(-begin // step) if sitting else 0
            while mark * step <= begin + length + 1e-9:
                x = self._x(sitting, mark * step - begin)
                self._rule(x, top, x, bottom, GRID)
                self._text(x, top - 8, _clock(mark * step, step), color=FAINT, anchor="middle")
                mark += 1

    def _folds(self) -> None:
        for sitting in range(1, len(self._lengths)):
            x = self._x(sitting, 0) - FOLD + 5
            self._rect(x, self._top - 2, FOLD - 10, self._bottom - self._top + 2, "#f4f1ea")
            words = f"stopped for {spoken(self._line.pause(sitting))}"
            self._text(x + FOLD / 2 - 5, self._bottom + 14, words, color=FAINT, anchor="middle")

    def _shot_rows(self) -> None:
        critical = {self._line.bars[place].shot for place in self._line.critical}
        begun = {bar.shot for bar in self._line.bars}
        for row, shot in enumerate(self._line.storyboard.shots):
            y = self._top + ROW * row
            label = _cut(f"{shot.id}  {' '.join(shot.text.split())}", LEFT - 40)
            weight = "600" if shot.id in critical else "400"
            self._text(24, y + ROW / 2 + 4, label, weight=weight, hint=shot.text)
            self._rule(24, y + ROW, self._width - RIGHT, y + ROW, GRID)
            if shot.id not in begun and not any(due.shot == shot.id for one in self._line.sittings for due in one.due):
                self._text(LEFT + 6, y + ROW / 2 + 4, "kept as it was in an earlier version", color=FAINT)
            for sitting, one in enumerate(self._line.sittings):
                for due in (due for due in one.due if due.shot == shot.id):
                    self._plan(sitting, due.begins, min(due.ends, self._lengths[sitting]), y)
        for bar in (bar for bar in self._line.bars if bar.shot in self._shots):
            self._bar(bar, self._middle(bar), f"{bar.attempt}" if bar.attempt > 1 else "")
        self._path()

    def _plan(self, sitting: int, begins: float, ends: float, y: float) -> None:
        if ends > begins:
            box = self._rect(
                self._x(sitting, begins), y + (ROW - PLAN) / 2, (ends - begins) * self._scale, PLAN, PALE, 4
            )
            ElementTree.SubElement(box, "title").text = f"expected: {begins:.1f} s to {ends:.1f} s"

    def _middle(self, bar: Bar) -> float:
        return self._top + ROW * self._shots.index(bar.shot) + ROW / 2

    def _path(self) -> None:
        bars = [self._line.bars[place] for place in self._line.critical if self._line.bars[place].shot in self._shots]
        points = []
        for bar in bars:
            y = self._middle(bar) + BAR / 2 + 2
            points += [f"{self._x(bar.sitting, end):.1f},{y:.1f}" for end in (bar.begins, bar.ends)]
        if points:
            look = {"fill": "none", "stroke": PATH, "stroke-width": "2", "stroke-linejoin": "round"}
            ElementTree.SubElement(self._root, "polyline", look | {"points": " ".join(points)})

    def _worker_rows(self) -> None:
        for number in range(1, self._workers + 1):
            y = self._lanes + ROW * (number - 1)
            mine = [bar for bar in self._line.bars if bar.worker == number]
            busy = sum(bar.seconds for bar in mine)
            self._text(24, y + ROW / 2 + 4, f"worker {number}", weight="600")
            self._text(110, y + ROW / 2 + 4, f"rendered {spoken(busy)}", color=FAINT)
            self._rule(24, y + ROW, self._width - RIGHT, y + ROW, GRID)
            for bar in mine:
                name = bar.shot if bar.attempt == 1 else f"{bar.shot} · {bar.attempt}"
                self._bar(bar, y + ROW / 2, name)

    def _bar(self, bar: Bar, y: float, name: str) -> None:
        color, meaning = COLORS[bar.kind]
        x, width = self._x(bar.sitting, bar.begins), max(bar.seconds * self._scale, 1.5)
        box = self._rect(x, y - BAR / 2, width, BAR, color, 2)
        where = f", worker {bar.worker}" if bar.worker else ""
        told = f"{bar.shot}, take {bar.attempt}: {meaning}{where}, {spoken(bar.seconds)}"
        ElementTree.SubElement(box, "title").text = _legal(f"{told}; {bar.words}" if bar.words else told)
        if name and bar.kind != "verdict" and len(name) * LETTER + 6 <= width:
            self._text(x + width / 2, y + 4, name, color="#ffffff", anchor="middle", size=11, weight="600")

    def _legend(self, y: float) -> None:
        shown = {bar.kind for bar in self._line.bars}
        entries = [(color, words) for kind, (color, words) in COLORS.items() if kind in shown]
        x = 24.0
        for color, words in [*entries, (PALE, "expected"), (PATH, "what decided the end")]:
            wide = 26 + len(words) * LETTER + 18
            if x + wide > self._width - RIGHT:
                x, y = 24.0, y + 22
            high = 3 if color == PATH else 12
            self._rect(x, y - high / 2, 18, high, color, 2)
            self._text(x + 26, y + 4, words, color=FAINT)
            x += wide
        self._text(24, y + 24, "Numbers in bars are retakes; time is that of work on the shots.", color=FAINT)

    def _rect(
        self, x: float, y: float, width: float, height: float, fill: str, round: float = 0
    ) -> ElementTree.Element:
        place = {"x": f"{x:.1f}", "y": f"{y:.1f}", "width": f"{width:.1f}", "height": f"{height:.1f}"}
        more = {"rx": f"{min(round, width / 2):.1f}"} if round else {}
        return ElementTree.SubElement(self._root, "rect", place | more | {"fill": fill})

    def _rule(self, x1: float, y1: float, x2: float, y2: float, stroke: str) -> None:
        ends = {"x1": f"{x1:.1f}", "y1": f"{y1:.1f}", "x2": f"{x2:.1f}", "y2": f"{y2:.1f}"}
        ElementTree.SubElement(self._root, "line", ends | {"stroke": stroke})

    def _text(
        self,
        x: float,
        y: float,
        words: str,
        color: str = INK,
        anchor: str = "start",
        size: int = 12,
        weight: str = "400",
        hint: str = "",
    ) -> None:
        look = {"x": f"{x:.1f}", "y": f"{y:.1f}", "fill": color}
        font = {"text-anchor": anchor, "font-size": str(size), "font-weight": weight}
        box = ElementTree.SubElement(self._root, "text", look | font)
        box.text = _legal(words)
        if hint:
            ElementTree.SubElement(box, "title").text = _legal(hint)


def _legal(words: str) -> str:
    return UNWRITABLE.sub("\ufffd", words)


def _cut(words: str, width: float) -> str:
    most = int(width / LETTER)
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"


def _clock(seconds: float, step: float) -> str:
    """A mark of the axis: 0.5 s, 12 s, 2:30 min, 1:20 h."""
    if step < 1:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60 and step < 60:
        return f"{whole} s"
    if step >= 600 and whole >= 3600:
        return f"{whole // 3600}:{whole % 3600 // 60:02} h"
    if whole >= 3600:
        return f"{whole // 3600}:{whole % 3600 // 60:02}:{whole % 60:02}"
    return f"{whole // 60}:{whole % 60:02} min"
