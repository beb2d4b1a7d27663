"""Movie Gen Video Bench: MovieGenVideoBench.txt, a prompt a line, or MovieGenVideoBenchWithTag.csv.

https://github.com/facebookresearch/MovieGenBench; the table has the columns prompt, concept and motion_level.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from kinograph.evals.suites import Suite, text_of
from kinograph.evals.suites.importers import Prompt, lines, suite, wrong

EXPECTED = "MovieGenVideoBench.txt, a prompt a line, or MovieGenVideoBenchWithTag.csv (prompt,concept,motion_level)"
NAMES = ("MovieGenVideoBenchWithTag.csv", "MovieGenVideoBench.txt")
ABOUT = "Movie Gen Video Bench: prompts by concept and motion"


def read(path: Path) -> Suite:
    """Raises BadInput."""
    if path.is_dir():
        files = [folder / name for name in NAMES for folder in (path, path / "benchmark")]
        path = next((file for file in files if file.is_file()), path)
    if path.is_dir():
        wrong(path, "neither of its files", EXPECTED)
    text = text_of(path, EXPECTED)
    prompts = _tagged(text, path) if path.suffix == ".csv" else [Prompt(line) for line in lines(text)]
    return suite("moviegenbench", ABOUT, prompts, path, EXPECTED)


def _tagged(text: str, path: Path) -> list[Prompt]:
    table = csv.DictReader(io.StringIO(text))
    if "prompt" not in (table.fieldnames or ()):
        wrong(path, f"the columns {', '.join(table.fieldnames or ('none',))}", EXPECTED)
    return [Prompt(row["prompt"] or "", _tags(row)) for row in table]


def _tags(row: dict[str, str]) -> tuple[str, ...]:
    concepts = [one.strip() for one in (row.get("concept") or "").split(",") if one.strip()]
    motion = (row.get("motion_level") or "").strip()
    return (*concepts, *((f"motion {motion}",) if motion else ()))
