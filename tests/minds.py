"""Minds that ask the test server, and questions of every role to put to them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from server import Server

from kinograph.agents.commission import Commission
from kinograph.agents.fusion import Assembly, Fusion
from kinograph.agents.language import open_mind
from kinograph.agents.language.mind import LanguageMind
from kinograph.agents.memory import Memory
from kinograph.agents.motion import Motion
from kinograph.agents.narrative import Narrative
from kinograph.agents.orchestrator import Orchestrator
from kinograph.agents.outline import Assignment, Outline
from kinograph.agents.planner import Planner
from kinograph.agents.recalling import Recollection
from kinograph.agents.reviser import Reviser
from kinograph.agents.scene import Scene
from kinograph.agents.storyboarding import storyboard
from kinograph.agents.style import Style
from kinograph.agents.validator import Validator
from kinograph.agents.verdicts import Viewing
from kinograph.agents.wish import Wish
from kinograph.film import Appearance, Brief, Character, Look, RenderRequest, Shot, Storyboard, Take, Verdict
from kinograph.film import Scene as Part
from kinograph.memory.embedders import PixelEmbedder
from kinograph.memory.keyframes import Keyframes
from kinograph.memory.vault import Vault
from kinograph.settings import MindSettings
from kinograph.soundtrack import Picture
from kinograph.tools.footage import develop
from kinograph.tools.machine import Machine
from kinograph.tools.resources import Snapshot
from kinograph.tools.speech.murmur import Murmur
from kinograph.tools.storyworld.painter import paint
from kinograph.tools.storyworld.world import Color, Subject, World

TEXT = "A red ball rolls across a green meadow at sunset. Then it bounces over the sea at night."
COLORS: tuple[Color, ...] = ("red", "blue")
QUICK: dict[str, Any] = {"timeout": 2.0, "retries": 1}


def settings_of(server: Server, **fields: Any) -> MindSettings:
    plain = {"kind": "openai", "base_url": server.url, "model": "small", "models": {"validator": "eyes"}, **QUICK}
    return MindSettings.model_validate(plain | fields)


def mind_of(server: Server, home: Path = Path("home"), **fields: Any) -> LanguageMind:
    mind = open_mind(settings_of(server, **fields), home)
    assert isinstance(mind, LanguageMind)
    return mind


def assignment(text: str = TEXT, **wishes: Any) -> Assignment:
    return Assignment(brief=Brief.model_validate({"text": text} | wishes), max_subjects=2)


def commission(text: str = TEXT, **wishes: Any) -> Commission:
    return Commission(
        brief=Brief.model_validate({"text": text} | wishes),
        machine=Machine(cores=4, ram_gb=8),
        load=Snapshot(cpu_percent=0, ram_percent=20, disk_free_gb=100),
        topologies=("chain", "hierarchical"),
    )


def viewing(folder: Path, color: Color = "red", asked: str = "red", who: str = "ball", shot: str = "s1.1") -> Viewing:
    """A take of a `color` ball, known as `who`, where one of `asked` color was asked for."""
    world = World(subjects=(Subject(kind="ball", color=color, motion="moves right"),), setting="meadow", time="day")
    request = RenderRequest(
        model="storyworld-render", revision="1", prompt="", seed=1, frames=16, fps=12, width=192, height=108
    )
    frames = paint(world, frames=16, width=192, height=108, fps=12, seed=1).frames
    folder.mkdir(parents=True, exist_ok=True)
    return Viewing(
        shot=Shot(
            id=shot,
            scene="s1",
            text="",
            cast=(Appearance(who=who, motion="moves right"),),
            setting="meadow",
            time="day",
        ),
        cast=(Character(id=who, kind="ball", color=asked, words=f"a {asked} ball"),),
        look=Look(),
        request=request,
        clip=develop(request, frames, folder, 0.1),
    )


def validator(folder: Path) -> Validator:
    keyframes = Keyframes(folder / "k.sqlite", folder / "index", "p", PixelEmbedder())
    return Validator(Vault(folder / "vault"), keyframes)


def memory(folder: Path) -> Memory:
    vault = Vault(folder / "vault")
    return Memory(Keyframes(folder / "k.sqlite", folder / "index", "p", PixelEmbedder()), vault)


def contradiction(folder: Path) -> tuple[Memory, Recollection]:
    """A shot of a ball that was red in one shot and blue in another; neither knew of the other."""
    agent = memory(folder)

    def shot(id: str, *needs: str) -> Shot:
        cast = (Appearance(who="ball"),)
        return Shot(id=id, scene=id[:2], text="a ball", cast=cast, setting="meadow", time="day", needs=needs)

    shots = (shot("s1.1"), shot("s2.1"), shot("s3.1", "s1.1", "s2.1"))
    board = Storyboard(
        title="t",
        cast=(Character(id="ball", kind="ball", words="a ball"),),
        scenes=tuple(Part(id=one.scene, setting="meadow", time="day", shots=(one,)) for one in shots),
    )
    for one, color in zip(shots, COLORS, strict=False):
        question = viewing(folder / color, color, color)
        take = Take(
            shot=one.id, attempt=1, request=question.request, clip=question.clip, verdict=Verdict(accepted=True)
        )
        agent.remember(one, board, take)
    return agent, agent.recollection(shots[-1], board)


def wish() -> Wish:
    """Words about a small storyboard."""
    told = outline()
    board = storyboard(told, Scene().rules(told), Motion().rules(told), Style().rules(told), None)
    return Wish(words="make shot 2 at dawn", storyboard=board, versions=("v1",), awaiting=True)


def assembly() -> Assembly:
    """A film of two shots that is to be narrated."""
    shots = [
        Part(id=f"s{n}", setting="", time="day", shots=(Shot(id=f"s{n}.1", scene=f"s{n}", text=text),))
        for n, text in enumerate(TEXT.split(". "), 1)
    ]
    picture = [
        Picture(start=4.0 * n, seconds=4.0, shot=one.shots[0].id, scene=one.id, clip="c") for n, one in enumerate(shots)
    ]
    return Assembly(storyboard=Storyboard(title="A ball", scenes=tuple(shots)), picture=tuple(picture), narrate=True)


def questions(folder: Path) -> dict[str, tuple[Any, Any]]:
    """Role -> an agent and a question for it."""
    return {role: question(role, folder) for role in QUESTIONS}


def question(role: str, folder: Path) -> tuple[Any, Any]:
    """An agent of a role and a question for it; pictures and sounds lie in the folder."""
    return QUESTIONS[role](folder)


def outline() -> Outline:
    return Planner().rules(assignment())


QUESTIONS: dict[str, Callable[[Path], tuple[Any, Any]]] = {
    "orchestrator": lambda folder: (Orchestrator(), commission()),
    "planner": lambda folder: (Planner(), assignment()),
    "narrative": lambda folder: (Narrative(), assignment()),
    "scene": lambda folder: (Scene(), outline()),
    "motion": lambda folder: (Motion(), outline()),
    "style": lambda folder: (Style(), outline()),
    "validator": lambda folder: (validator(folder), viewing(folder / "clips")),
    "memory": lambda folder: contradiction(folder / "memory"),
    "reviser": lambda folder: (Reviser(), wish()),
    "fusion": lambda folder: (Fusion(Vault(folder / "sounds"), Murmur()), assembly()),
}
