"""What the quality agent sees: false alarms on clean films, and what it says of films with one shot tampered with.

    python -m kinograph.evals.bench.consistency [films]

Films of six storyworld shots: two characters (one in five has no colour named), three places of which one comes back,
one look; every shot is in line by construction. Then one shot of each film is drawn with a character in another colour,
of another kind, in another place or in another look; the validator is not asked. Seeds are fixed.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kinograph.agents.quality import Quality, Screening, Used, to_send_back
from kinograph.agents.requesting import resolve
from kinograph.agents.verdicts import ACCEPTABLE
from kinograph.film import (
    Appearance,
    Brief,
    Character,
    Decision,
    FilmFinding,
    Look,
    Outcome,
    Scene,
    Shot,
    Storyboard,
    Take,
    Verdict,
)
from kinograph.tools.backends import card
from kinograph.tools.colors import HUES, hue_gap
from kinograph.tools.footage import develop
from kinograph.tools.storyworld import world as storyworld
from kinograph.tools.storyworld.grammar import read
from kinograph.tools.storyworld.painter import paint
from kinograph.tools.storyworld.world import World

FILMS, FRAMES = 20, 14
DECISION = Decision(
    model="storyworld-render", revision="1", topology="distributed", width=192, height=108, fps=12, takes=3
)
VISITS = (0, 0, 1, 2, 1, 0)
"""Which place each shot is in."""
CAST = ((0,), (0, 1), (1,), (0,), (0, 1), (0,))
"""Who is in each shot."""
TAMPERED = 4
"""Index of the shot that is tampered with: its place and its cast are in others too."""


class Told(NamedTuple):
    """What was said of a film."""

    findings: list[FilmFinding]
    """Those that are severe."""
    back: list[str]
    """Shots that would be sent back."""


def board_of(rng: np.random.Generator) -> Storyboard:
    """A storyboard that comes back to its places and characters."""

    def pick(values: Any) -> Any:
        return values[int(rng.integers(len(values)))]

    kinds = [str(kind) for kind in rng.permutation(storyworld.KINDS)[:2]]
    first, second = rng.permutation(storyworld.COLORS)[:2]
    colors = [str(first), None if rng.random() < 0.2 else str(second)]
    cast = tuple(
        Character(id=kind, kind=kind, color=color, words=f"a {color} {kind}" if color else f"a {kind}")
        for kind, color in zip(kinds, colors, strict=True)
    )
    places = [(str(name), pick(storyworld.TIMES)) for name in rng.permutation(storyworld.SETTINGS)[:3]]
    scenes = []
    for number, (visit, who) in enumerate(zip(VISITS, CAST, strict=True), 1):
        setting, time = places[visit]
        acts = tuple(Appearance(who=cast[one].id, motion=pick(storyworld.MOTIONS)) for one in who)
        shot = Shot(
            id=f"s{number}.1",
            scene=f"s{number}",
            text="",
            cast=acts,
            setting=setting,
            time=time,
            camera=pick(storyworld.CAMERAS),
        )
        scenes.append(Scene(id=shot.scene, setting=setting, time=time, shots=(shot,)))
    return Storyboard(title="film", look=Look(name=pick(storyworld.LOOKS)), cast=cast, scenes=tuple(scenes))


def shoot(shot: Shot, board: Storyboard, seed: int, folder: Path, tamper: Callable[[World], World]) -> Used:
    """A shot as the renderer draws it."""
    request = resolve(shot, board, DECISION, Brief(text="film", seed=seed), card(DECISION.model)).changed(frames=FRAMES)
    world = tamper(read(request.prompt).world)
    painted = paint(world, frames=FRAMES, width=192, height=108, fps=12, seed=request.seed)
    clip = develop(request, painted.frames, folder, 0.0).changed(request=f"{request.digest}-{world.digest}")
    take = Take(shot=shot.id, attempt=1, request=request, clip=clip, verdict=Verdict(accepted=True))
    return Used(outcome=Outcome(shot=shot.id, state="accepted", attempt=1, last=FRAMES - 1), take=take)


def tampers(rng: np.random.Generator, board: Storyboard) -> dict[str, Callable[[World], World]]:
    """Ways to go wrong that anybody would see."""

    def color(world: World) -> World:
        first, *rest = world.subjects
        taken = {one.color for one in world.subjects}
        far = [c for c in storyworld.COLORS if c not in taken and _apart(c, first.color)]
        return world.changed(subjects=(first.changed(color=far[int(rng.integers(len(far)))]), *rest))

    def kind(world: World) -> World:
        first, *rest = world.subjects
        others = [one for one in ("star", "house", "fish", "tree") if one not in {s.kind for s in world.subjects}]
        return world.changed(subjects=(first.changed(kind=others[int(rng.integers(len(others)))]), *rest))

    def place(world: World) -> World:
        used = {shot.setting for shot in board.shots}
        others = [one for one in storyworld.SETTINGS if one not in used]
        return world.changed(setting=others[int(rng.integers(len(others)))])

    def look(world: World) -> World:
        others = [one for one in storyworld.LOOKS if one != world.look]
        return world.changed(look=others[int(rng.integers(len(others)))])

    return {"identity": color, "shape": kind, "place": place, "style": look}


def _apart(one: str, other: str) -> bool:
    return one in HUES and other in HUES and float(hue_gap(HUES[one][0], HUES[other][0])) > 40


def told(board: Storyboard, used: list[Used]) -> Told:
    question = Screening(storyboard=board, used=tuple(used))
    review = Quality().rules(question)
    return Told([one for one in review.findings if one.severity >= ACCEPTABLE], to_send_back(question, review, 3))


def main() -> None:
    films = int(sys.argv[1]) if len(sys.argv) > 1 else FILMS
    alarms, sent, found, blamed, alone = 0, 0, Counter[str](), Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(films):
            rng = np.random.default_rng([5, number])
            board = board_of(rng)
            clean = [shoot(shot, board, number, Path(folder), lambda world: world) for shot in board.shots]
            said = told(board, clean)
            alarms, sent = alarms + len(said.findings), sent + len(said.back)
            for what, tamper in tampers(rng, board).items():
                shot = board.shots[TAMPERED]
                bad = shoot(shot, board, number, Path(folder), tamper)
                said = told(board, [*clean[:TAMPERED], bad, *clean[TAMPERED + 1 :]])
                found[what] += any(one.kind == what for one in said.findings)
                blamed[what] += any(one.kind == what and one.shot == shot.id for one in said.findings)
                alone[what] += said.back == [shot.id]
    print(f"{films} clean films of {len(VISITS)} shots: {alarms} false alarms, {sent} shots would be sent back")
    print(f"{'one shot with another':24} {'seen':>6} {'blamed':>7} {'only it sent back':>18}   of {films}")
    for what in ("identity", "shape", "place", "style"):
        print(f"{what:24} {found[what]:6} {blamed[what]:7} {alone[what]:18}")


if __name__ == "__main__":
    main()
