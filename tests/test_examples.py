"""The examples run as they stand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_makes_its_film(example: Path):
    run = subprocess.run([sys.executable, str(example)], capture_output=True, text=True, timeout=200)
    assert run.returncode == 0, run.stderr
    films = list(Path("films").glob("*/film.mp4"))
    assert len(films) == 1
    assert str(films[0].parent.absolute()) in run.stdout
    assert run.stderr == ""


def test_there_are_examples():
    assert len(EXAMPLES) >= 3
