"""Figures of reports."""

from __future__ import annotations

import itertools
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinograph.evals.figures import Bar, Point, Row, Spoke, _axis, bars, frontier, radar, told
from kinograph.evals.intervals import Estimate

FINITE = st.floats(-1e6, 1e6, allow_subnormal=False)


def one(value: float, half: float | None = None) -> Estimate:
    low, high = (None, None) if half is None else (value - half, value + half)
    return Estimate(value=value, low=low, high=high, n=1, clusters=1)


def parts(svg: str, look: str) -> list[ElementTree.Element]:
    return [part for part in ElementTree.fromstring(svg).iter() if part.get("class", "").split()[:1] == [look]]


def test_a_bar_is_as_long_as_its_value():
    svg = bars([Row("identity", [Bar(0, one(0.25, 0.1)), Bar(1, one(0.5))], 0, 1, 0.75)], "title")
    first, second = (float(part.get("width", "")) for part in parts(svg, "bar"))
    track = float(parts(svg, "track")[0].get("width", ""))
    assert (first / track, second / track) == pytest.approx((0.25, 0.5), abs=0.001)
    assert len(parts(svg, "whisker")) == 3
    assert len(parts(svg, "target")) == 1
    assert "0.250 ±0.100" in svg


def test_words_in_a_figure_are_escaped():
    svg = bars([Row("<b>&", [Bar(0, one(0.5))], 0, 1)], '"><script>')
    assert ElementTree.fromstring(svg).get("aria-label") == '"><script>'
    assert "<b>" not in svg


def test_a_radar_reaches_its_rim_at_1_and_leaves_holes_unmarked():
    svg = radar([Spoke("a", [1.0, 0.5]), Spoke("b", [0.5, None]), Spoke("c", [0.5, 0.5])], ["x", "y"], "title")
    rim = parts(svg, "grid")[3].get("points", "").split()
    assert parts(svg, "area")[0].get("points", "").split()[0] == rim[0]
    assert len(parts(svg, "mark")) == 5


def test_the_frontier_passes_only_what_nobody_betters():
    found = [("a", 1, 0.5), ("b", 2, 0.7), ("worse", 2.5, 0.6), ("c", 3, 0.9)]
    points = [Point(name, n, one(cost), one(good)) for n, (name, cost, good) in enumerate(found)]
    (edge,) = parts(frontier(points, "cost", "good", "title"), "edge")
    assert edge.get("d", "").count("H") == 2
    (edge,) = parts(frontier(points[:3], "cost", "bad", "title", upwards=False), "edge") or [None]
    assert edge is None


@given(st.lists(FINITE, min_size=1, max_size=6))
def test_an_axis_spans_its_values_with_few_marks(values: list[float]):
    marks = _axis([one(value) for value in values])
    assert marks[0] <= min(values)
    assert max(values) <= marks[-1]
    assert 2 <= len(marks) <= 9
    assert all(a < b for a, b in itertools.pairwise(marks))


@given(st.lists(st.tuples(FINITE, FINITE), min_size=1, max_size=5))
def test_points_stay_within_their_figure(found: list[tuple[float, float]]):
    points = [Point(str(n), n, one(abs(cost)), one(good)) for n, (cost, good) in enumerate(found)]
    svg = frontier(points, "cost", "good", "title")
    numbers = [float(x) for part in parts(svg, "mark") for x in (part.get("cx"), part.get("x")) if x]
    assert all(50 <= number <= 460 for number in numbers)
    assert "nan" not in svg
    assert not re.search(r"inf\b", svg)


def test_numbers_are_told_with_three_figures():
    assert [told(value) for value in (0.1234, 1.234, 12.34, 1234.4, -0.0001)] == [
        "0.123",
        "1.23",
        "12.3",
        "1234",
        "0.000",
    ]
