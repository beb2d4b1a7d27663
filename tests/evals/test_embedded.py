"""The model card tells the numbers that were measured."""

from __future__ import annotations

import json

import numpy as np
import pytest

from kinograph.evals.embedded import MODEL, NUMBERS, Number, cases, psnr, with_table
from kinograph.tools.storyworld.training.clips import held_out


def test_the_card_shows_the_numbers_that_were_kept():
    kept = json.loads((MODEL / NUMBERS).read_text())
    numbers = {name: Number(**number) for name, number in kept["numbers"].items()}
    assert numbers["kind"].n >= 500
    readme = (MODEL / "README.md").read_text()
    assert with_table(readme, numbers) == readme


def test_every_case_is_of_a_composition_that_training_never_saw():
    asked = cases(40, 1)
    assert all(held_out(s.kind, s.color, case.world.setting) for case in asked for s in case.world.subjects)
    assert len({case.caption for case in asked}) == 40
    assert asked == cases(40, 1)


def test_psnr_is_that_of_the_textbook():
    black = np.zeros((4, 4, 3), np.uint8)
    assert psnr(black, black + 255) == pytest.approx(0)
    assert psnr(black, black + 1) == pytest.approx(48.13, abs=0.01)
