"""T2V-CompBench's prompts: the folder prompts/ with a text file a category, such as 7_numeracy.txt, a prompt a line.

https://github.com/KaiyueSun98/T2V-CompBench; a single file, or one of meta_data/*.json, may be named too.
"""

from __future__ import annotations

import re
from pathlib import Path

from kinograph.evals.suites import Suite, json_of, text_of
from kinograph.evals.suites.importers import Prompt, kind_of, lines, suite, wrong

EXPECTED = "T2V-CompBench's folder prompts/ with a text file a category (7_numeracy.txt, …), or one file of it"


def read(path: Path) -> Suite:
    """Raises BadInput."""
    if not path.is_dir():
        return suite("t2v-compbench", _about(1), _prompts(path), path, EXPECTED)
    folder = path / "prompts" if (path / "prompts").is_dir() else path
    files = sorted(folder.glob("*.txt"), key=lambda file: (_number(file), file.name))
    if not files:
        wrong(folder, "no text files", EXPECTED)
    prompts = [prompt for file in files for prompt in _prompts(file)]
    return suite("t2v-compbench", _about(len(files)), prompts, folder, EXPECTED)


def _about(categories: int) -> str:
    return f"T2V-CompBench: {categories} of its categories of compositions"


def _number(file: Path) -> int:
    match = re.match(r"\d+", file.name)
    return int(match[0]) if match else 99


def _prompts(file: Path) -> list[Prompt]:
    category = re.sub(r"^\d+_", "", file.stem).replace("_", " ")
    if file.suffix != ".json":
        return [Prompt(line, (category,)) for line in lines(text_of(file, EXPECTED))]
    rows = json_of(file, EXPECTED)
    if not isinstance(rows, list):
        wrong(file, kind_of(rows), 'meta_data of T2V-CompBench: a list of {"prompt": text, …}')
    for row in rows:
        if not isinstance(row, dict) or not isinstance(row.get("prompt"), str):
            wrong(file, kind_of(row), 'meta_data of T2V-CompBench: a list of {"prompt": text, …}')
    return [Prompt(row["prompt"], (category,)) for row in rows]
