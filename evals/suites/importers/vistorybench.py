"""ViStoryBench: a folder a story, with story.json and image/CHARACTER/*.png.

https://github.com/ViStoryBench/vistorybench; story.json has "Story_type", "Shots" (each field {"en": …, "ch": …}) and
"Characters" (by key: name_en, prompt_en, tag). A story is one brief: who is in it, then its shots in order.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kinograph.evals.suites import Suite, json_of
from kinograph.evals.suites.importers import Prompt, kind_of, suite, wrong

EXPECTED = "ViStoryBench's folder of stories, each with a story.json (Shots, Characters) and image/CHARACTER/ pictures"
FIELDS = ("Plot Correspondence", "Static Shot Description", "Setting Description", "Shot Perspective Design")
PICTURES = {".png", ".jpg", ".jpeg"}


def read(path: Path) -> Suite:
    """Raises BadInput."""
    folders = [path] if (path / "story.json").is_file() else _stories(path)
    if not folders:
        wrong(path, "no folder with a story.json", EXPECTED)
    prompts = [_story(folder) for folder in folders]
    return suite("vistorybench", "ViStoryBench: stories with characters given by pictures", prompts, path, EXPECTED)


def _stories(path: Path) -> list[Path]:
    if not path.is_dir():
        wrong(path, "no folder", EXPECTED)
    found = [folder for folder in path.iterdir() if (folder / "story.json").is_file()]
    return sorted(found, key=lambda one: (int(one.name) if one.name.isdigit() else 10**9, one.name))


def _story(folder: Path) -> Prompt:
    file = folder / "story.json"
    story = json_of(file, EXPECTED)
    shots = story.get("Shots") if isinstance(story, dict) else None
    if not isinstance(shots, list) or not shots:
        wrong(file, kind_of(story), 'an object with "Shots", a list that is not empty')
    people = story.get("Characters") or {}
    if not isinstance(people, dict):
        wrong(file, f"{kind_of(people)} as Characters", "an object by character")
    cast = [_person(one) for one in people.values() if isinstance(one, dict)]
    told = [f"Shot {number}: {_shot(shot, file, number)}" for number, shot in enumerate(shots, 1)]
    kind = _english(story.get("Story_type"))
    pictures = tuple(picture for key in people if (picture := _picture(folder / "image" / key)))
    tags = (*((kind,) if kind else ()), f"{len(shots)} shots", f"{len(people)} characters")
    return Prompt("\n".join([*filter(None, cast), *told]), tags, pictures, f"story-{folder.name}")


def _person(person: dict[str, Any]) -> str:
    name, looks = str(person.get("name_en") or "").strip(), str(person.get("prompt_en") or "").strip()
    return f"{name}: {looks}" if name and looks else name or looks


def _shot(shot: Any, file: Path, number: int) -> str:
    """A shot's fields in English, those that are there. Raises BadInput for one with none of them."""
    told = [_english(shot.get(field)) for field in FIELDS] if isinstance(shot, dict) else []
    if not any(told):
        wrong(file, f"{kind_of(shot)} as shot {number}", f"one of {', '.join(map(repr, FIELDS))} in English")
    return " ".join(words if words.endswith((".", "!", "?")) else f"{words}." for words in told if words)


def _english(field: Any) -> str:
    found = field.get("en") if isinstance(field, dict) else field
    return " ".join(found.split()) if isinstance(found, str) else ""


def _picture(folder: Path) -> str | None:
    """A character's first picture."""
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in PICTURES) if folder.is_dir() else []
    return str(files[0]) if files else None
