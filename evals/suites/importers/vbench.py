"""VBench's prompts and dimensions: VBench_full_info.json, a list of {"prompt_en": …, "dimension": […]}.

https://github.com/Vchitect/VBench; a prompt that is listed for several dimensions is one sample with all of them.
"""

from __future__ import annotations

from pathlib import Path

from kinograph.evals.suites import Suite, json_of
from kinograph.evals.suites.importers import Prompt, kind_of, suite, wrong

EXPECTED = 'VBench_full_info.json: a list of {"prompt_en": text, "dimension": [names]}'


def read(path: Path) -> Suite:
    """Raises BadInput."""
    path = path / "VBench_full_info.json" if path.is_dir() else path
    found = json_of(path, EXPECTED)
    if not isinstance(found, list):
        wrong(path, kind_of(found), EXPECTED)
    dimensions: dict[str, list[str]] = {}
    for number, row in enumerate(found, 1):
        words = row.get("prompt_en") if isinstance(row, dict) else None
        named = row.get("dimension") if isinstance(row, dict) else None
        if not isinstance(words, str) or not isinstance(named, list):
            wrong(path, f"{kind_of(row)} as entry {number}", EXPECTED)
        dimensions.setdefault(words, []).extend(str(one).replace("_", " ") for one in named)
    prompts = [Prompt(words, tuple(dict.fromkeys(tags))) for words, tags in dimensions.items()]
    return suite("vbench", "VBench: prompts by dimension", prompts, path, EXPECTED)
