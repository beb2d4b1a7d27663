"""Suites: samples as data, with what is true of them. Adding one is a file of JSON lines and a line in SUITES.

    suite = open_suite("storyworld-story")
    suite.samples[0].brief, suite.samples[0].shots[0].subjects

Benchmarks that others publish are read from your own copy: open_suite("vbench:/path/to/VBench_full_info.json").
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import Field, ValidationError

from kinograph.errors import BadInput, UnknownName
from kinograph.film import Noun
from kinograph.settings import explain

Does = Literal["film", "plan", "chat", "dare"]
"""What a system does with a sample: makes a film, plans one, holds a conversation, or is dared to fall over."""


class SubjectTruth(Noun):
    """Who should be in a shot, and what it should do there."""

    kind: str
    color: str | None = None
    """None where the brief leaves it open."""
    motion: str | None = None
    """One of `kinograph.film.Motion`, or "moves" for either side; None where it is left open."""
    who: str = ""
    """Name of a character that is in several shots and should look the same in all, but for a colour that changes."""


class ShotTruth(Noun):
    """What a shot should show. What is None is left open and not judged."""

    subjects: tuple[SubjectTruth, ...] = ()
    setting: str | None = None
    time: str | None = None
    camera: str | None = None


class FilmTruth(Noun):
    """What was asked of the whole film."""

    seconds: float | None = None
    aspect: str | None = None
    look: str | None = None


class Turn(Noun):
    """A turn of a conversation after the first."""

    say: str
    changes: tuple[int, ...] = ()
    """Places, from 1, of the shots in the film after the turn that are new or not as they were: these and no others."""
    shots: tuple[ShotTruth, ...] = ()
    """The film after the turn."""


class Sample(Noun):
    """One case."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}$")
    """Names a folder."""
    brief: str
    shots: tuple[ShotTruth, ...] = ()
    """What is true of the film, shot by shot; empty where nothing exact is known."""
    film: FilmTruth = FilmTruth()
    tags: tuple[str, ...] = ()
    """Dimensions and categories that results are broken down by."""
    turns: tuple[Turn, ...] = ()
    ends: Literal["film", "error", "either"] = "film"
    """How a dare should end."""
    wishes: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the brief."""
    references: tuple[str, ...] = ()
    """Pictures of who and what should be seen, by their paths."""
    clips: tuple[str, ...] = ()
    """Videos of the shots as they should be, frame for frame, by their paths; empty where there are none."""


class Suite(Noun):
    """Samples of one kind."""

    name: str
    about: str = ""
    """What it measures."""
    does: Does = "film"
    samples: tuple[Sample, ...]

    def only(self, ids: Sequence[str] = (), limit: int | None = None) -> Suite:
        """The samples of these ids, or all, and of those the first `limit`. Raises UnknownName."""
        known = {sample.id: sample for sample in self.samples}
        for id in ids:
            if id not in known:
                raise UnknownName(f"sample of {self.name}", id, [*list(known)[:8], f"… {len(known)} in all"])
        chosen = tuple(known[id] for id in dict.fromkeys(ids)) if ids else self.samples
        return self.model_copy(update={"samples": chosen if limit is None else chosen[:limit]})


class Entry(NamedTuple):
    """A suite that ships."""

    file: str
    does: Does
    about: str


SUITES: dict[str, Entry] = {
    "storyworld-basic": Entry(
        "storyworld-basic.jsonl", "film", "single shots: kind, colour, motion, camera, setting, time"
    ),
    "storyworld-story": Entry(
        "storyworld-story.jsonl", "film", "stories of 3 to 5 shots: who recurs looks the same, half without a colour"
    ),
    "storyworld-change": Entry(
        "storyworld-change.jsonl",
        "film",
        "stories whose hero turns another colour: the new one from there on, no other",
    ),
    "storyworld-hard": Entry(
        "storyworld-hard.jsonl", "film", "two subjects, swapped roles and colours, counting, films of 8 to 12 shots"
    ),
    "planning": Entry("planning-more.jsonl", "plan", "briefs to storyboards: cast, settings, order, motions, wishes"),
    "planning-held": Entry("planning-held.jsonl", "plan", "as planning; nobody who works on the rules reads these"),
    "editing-chat": Entry("editing-chat.jsonl", "chat", "conversations: exactly the shots that should change do"),
    "robustness": Entry("robustness.jsonl", "dare", "bad and hostile briefs: a film, or one clear error"),
}

IMPORTERS: dict[str, str] = {
    "vbench": "kinograph.evals.suites.importers.vbench",
    "t2v-compbench": "kinograph.evals.suites.importers.t2v_compbench",
    "vistorybench": "kinograph.evals.suites.importers.vistorybench",
    "storyeval": "kinograph.evals.suites.importers.storyeval",
    "moviegenbench": "kinograph.evals.suites.importers.moviegenbench",
}
"""Name -> module whose `read` makes a suite of a user's copy."""


