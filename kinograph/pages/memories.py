"""Pages of what is remembered and learned: keyframes, series, and remedies that have helped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from kinograph.errors import Damaged

if TYPE_CHECKING:
    from kinograph.memory.contents import Entry
    from kinograph.memory.remedies import Tally
    from kinograph.memory.series import Known
    from kinograph.tools.gallery import Row


def memory(found: Sequence[Entry]) -> RenderableType:
    """The keyframes that are remembered; superseded ones say so."""
    table = Table("of", "role", "what", "shot", "frame", "take", "version", "picture", "by")
    for one in found:
        keyframe = one.keyframe
        version = f"{keyframe.version}" if one.counts else f"{keyframe.version}, superseded"
        what = Text(one.words or keyframe.about)
        place = (keyframe.shot, str(keyframe.frame), str(keyframe.take or "-"), version, keyframe.picture[:12])
        table.add_row(Text(one.whose), keyframe.role, what, *place, one.embedder)
    return table


def series(name: str, rows: Sequence[Row]) -> RenderableType:
    """The cast and the places of a series."""
    table = Table("who and where", "from", "pictures", title=Text(name))
    for row in rows:
        table.add_row(Text(row.title), Text(row.told), str(len(row.pictures)))
    return Group(table, Text("draw them: kinograph show --series NAME FILE.png"))


def rows_of(known: Sequence[Known], picture: Callable[[str], Path]) -> list[Row]:
    """A row for each character and place that a series knows, characters first; pictures that are lost are left out.

    `picture` finds a picture's file by its digest.
    """
    from kinograph.tools.gallery import Row

    found: dict[tuple[str, ...], list[Known]] = {}
    for one in sorted(known, key=lambda one: not one.kind):
        found.setdefault(("cast", *one.figure) if one.kind else ("place", one.words, one.time, one.look), []).append(
            one
        )
    rows = []
    for (what, *more), pictures in found.items():
        files = []
        for one in pictures:
            with suppress(Damaged):
                files.append(picture(one.keyframe.picture))
        told = f"{', '.join(filter(None, more[1:]))}; " if what == "place" else ""
        told += f"from {', '.join(dict.fromkeys(one.keyframe.production for one in pictures))}"
        rows.append(Row(pictures[0].words, told, files))
    return rows


def remedies(found: Sequence[Tally]) -> RenderableType:
    """What has been learned: a row a remedy that was tried against a finding on a model."""
    if not found:
        return Text("nothing was learned yet: no rejected take has been made again")
    table = Table("finding", "model", "remedy", "tried", "worked")
    for one in found:
        table.add_row(one.finding, Text(one.model), one.remedy, str(one.tried), f"{one.worked / one.tried:.0%}")
    return table
