"""The path through its graph that a production tells of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kinograph import Studio
from kinograph.graphs.passed import passed
from kinograph.graphs.running import checkpoints_of

BRIEF = "A red ball rolls across a meadow. Then it bounces over the sea at night."
TAKE = ("recall", "render", "judge", "remember", "settle")


def path(studio: Studio, **wishes: Any) -> tuple[str, ...]:
    small: dict[str, Any] = {"width": 64, "height": 48, "frames": 8} | wishes
    film = studio.make(studio.brief(BRIEF, **small), out="film")
    return passed(checkpoints_of(studio.place, Path(film.folder)), film.id)


def test_a_chain_passes_its_nodes_in_order_and_each_shot_its_own():
    assert path(Studio(), topology="chain") == (
        *("orchestrate", "carry", "chain", "parse", "motion", "board", "shoot"),
        *(TAKE + TAKE),
        *("quality", "reconsider", "fuse", "cut"),
    )


def test_what_runs_side_by_side_stands_in_one_order():
    nodes = path(Studio(), topology="hierarchical", takes=1)
    assert nodes[2:8] == ("hierarchical", "planner", "motion", "scene", "style", "board")


@pytest.mark.parametrize("takes", [1, 2])
def test_a_retake_is_passed_again(takes: int):
    faulty = {"storyworld-render": {"fault_rate": 1.0}}
    nodes = path(Studio(backends=faulty, takes=takes), topology="chain")
    assert nodes.count("render") >= 2 * takes
    assert nodes.count("retake") >= 2 * (takes - 1)
