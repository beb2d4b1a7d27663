"""The words of a request: a shot, its cast as it was seen, and the film's look as one prompt."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kinograph import prompts
from kinograph.film import Camera, Character, Motion, Shot, Storyboard, TimeOfDay
from kinograph.memory.keyframe import Keyframe

MOTION_WORDS: dict[Motion, str] = {
    "stays": "staying in place",
    "moves left": "moving left",
    "moves right": "moving right",
    "rises": "rising",
    "falls": "falling",
    "bounces": "bouncing",
    "spins": "spinning",
    "grows": "growing bigger",
    "shrinks": "shrinking",
    "circles": "moving in a circle",
}
CAMERA_WORDS: dict[Camera, str] = {
    "static": "static camera",
    "pan left": "camera pans left",
    "pan right": "camera pans right",
    "tilt up": "camera tilts up",
    "tilt down": "camera tilts down",
    "zoom in": "camera zooms in",
    "zoom out": "camera zooms out",
}
TIME_WORDS: dict[TimeOfDay, str] = {
    "dawn": "at dawn",
    "day": "by day",
    "sunset": "at sunset",
    "night": "at night",
}


def prompt_of(shot: Shot, storyboard: Storyboard, recalled: Sequence[Keyframe], emphasis: list[str]) -> str:
    return prompts.render(
        "shot",
        subjects=[
            {
                "words": as_seen(storyboard.character(appearance.who), recalled),
                "action": appearance.action,
                "motion": MOTION_WORDS[appearance.motion],
            }
            for appearance in shot.cast
        ],
        setting=shot.setting,
        time=TIME_WORDS[shot.time],
        camera=CAMERA_WORDS[shot.camera],
        mood=shot.mood,
        extra=shot.extra,
        look=storyboard.look,
        emphasis=emphasis,
    )


def as_seen(character: Character, recalled: Sequence[Keyframe]) -> str:
    """How a prompt names a character: one of whom no colour was told in the colour that it was first seen in."""
    seen = next((k.seen for k in recalled if k.shows(character) and k.seen), "")
    if character.color is not None or not seen:
        return character.words
    named = rf"(?:\b(an?)\s+)?((?:[\w'’-]+\s+){{0,3}}?)\b{re.escape(character.kind)}\b"
    match = re.search(named, character.words, re.I)
    if match is None:
        return f"{character.words}, {seen}"
    before = f"{match[2]}{seen} {character.kind}"
    article = f"{'an' if before[0] in 'aeiou' else 'a'} " if match[1] else ""
    return f"{character.words[: match.start()]}{article}{before}{character.words[match.end() :]}"
