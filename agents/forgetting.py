"""What finished films forget so that the memory stays bounded: superseded versions, then what says least.

A film that is opened again looks again at what its shots have lost, so that forgetting costs time and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from kinograph.agents import hierarchy
from kinograph.film import Portrait, Storyboard
from kinograph.memory.holdings import Holding
from kinograph.memory.series import Known, figure


class Bounds(NamedTuple):
    """How much is kept; 0 is no bound."""

    keyframes: int
    """In all, of all productions."""
    views: int
    """Of one identity of a production, in all its looks."""


class Ranked(NamedTuple):
    """A keyframe, and how much it adds to those of the same thing that rank before it."""

    holding: Holding
    rank: int
    """Place among the pictures of its thing; 0 is the best one."""
    alike: bool
    """It shows (nearly) what one before it does."""


def ranked(holdings: Sequence[Holding], novelty: float) -> list[Ranked]:
    """Pictures of one thing, the one that is worth most first, those that show nothing new last.

    What one adds is its quality times how little it is like those before it, as in `views.canonical`.
    """
    vectors = np.stack([one.vector for one in holdings]) if holdings else np.empty((0, 1))
    quality = np.array([one.keyframe.quality for one in holdings])
    alike, left, found = np.full(len(holdings), -1.0), set(range(len(holdings))), list[Ranked]()
    while left:
        best = max(sorted(left), key=lambda at: (alike[at] < novelty, quality[at] * (1.0 - alike[at]), quality[at]))
        left.remove(best)
        found.append(Ranked(holdings[best], len(found), bool(alike[best] >= novelty)))
        alike = np.maximum(alike, vectors @ vectors[best])
    return found


def things(holdings: Iterable[Holding], novelty: Callable[[str], float]) -> list[list[Ranked]]:
    """By thing: an identity in all its looks, a place, a look, the end of a shot; as one embedder sees it."""
    groups: dict[tuple[str, ...], list[Holding]] = {}
    for one in holdings:
        frame = one.keyframe
        groups.setdefault((frame.production, one.embedder, frame.role, frame.about), []).append(one)
    return [ranked(group, novelty(key[1])) for key, group in groups.items()]


def beyond_views(found: Sequence[Sequence[Ranked]], views: int) -> list[Holding]:
    """What identities have beyond the bound."""
    own = [group for group in found if group[0].holding.keyframe.role == "identity"]
    return [one.holding for group in own for one in group[views:]] if views else []


def beyond_all(found: Sequence[Sequence[Ranked]], age: Callable[[str], int], many: int) -> list[Holding]:
    """So many, or all that there are: alike views first, then what ranks last; the best picture of somebody or of a
    place last of all. Of equals those of the film that was finished first, by `age`, which grows.
    """

    def order(one: Ranked) -> tuple[int, int, int, str]:
        frame = one.holding.keyframe
        best = one.rank == 0 and frame.role in ("identity", "setting")
        return (0 if one.alike else 2 if best else 1, age(frame.production), -one.rank, frame.id)

    return [one.holding for one in sorted((one for group in found for one in group), key=order)][: max(0, many)]


def pinned(board: Storyboard, portraits: Sequence[Portrait], known: Sequence[Known]) -> set[str]:
    """The identities of whom the user gave pictures: to the film, or as a cast to its series."""
    given = {one.figure for one in known if one.keyframe.given and one.kind}
    shown = set(hierarchy.portrayed(board, portraits).values())
    return shown | {one.identity for one in board.cast if figure(one.kind, one.color, one.words) in given}
