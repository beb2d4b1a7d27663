"""Keeping the memory bounded when a film is finished: which productions may forget, and having them do so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from kinograph.events import Forgot
from kinograph.film import Film, Storyboard
from kinograph.holding import holding

if TYPE_CHECKING:
    from kinograph.agents.forgetting import Ranked
    from kinograph.memory.holdings import Holding
    from kinograph.memory.ledger import Ledger, Record
    from kinograph.stage import Stage


def forget(studio: Stage, ledger: Ledger, own: str) -> Forgot | None:
    """Has finished productions forget what is beyond the bounds of the settings; None where there was nothing.

    This process holds `own`, which has just been finished. Open productions, and those that another process has at
    hand, forget nothing; nobody of whom the user gave pictures is forgotten. Raises StorageError, and as VectorIndex
    does.
    """
    from kinograph.agents.forgetting import Bounds, beyond_all, beyond_views
    from kinograph.memory.holdings import many

    bounds = Bounds(studio.settings.memory.keyframes, studio.settings.memory.views)
    if not any(bounds) or not studio.keyframes_file.is_file():
        return None
    superseded = _drop_superseded(studio, ledger, [own], own)
    beyond = beyond_views(_things(studio, ledger, [own]), bounds.views)
    thinned = _thin(studio, own, beyond)
    if bounds.keyframes and (count := many(studio.keyframes_file)) and sum(count.values()) > bounds.keyframes:
        finished = [one for one in reversed(ledger.productions()) if one.state == "finished" or one.id == own]
        oldest = [one.id for one in finished if one.id in count]
        superseded += _drop_superseded(studio, ledger, oldest, own)
        excess = sum(many(studio.keyframes_file).values()) - bounds.keyframes
        more = _thin(studio, own, beyond_all(_things(studio, ledger, oldest), oldest.index, excess))
        thinned = dict(Counter(thinned) + Counter(more))
    if not superseded and not thinned:
        return None
    return Forgot(superseded=superseded, thinned=sum(thinned.values()), films=tuple(thinned))


def _drop_superseded(studio: Stage, ledger: Ledger, productions: Sequence[str], own: str) -> int:
    """Drops what shots left that were made again, but for the takes that films show; how many keyframes that were."""
    from kinograph.memory.holdings import holdings

    many = 0
    for production in productions:
        film = ledger.paper(production, "film", Film)
        shown = {cut.shot: cut.attempt for cut in film.timeline} if film else {}
        old = [one.keyframe for one in holdings(studio.keyframes_file, production) if not one.counts]
        kept = [{one.shot: one.version} for one in old if shown.get(one.shot) == one.take]
        if len(kept) < len(old):
            with holding(studio, production if production != own else None) as free:
                if free:
                    with closing(studio.keyframes(production)) as keyframes:
                        many += keyframes.prune(kept)
    return many


def _things(studio: Stage, ledger: Ledger, productions: Sequence[str]) -> list[list[Ranked]]:
    """What productions may forget, by thing."""
    from kinograph.agents.forgetting import things
    from kinograph.memory.holdings import holdings, novelty_of

    path, found = studio.keyframes_file, []
    for id in productions:
        kept = _pinned(studio, ledger, ledger.production(id))
        held = [one for one in holdings(path, id) if one.counts and not one.keyframe.given]
        free = [one for one in held if one.keyframe.role != "identity" or one.keyframe.about not in kept]
        found += things(free, lambda embedder, id=id: novelty_of(path, id, embedder))
    return found


def _pinned(studio: Stage, ledger: Ledger, record: Record) -> set[str]:
    from kinograph.agents.forgetting import pinned
    from kinograph.memory.series import Series

    board, known = ledger.paper(record.id, "storyboard", Storyboard), []
    if record.brief.series:
        with closing(Series(studio.keyframes_file, record.brief.series, None)) as series:
            known = [one.known for one in series.known()]
    return pinned(board, record.brief.cast, known) if board is not None else set()


def _thin(studio: Stage, own: str, beyond: Sequence[Holding]) -> dict[str, int]:
    """Production -> how many it forgot; one that another process has at hand forgets nothing."""
    gone: dict[str, int] = {}
    for production in Counter(one.keyframe.production for one in beyond):
        with holding(studio, production if production != own else None) as free:
            if free:
                with closing(studio.keyframes(production)) as keyframes:
                    mine = [one.keyframe for one in beyond if one.keyframe.production == production]
                    gone[production] = keyframes.thin(mine)
    return gone
