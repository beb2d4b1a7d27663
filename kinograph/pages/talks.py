"""Pages of a conversation: what is proposed, takes to choose from, versions and sessions."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from kinograph.telling import cost_of, question

if TYPE_CHECKING:
    from kinograph.events import Proposed
    from kinograph.film import Take
    from kinograph.memory.sessions import Kept, Version


def proposal(proposed: Proposed) -> RenderableType:
    """A storyboard that waits for approval: a row a shot, with what becomes of it and why."""
    board, works = proposed.storyboard, {work.shot: work for work in proposed.works}
    table = Table("#", "who", "where and when", "s", *(("cost", "why") if works else ()))
    for number, shot in enumerate(board.shots, 1):
        who = "\n".join(f"{board.character(a.who).words}: {a.motion}" for a in shot.cast) or "nobody"
        camera = "" if shot.camera == "static" else shot.camera
        where = ", ".join(part for part in (shot.setting, shot.time, camera, shot.mood) if part)
        cells = [str(number), who, where, f"{round(shot.seconds, 2):g}"]
        if (work := works.get(shot.id)) is not None:
            time = "?" if work.seconds is None else f"{max(work.seconds, 0.1):.1f} s"
            cells += [time if work.does == "render" else "-", work.why]
        table.add_row(*map(Text, cells), style="" if work is None or work.does == "render" else "dim")
    asked = f"{cost_of(proposed)} {question(proposed)} (yes, or what to change)"
    end = f"filmed: {proposed.film}" if proposed.film else asked
    title = Text(f"{board.title}  ·  version {proposed.version} ({proposed.name})  ·  {board.look.name}", style="bold")
    return Group(*([Text(proposed.said)] if proposed.said else []), title, table, Text(end))


def takes(number: int, found: Sequence[Take], kept: str | None) -> RenderableType:
    """All takes of a shot, numbered as /keep counts them."""
    table = Table("take", "shows", "s", "seed", "verdict", "quality", "note")
    clips = []
    for place, take in enumerate(found, 1):
        verdict = take.verdict
        mark = "not judged" if verdict is None else "accepted" if verdict.accepted else "rejected"
        words = verdict.findings[0].words if verdict and verdict.findings else ""
        cells = [
            f"{number}.{place}{' (chosen)' if take.request.digest == kept else ''}",
            take.request.prompt,
            f"{round(take.request.seconds, 2):g}",
            str(take.request.seed),
            mark,
            "" if verdict is None else f"{verdict.quality:.2f}",
            words,
        ]
        table.add_row(*map(Text, cells))
        clips.append(f"{number}.{place}  {take.clip.path if take.clip else 'no clip'}")
    return Group(table, Text("\n".join(clips)))


def versions(found: Sequence[Version], head: int | None, filmed: Sequence[int]) -> RenderableType:
    """All versions of a session; the one at hand is marked."""
    table = Table("", "version", "name", "from", "film", "said")
    for one in found:
        state = "yes" if one.number in filmed else "begun" if one.approved else "-"
        mark, parent = "*" if one.number == head else "", "" if one.parent is None else str(one.parent)
        table.add_row(mark, str(one.number), Text(one.name), parent, state, Text(one.words[:60]))
    return table


def sessions(kept: Sequence[Kept]) -> RenderableType:
    """All conversations, the last touched first."""
    table = Table("session", "title", "versions", "last", "folder")
    for one in kept:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(one.touched))
        table.add_row(one.session.id, Text(one.title[:50]), str(one.versions), when, Text(one.session.folder))
    return table if kept else Text("no sessions yet; begin with: kinograph chat")
