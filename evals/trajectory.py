"""How near the path that agents took through their graph is to the one that was expected."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import groupby
from typing import Literal, NamedTuple, get_args

from kinograph.film import Topology


def matched(path: Sequence[str], expected: Sequence[str]) -> float:
    """1 less the edits (a node added, left out or another) over the longer path's length: 1 the same, 0 nothing alike.

    Levenshtein 1966.
    """
    longer = max(len(path), len(expected))
    return 1.0 - edits(path, expected) / longer if longer else 1.0


def edits(one: Sequence[str], other: Sequence[str]) -> int:
    """Fewest nodes to add, leave out or replace that make one path the other."""
    before = list(range(len(other) + 1))
    for row, node in enumerate(one, 1):
        now = [row]
        for column, wanted in enumerate(other, 1):
            now.append(min(before[column] + 1, now[-1] + 1, before[column - 1] + (node != wanted)))
        before = now
    return before[-1]


SHOT = ("recall", "render", "judge", "remember", "settle")
"""The life of a shot whose first take is accepted."""


def without_retakes(path: Sequence[str], shots: int) -> tuple[str, ...]:
    """The path that a production which took `path` would have taken had every first take been right, and no topology
    been given up: the nodes of its topology once each, and the life of each shot without retakes. Empty for a path
    without shots."""
    if "shoot" not in path or not shots:
        return ()
    head, tail = path[: path.index("shoot") + 1], ("quality", "reconsider", "fuse", "cut")
    begun = max((place for place, node in enumerate(head) if node in get_args(Topology)), default=0)
    return (*dict.fromkeys(head[:2]), *dict.fromkeys(head[begun:]), *SHOT * shots, *tail)


State = Literal["passed", "unexpected", "missing"]


class Step(NamedTuple):
    """Nodes that were passed one after another."""

    node: str
    times: int
    state: State


def steps(path: Sequence[str], expected: Sequence[str]) -> list[Step]:
    """A path to look at: the same node several times in a row is one step; without an expected path all is passed."""
    told: list[tuple[str, State]] = []
    for what, left, right, low, high in SequenceMatcher(None, path, expected or path, autojunk=False).get_opcodes():
        state: State = "passed" if what == "equal" else "unexpected"
        told.extend((node, state) for node in path[left:right])
        if what != "equal":
            told.extend((node, "missing") for node in expected[low:high])
    return [Step(node, len(list(group)), state) for (node, state), group in groupby(told)]
