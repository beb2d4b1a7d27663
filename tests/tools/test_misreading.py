"""A model that misreads: how often, what, and that the same prompt and seed are misread alike."""

from __future__ import annotations

import pytest

from kinograph.tools.storyworld.grammar import read
from kinograph.tools.storyworld.misreading import misread

SAID = "a red ball, moving right, in the meadow, by day, static camera, flat look"
UNSAID = "a ball, moving right, in the meadow, by day, static camera, flat look"


@pytest.mark.parametrize("rate", [0.0, 0.4, 1.0])
def test_one_thing_of_so_many_prompts_is_taken_for_another(rate: float):
    asked = read(SAID).world
    seen = [misread(asked, SAID, seed, rate) for seed in range(300)]
    wrong = [world for world in seen if world != asked]
    assert len(wrong) / len(seen) == pytest.approx(rate, abs=0.09)
    for world in wrong:
        one, true = world.subjects[0], asked.subjects[0]
        changed = (one.kind != true.kind, one.color != true.color, one.motion != true.motion)
        assert sum(changed) + (world.setting != asked.setting) == 1


def test_the_same_prompt_and_seed_are_misread_alike():
    asked = read(SAID).world
    assert [misread(asked, SAID, s, 0.5) for s in range(20)] == [misread(asked, SAID, s, 0.5) for s in range(20)]


def test_a_color_that_is_not_said_is_anything_and_one_that_is_said_stays():
    asked = read(UNSAID).world
    assert len({misread(asked, UNSAID, seed, 0.0).subjects[0].color for seed in range(60)}) >= 5
    said = read(SAID).world
    assert {misread(said, SAID, seed, 0.0).subjects[0].color for seed in range(60)} == {"red"}
