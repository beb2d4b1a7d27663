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
    films = list(Path("films").rglob("film.mp4"))
    assert len(films) == (2 if example.stem == "conversation" else 1)
    assert all(str(film.parent.absolute()) in run.stdout for film in films)
    assert run.stderr == ""


def test_there_are_examples():
    assert len(EXAMPLES) >= 3
