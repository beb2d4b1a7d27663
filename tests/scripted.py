"""Films whose plan is known: storyworlds as storyboards, and a mind that hands them out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kinograph.agents.mind import Rules
from kinograph.agents.motion import Move, Moves
from kinograph.agents.outline import Beat, Outline
from kinograph.agents.scene import Place, Places
from kinograph.film import Appearance, Character, Look, Noun
from kinograph.tools.storyworld.world import World


class Scripted(Rules):
    """Answers from a script where there is a line for the role; every other role answers by its rules."""

    def __init__(self, **script: Noun) -> None:
        self.name = "scripted"
        self.script = script

    def think(self, agent: Any, question: Any) -> Any:
        return self.script.get(agent.role) or super().think(agent, question)


def script_of(worlds: Sequence[World]) -> Scripted:
    """A mind whose plan is one shot a world, each with its own cast."""
    beats, cast, places, moves = [], [], [], []
    for number, world in enumerate(worlds, 1):
        ids = [f"{one.color}-{one.kind}-{number}" for one in world.subjects]
        cast += [
            Character(id=id, kind=one.kind, color=one.color, words=f"a {one.color} {one.kind}")
            for id, one in zip(ids, world.subjects, strict=True)
        ]
        beats.append(Beat(id=str(number), text=f"shot {number}", who=tuple(ids)))
        places.append(Place(beat=str(number), setting=world.setting, time=world.time))
        acts = tuple(Appearance(who=id, motion=one.motion) for id, one in zip(ids, world.subjects, strict=True))
        moves.append(Move(beat=str(number), cast=acts, camera=world.camera))
    return Scripted(
        planner=Outline(title="scripted", cast=tuple(cast), beats=tuple(beats)),
        scene=Places(places=tuple(places)),
        motion=Moves(moves=tuple(moves)),
        style=Look(name="flat"),
    )