def open_suite(name: str) -> Suite:
    """A suite by its name, as IMPORTER:PATH, or a file of one's own (.jsonl or .yaml). Raises UnknownName, BadInput."""
    if name in SUITES:
        entry = SUITES[name]
        samples = read_lines(Path(__file__).parent / entry.file)
        return Suite(name=name, about=entry.about, does=entry.does, samples=samples)
    importer, colon, path = name.partition(":")
    if colon and importer in IMPORTERS:
        return import_module(IMPORTERS[importer]).read(Path(path).expanduser())
    if name.endswith((".jsonl", ".yaml", ".yml")):
        return _own(Path(name).expanduser())
    raise UnknownName("suite", name, [*SUITES, *(f"{one}:PATH" for one in IMPORTERS), "a .jsonl or .yaml file"])


def read_lines(path: Path) -> tuple[Sample, ...]:
    """The samples of a file, one JSON object a line. Raises BadInput, naming the line."""
    found = []
    for number, line in enumerate(text_of(path, "a file of samples, one JSON object a line").splitlines(), 1):
        if line.strip():
            found.append(_sample(line, f"line {number} of {str(path)!r}"))
    return _distinct(found, path)


def text_of(path: Path, expected: str) -> str:
    """A file's text. Raises BadInput, which says what was expected there."""
    try:
        return path.read_text("utf-8-sig")
    except IsADirectoryError as error:
        raise BadInput(f"{str(path)!r} is a folder; expected {expected}") from error
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise BadInput(f"{str(path)!r} cannot be read: {why}; expected {expected}") from error


def json_of(path: Path, expected: str) -> Any:
    """What a JSON file holds. Raises BadInput, which says what was expected there."""
    try:
        return json.loads(text_of(path, expected))
    except ValueError as error:
        raise BadInput(f"{str(path)!r} is no JSON ({error}); expected {expected}") from error


def _sample(line: str, where: str) -> Sample:
    try:
        return Sample.model_validate_json(line)
    except ValidationError as error:
        raise BadInput(f"{where} is no sample: {explain(error)}") from error


def _distinct(samples: Iterable[Sample], path: Path) -> tuple[Sample, ...]:
    by_id: dict[str, Sample] = {}
    for sample in samples:
        if by_id.setdefault(sample.id, sample) is not sample:
            raise BadInput(f"{str(path)!r} has two samples {sample.id!r}")
    if not by_id:
        raise BadInput(f"{str(path)!r} has no samples; expected one JSON object a line")
    return tuple(by_id.values())


def _own(path: Path) -> Suite:
    if path.suffix == ".jsonl":
        return Suite(name=path.stem, about=str(path), samples=read_lines(path))
    import yaml

    expected = "a mapping with does (film, plan, chat or dare) and samples"
    try:
        found = yaml.safe_load(text_of(path, expected))
    except yaml.YAMLError as error:
        raise BadInput(f"{str(path)!r} is no YAML: {' '.join(str(error).split())}; expected {expected}") from error
    if not isinstance(found, dict):
        raise BadInput(f"{str(path)!r} holds a {type(found).__name__}; expected {expected}")
    try:
        suite = Suite.model_validate({"name": path.stem, "about": str(path)} | found)
    except ValidationError as error:
        raise BadInput(f"{str(path)!r} is no suite: {explain(error)}; expected {expected}") from error
    return suite.model_copy(update={"samples": _distinct(suite.samples, path)})
