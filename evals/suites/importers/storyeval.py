"""StoryEval's prompts: all_prompts.json, {"NAME.mp4": {"prompt": …, "event_list": […], "class": […]}}, or its .txt.

https://github.com/ypwang61/StoryEval; the folder of a clone or its prompts/ may be named too.
"""

from __future__ import annotations

from pathlib import Path

from kinograph.evals.suites import Suite, json_of, text_of
from kinograph.evals.suites.importers import Prompt, kind_of, lines, suite, wrong

EXPECTED = 'StoryEval\'s all_prompts.json: {"NAME.mp4": {"prompt": text, "event_list": [texts], "class": [names]}}'
ABOUT = "StoryEval: short stories of several events"


def read(path: Path) -> Suite:
    """Raises BadInput."""
    if path.is_dir():
        folder = path / "prompts" if (path / "prompts").is_dir() else path
        path = next(
            (file for file in (folder / "all_prompts.json", folder / "all_prompts.txt") if file.is_file()), path
        )
    if path.is_dir():
        wrong(path, "no all_prompts.json", EXPECTED)
    if path.suffix == ".txt":
        return suite("storyeval", ABOUT, map(Prompt, lines(text_of(path, EXPECTED))), path, EXPECTED)
    found = json_of(path, EXPECTED)
    if not isinstance(found, dict):
        wrong(path, kind_of(found), EXPECTED)
    prompts = []
    for name, row in found.items():
        if not isinstance(row, dict) or not isinstance(row.get("prompt"), str):
            wrong(path, f"{kind_of(row)} for {name!r}", EXPECTED)
        tags = tuple(str(one).replace("_", " ") for one in row.get("class") or ())
        prompts.append(Prompt(row["prompt"], tags))
    return suite("storyeval", ABOUT, prompts, path, EXPECTED)
