"""Backends that go wrong in ways that no single take shows, and a mind that approves of every take."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import kinograph.tools.backends as door
from kinograph.agents.mind import Rules
from kinograph.film import Clip, RenderRequest, Verdict
from kinograph.tools.backends import ModelCard, Progress
from kinograph.tools.backends.storyworld import StoryworldBackend
from kinograph.tools.storyworld.grammar import read
from kinograph.tools.storyworld.painter import Painting, paint
from kinograph.tools.storyworld.world import World

MENDS = ("as in every other shot", "unmistakably in the", "look throughout")
"""Words that the quality agent's corrections bring into a prompt."""


class Tampered(StoryworldBackend):
    """Draws what is asked, except in shots that fall, as the model's name says.

    "color", "kind", "place" and "style" go wrong until the prompt says what is wrong; "stubborn" always has the wrong
    color.
    """

    def paint(self, request: RenderRequest) -> Painting:
        world = read(request.prompt).world
        falls = any(one.motion == "falls" for one in world.subjects)
        told = any(words in request.prompt for words in MENDS)
        if falls and (request.model == "stubborn" or not told):
            world = wrong(world, "color" if request.model == "stubborn" else request.model)
        width, height = request.width, request.height
        return paint(world, frames=request.frames, seed=request.seed, width=width, height=height, fps=request.fps)


def wrong(world: World, what: str) -> World:
    """A world with one thing wrong."""
    first, *rest = world.subjects
    if what == "color":
        return world.changed(subjects=(first.changed(color="blue" if first.color != "blue" else "red"), *rest))
    if what == "kind":
        return world.changed(subjects=(first.changed(kind="star" if first.kind != "star" else "house"), *rest))
    if what == "place":
        return world.changed(setting="snow" if world.setting != "snow" else "space")
    return world.changed(look="neon" if world.look != "neon" else "flat")


class Cramped(StoryworldBackend):
    """Has no memory until there is room."""

    roomy = False

    def render(
        self, requests: Sequence[RenderRequest], on_progress: Progress, cancelled: Callable[[], bool]
    ) -> list[Clip]:
        if not type(self).roomy:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
        return super().render(requests, on_progress, cancelled)


def tampered_cards(orchestration: str = "high") -> dict[str, ModelCard]:
    """All cards, and one for each way to go wrong."""
    plain = door.cards()["storyworld-render"]
    ratings = plain.ratings.changed(orchestration_complexity=orchestration)
    made = {
        name: plain.changed(id=name, backend="tampering:Tampered", ratings=ratings)
        for name in ("color", "kind", "place", "style", "stubborn")
    }
    made["cramped"] = plain.changed(id="cramped", backend="tampering:Cramped", ratings=ratings)
    return {**door.cards(), **made}


class Accepting(Rules):
    """Answers by rules, and approves of every take."""

    name = "accepting"

    def think(self, agent: Any, question: Any) -> Any:
        return Verdict(accepted=True) if agent.role == "validator" else super().think(agent, question)


assert "tampering" in sys.modules, "backends are found by the name of this module"
