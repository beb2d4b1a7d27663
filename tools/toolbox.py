"""LangChain tools that agents may call while they think: look something up, look at something, ask for a price.

Every tool only reads. Arguments are checked by type; what does not exist is said in words, with what does.
A tool that shows pictures returns them as its artifact: JPEG bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from kinograph.tools import colors, eyes
from kinograph.tools.backends import card, cards
from kinograph.tools.sheet import Strip, sheet

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

MAX_FRAMES = 6
"""Most frames that are shown at once."""
Picture = Callable[[], np.ndarray]
"""Loads a picture `[H,W,3]`, or the frames of a take `[T,H,W,3]`, uint8 RGB."""


def of_models() -> list[BaseTool]:
    """What the orchestrator may look up: models, their cards, what renders cost."""
    from langchain_core.tools import tool

    @tool
    def list_models() -> str:
        """All model cards: id, whether this version can run it, and what it is for."""
        return json.dumps([{"id": c.id, "runs": c.available, "for": c.summary} for c in cards().values()])

    @tool
    def look_up_card(model: Annotated[str, Field(max_length=60)]) -> str:
        """The whole card of a model: sizes, frames, needs, ratings, limits."""
        return card(model).model_dump_json(exclude={"backend"})

    @tool
    def estimate_cost(
        model: Annotated[str, Field(max_length=60)],
        shots: Annotated[int, Field(ge=1, le=200)],
        frames: Annotated[int, Field(ge=1, le=2400)],
        width: Annotated[int, Field(ge=16, le=4096)],
        height: Annotated[int, Field(ge=16, le=4096)],
        workers: Annotated[int, Field(ge=1, le=64)] = 1,
    ) -> str:
        """Wall seconds of one take of every shot, `frames` long each, rendered `workers` at a time."""
        seconds = card(model).seconds_for(shots * frames, width, height)
        return "unknown for this model" if seconds is None else f"{seconds / workers:.0f} s"

    return [list_models, look_up_card, estimate_cost]


def of_takes(takes: Mapping[str, Picture], remembered: Sequence[tuple[str, Picture]]) -> list[BaseTool]:
    """What the validator may look at: frames `[T,H,W,3]` of takes by their letters, and keyframes by what they show."""
    from langchain_core.tools import tool

    @tool(response_format="content_and_artifact")
    def inspect_frames(
        take: Annotated[str, Field(max_length=4)],
        numbers: Annotated[list[int], Field(min_length=1, max_length=MAX_FRAMES)],
    ) -> tuple[str, list[bytes]]:
        """Shows frames of a take by their numbers, larger than on the sheet."""
        if take not in takes:
            return f"There is no take {take!r}; there are: {', '.join(takes)}.", []
        frames = takes[take]()
        if outside := [number for number in numbers if not 0 <= number < len(frames)]:
            return f"There is no frame {outside[0]}; there are 0 to {len(frames) - 1}.", []
        picture = sheet(Strip([(f"{take} frame {n}", frames[n]) for n in numbers], 2))
        return f"take {take}, frames {', '.join(map(str, numbers))}", [picture]

    @tool(response_format="content_and_artifact")
    def recall_keyframes(about: Annotated[str, Field(max_length=60)]) -> tuple[str, list[bytes]]:
        """Shows what is remembered of a character, a place or an earlier shot, larger than on the sheet."""
        found = [(name, load) for name, load in remembered if about.lower() in name.lower()][:4]
        if not found:
            known = ", ".join(name for name, _ in remembered) or "nothing"
            return f"Nothing is remembered of {about!r}; remembered: {known}.", []
        told = "; ".join(f"{number}: {name}" for number, (name, _) in enumerate(found, 1))
        return told, [sheet(Strip([(str(number), load()) for number, (_, load) in enumerate(found, 1)], 2))]

    return [inspect_frames, recall_keyframes]


def of_memory(remembered: Mapping[str, tuple[str, Picture]]) -> list[BaseTool]:
    """What the memory agent may look at: keyframes by number, with what they show. In words, so that any model can."""
    from langchain_core.tools import tool

    @tool
    def recall_keyframes(about: Annotated[str, Field(max_length=60)]) -> str:
        """Lists what is remembered of a character, with the number of each picture."""
        found = {number: name for number, (name, _) in remembered.items() if about.lower() in name.lower()}
        known = ", ".join(name for name, _ in remembered.values())
        return json.dumps(found) if found else f"Nothing is remembered of {about!r}; remembered: {known}."

    @tool
    def inspect_keyframe(number: Annotated[str, Field(max_length=4)]) -> str:
        """Measures a picture: size in pixels, lightness, the colour of what stands out, how sharp it is."""
        if number not in remembered:
            return f"There is no picture {number!r}; there are: {', '.join(remembered)}."
        return json.dumps(_measured(remembered[number][1]()))

    return [recall_keyframes, inspect_keyframe]


def _measured(picture: np.ndarray) -> dict[str, str | float]:
    lightness = colors.to_lab(picture[None])[0, ..., 0]
    hue = eyes.picture_hue(picture)
    return {
        "size": f"{picture.shape[1]}x{picture.shape[0]}",
        "lightness": round(float(lightness.mean()), 1),
        "color": "none is vivid" if hue is None else f"{colors.name_of(hue)} (hue {hue:.0f} degrees)",
        "sharpness": round(float(np.abs(np.diff(lightness, axis=1)).mean()), 2),
    }
