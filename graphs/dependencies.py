"""What a film is made of, and what waits on what."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from typing import Literal, NamedTuple

import networkx as nx
from pydantic import Field

from kinograph.errors import BadStoryboard
from kinograph.film import Brief, Noun, Storyboard

Kind = Literal["script", "retrieval", "keyframe", "shot", "audio", "captions", "music", "composition"]


class Weight(NamedTuple):
    """How a kind of task compares with others."""

    priority: int
    cost: float


KINDS: dict[Kind, Weight] = {
    "script": Weight(100, 0.3),
    "audio": Weight(90, 0.5),
    "retrieval": Weight(70, 0.2),
    "keyframe": Weight(60, 0.7),
    "shot": Weight(50, 0.8),
    "captions": Weight(40, 0.2),
    "music": Weight(30, 0.5),
    "composition": Weight(10, 0.7),
}


class Task(Noun):
    """Something that must be made."""

    id: str
    kind: Kind
    needs: tuple[str, ...] = ()
    """Ids of the tasks that must be accepted before this one starts."""
    priority: int
    """Of tasks that are as urgent, the one with the higher priority goes first."""
    cost: float = Field(ge=0, le=1)
    """Share of the machine it takes: below 0.4 light, above 0.7 heavy."""
    seconds: float = Field(default=1.0, ge=0)
    """Expected wall seconds of one attempt."""


def task(id: str, kind: Kind, needs: Iterable[str] = (), seconds: float = 1.0) -> Task:
    """A task with its kind's usual priority and cost."""
    priority, cost = KINDS[kind]
    return Task(id=id, kind=kind, needs=tuple(needs), priority=priority, cost=cost, seconds=seconds)


class TaskGraph:
    """Tasks and what they wait on; cannot be changed.

    Raises BadStoryboard for a circle, which it names, for a need that nothing meets and for an id given twice.
    """

    def __init__(self, tasks: Iterable[Task]) -> None:
        self.tasks: dict[str, Task] = {}
        self._graph: nx.DiGraph[str] = nx.DiGraph()
        for one in tasks:
            if one.id in self.tasks:
                raise BadStoryboard(f"{one.kind} {one.id!r} stands twice in the storyboard")
            self.tasks[one.id] = one
            self._graph.add_node(one.id)
        for one in self.tasks.values():
            for need in one.needs:
                if need not in self.tasks:
                    raise BadStoryboard(f"{one.kind} {one.id!r} needs {need!r}, which does not exist")
                self._graph.add_edge(need, one.id)
        try:
            self.order: tuple[str, ...] = tuple(nx.topological_sort(self._graph))
        except nx.NetworkXUnfeasible:
            circle = [later for _, later in reversed(nx.find_cycle(self._graph))]
            words = " needs ".join([*circle, circle[0]])
            raise BadStoryboard(f"the storyboard goes in a circle: {words}") from None

    def needs(self, id: str) -> Collection[str]:
        """The tasks that must be accepted before this one starts."""
        return self._graph.pred[id]

    def freed_by(self, id: str) -> Collection[str]:
        """The tasks that need this one."""
        return self._graph.succ[id]

    def waiting_on(self, id: str) -> set[str]:
        """All tasks that cannot start before this one is accepted, whatever lies between."""
        return nx.descendants(self._graph, id)

    @cached_property
    def batches(self) -> list[list[str]]:
        """Tasks that can be made side by side, batch after batch; in a batch by priority, then id."""
        return [
            sorted(batch, key=lambda id: (-self.tasks[id].priority, id))
            for batch in nx.topological_generations(self._graph)
        ]

    def of(self, kind: Kind) -> TaskGraph:
        """The tasks of one kind, with what they need of each other."""
        chosen = {one.id: one for one in self.tasks.values() if one.kind == kind}
        return TaskGraph(
            one.changed(needs=tuple(need for need in one.needs if need in chosen)) for one in chosen.values()
        )

    def in_order(self) -> TaskGraph:
        """The same tasks one after the other: as they were given, as far as their needs allow."""
        place = {id: number for number, id in enumerate(self.tasks)}
        line = list(nx.lexicographical_topological_sort(self._graph, key=place.__getitem__))
        before = dict(zip(line[1:], line, strict=False))
        return TaskGraph(self.tasks[id].changed(needs=(before[id],)) if id in before else self.tasks[id] for id in line)


def tasks_of(board: Storyboard, seconds: Mapping[str, float] | None = None, brief: Brief | None = None) -> TaskGraph:
    """What a film of this storyboard takes; `seconds` are expected of one take, by shot. Raises BadStoryboard.

    Of a brief: its reference picture is the first shot's keyframe, and its own music is fetched at once; what is spoken
    and read is fitted to the picture as it came out.
    """
    expected = seconds or {}
    keyframe = [task("reference", "keyframe")] if brief and brief.references else []
    shots = []
    for shot in board.shots:
        begins = ["reference"] if keyframe and not shots else []
        needs = ("script", *begins, *shot.needs)
        shots.append(task(shot.id, "shot", needs, expected.get(shot.id, shot.seconds)))
    made = [one.id for one in shots]
    tracks = [task("music", "retrieval")] if brief and brief.music else []
    tracks += [task("narration", "audio", made)] if brief and brief.narrate else []
    tracks += (
        [task("captions", "captions", [*made, *(one.id for one in tracks if one.kind == "audio")])]
        if brief and brief.captions
        else []
    )
    parts = [*made, *(one.id for one in tracks)]
    return TaskGraph([task("script", "script"), *keyframe, *shots, *tracks, task("composition", "composition", parts)])
