"""Captions in both directions: `describe` puts a world into words, `read` finds a world in any English."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from kinograph.tools.storyworld import patterns, reading
from kinograph.tools.storyworld import vocabulary as words
from kinograph.tools.storyworld.world import Subject, World

TEMPLATES = (
    "{Actors} {where} {when}. {Camera}. {Look}.",
    "{When}, {actors} {where}. {Camera}, {look}.",
    "{Where} {when}, {actors}; {camera}, {look}.",
    "{Look}: {actors} {where} {when}, {camera}.",
    "{Actors}, {where}, {when}, {camera}, {look}",
    "{Camera}. {Actors} {where} {when}. {Look}.",
    "{Where}, {actors}. {When}. {Camera}. {Look}.",
    "{Look}, {camera}: {when} {where}, {actors}.",
    "{When} {where}: {actors}. {Look}, {camera}.",
    "{Actors}. {Where} {when}. {Camera}, {look}.",
    "{Camera} while {actors} {where} {when}, {look}.",
    "Seen {where} {when}: {actors}, {look}, {camera}.",
    "{actors}, {look}, {where}, {when}, {camera}",
    "{When}, {look}, {camera}, {where}, {actors}.",
)
EMPTY = ("nobody is there", "no one is in sight", "an empty scene", "nothing but the scenery")
JOINTS = (" while ", " and ", ", and ", "; ", " as ", ", ")

Pick = Callable[[tuple[str, ...]], str]


class Reading(NamedTuple):
    """A prompt understood as a world."""

    world: World
    unknown: tuple[str, ...]
    """What found no place, and what stands in for it: "'knight' drawn as a person"."""


def describe(world: World, rng: np.random.Generator) -> str:
    """A caption of the world; `read` gives the world back exactly. Wording and word order are random.

    A static camera and the flat look go without saying in a quarter of the captions.
    """

    def pick(options: tuple[str, ...]) -> str:
        return options[int(rng.integers(len(options)))]

    parts = {
        "actors": pick(JOINTS).join(_actor(subject, pick) for subject in world.subjects) or pick(EMPTY),
        "where": pick(words.SETTING_WORDS[world.setting]),
        "when": pick(words.TIME_WORDS[world.time]),
        "camera": pick(words.CAMERA_WORDS[world.camera]),
        "look": pick(words.LOOK_WORDS[world.look]),
    }
    plain = {"camera": world.camera == "static", "look": world.look == "flat"}
    silent = [name for name in plain if plain[name] and rng.random() < 0.25]
    parts |= dict.fromkeys(silent, "")
    starts = {name.capitalize(): text[:1].upper() + text[1:] for name, text in parts.items()}
    caption = pick(TEMPLATES).format(**parts, **starts)
    return _without_holes(caption) if silent else caption


def plainly(world: World) -> str:
    """The plainest caption of a world, always the same: what a prompt is rewritten to for the embedded model."""
    first = {
        "Actors": " and ".join(_actor(subject, lambda options: options[0]) for subject in world.subjects) or EMPTY[0],
        "where": words.SETTING_WORDS[world.setting][0],
        "when": words.TIME_WORDS[world.time][0],
        "Camera": words.CAMERA_WORDS[world.camera][0].capitalize(),
        "Look": words.LOOK_WORDS[world.look][0].capitalize(),
    }
    first["Actors"] = first["Actors"][:1].upper() + first["Actors"][1:]
    return TEMPLATES[0].format(**first)


def _actor(subject: Subject, pick: Pick) -> str:
    noun = f"{pick(words.COLOR_WORDS[subject.color])} {pick(words.KIND_WORDS[subject.kind])}"
    does = words.MOTION_WORDS[subject.motion]
    own = words.TRAVEL_VERBS.get(subject.kind)
    if own and subject.motion in ("moves left", "moves right"):
        side = subject.motion.removeprefix("moves ")
        does += (f"{own} to the {side}", f"{own} to the {side}", f"{own} {side}wards", f"{own} {side}wards")
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun} {pick(does)}"


def _without_holes(text: str) -> str:
    """The caption with the punctuation around left-out parts repaired."""
    text = re.sub(r"^ while (.)", lambda found: found[1].upper(), text)
    text = re.sub(r"\s+([.,;:])", r"\1", re.sub(r"\s{2,}", " ", text))
    text = re.sub(r"([.,;:])(?:[.,;:])+", lambda found: "." if "." in found[0] else found[1], text)
    text = re.sub(r"(?:[.,;:]\s+)+([.,;:])", r"\1", text).strip(" ,;:").lstrip(". ")
    return text[:1].upper() + text[1:]


def read(caption: str) -> Reading:
    """The world a prompt speaks of. What it leaves open is a meadow by day, a static camera, the flat look.

    Never fails: what the world lacks is replaced by what comes nearest, and `unknown` says so.
    """
    text = reading.Text(caption)
    unknown: list[str] = []
    camera = text.take(patterns.camera_patterns()) or "static"
    strange_camera = text.cut(r"\bcamera\s+\w[^|,.;]*").strip()
    if strange_camera:
        unknown.append(f"'{strange_camera}' drawn as a {camera} camera")
    look = text.take(patterns.look_patterns()) or "flat"
    strange_look = text.cut(rf"\b(?:{words.FOREIGN_LOOKS})\b")
    if strange_look:
        unknown.append(f"'{strange_look}' look drawn {look}")
    time = text.take(patterns.time_patterns()) or "day"
    setting = text.take(patterns.setting_patterns())
    subjects = reading.subjects(text, unknown)
    setting = setting or reading.strange_setting(text, unknown) or "meadow"
    subjects = subjects or reading.strange_subject(text, unknown)
    unknown += [f"'{noun}' is not drawn" for noun in reading.strangers(text)]
    world = World.model_validate(
        {"subjects": subjects, "setting": setting, "time": time, "camera": camera, "look": look}
    )
    return Reading(world, tuple(dict.fromkeys(unknown)))
