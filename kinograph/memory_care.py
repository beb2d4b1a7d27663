"""What is remembered of films and series: looked up, held to the truth, seen anew and thinned out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from kinograph.errors import Cancelled, Damaged, UnknownName
from kinograph.holding import holding

if TYPE_CHECKING:
    from kinograph.film import Film
    from kinograph.memory.contents import Entry
    from kinograph.memory.reembedding import Stale
    from kinograph.studio import Studio
    from kinograph.tools.gallery import Row


def remembered(studio: Studio, production: str | None = None, series: str | None = None) -> list[Entry]:
    """What is remembered. Raises UnknownName for a production or series of which nothing is."""
    from kinograph.memory.contents import contents

    path = studio.keyframes_file
    found = contents(path, production, series)
    for what, name in (("production", production), ("series", series)):
        if name is not None and not any((one.of, one.whose) == (what, name) for one in found):
            known = dict.fromkeys(one.whose for one in contents(path) if one.of == what)
            raise UnknownName(f"{what} in memory", name, list(known)[:10])
    return found


def rows_of(found: Sequence[Entry], picture: Callable[[str], Path]) -> list[Row]:
    """A row for each thing that is remembered of a production or series; pictures that are lost are left out."""
    from kinograph.tools.gallery import Row

    things: dict[tuple[str, str, str], list[Entry]] = {}
    for one in found:
        things.setdefault((one.whose, one.keyframe.role, one.words or one.keyframe.about), []).append(one)
    rows = []
    for (whose, role, about), entries in things.items():
        files = [file for one in entries if (file := _file(one, picture)) is not None]
        shots = ", ".join(dict.fromkeys(one.keyframe.shot for one in entries))
        if files:
            rows.append(Row(f"{role} of {about}", f"{whose}: {shots}", files))
    return rows


def _file(one: Entry, picture: Callable[[str], Path]) -> Path | None:
    try:
        return picture(one.keyframe.picture)
    except Damaged:
        return None


class Seen(NamedTuple):
    """What looking anew came to."""

    embedder: str
    done: int
    lost: int
    busy: list[str]
    """Productions that another process makes; theirs are left alone."""


def reembedded(
    studio: Studio, production: str | None, series: str | None, on_progress: Callable[[int, int], None]
) -> Seen:
    """Has the settings' embedder look at what another one saw. Raises Cancelled at Ctrl-C, UnknownName."""
    from kinograph.memory import records
    from kinograph.memory.embedders import open_embedder
    from kinograph.memory.reembedding import reembed, stale

    embedder = open_embedder(studio.settings.embedder)
    if not remembered(studio, production, series):
        return Seen(embedder.name, 0, 0, [])
    done = lost = before = 0
    busy: list[str] = []
    with closing(records.connect(studio.keyframes_file)) as db:
        rows = stale(db, embedder.name, production, series)
        try:
            for owner, part in _by_owner(rows):
                with holding(studio, owner[1] if owner[0] == "keyframes" else None) as free:
                    if not free:
                        busy.append(owner[1])
                        continue

                    def told(seen: int, so_far: int = before) -> None:
                        on_progress(so_far + seen, len(rows))

                    came = reembed(db, studio.keyframes_file, embedder, studio.remembered, part, told)
                done, lost, before = done + came.done, lost + came.lost, before + len(part)
        except KeyboardInterrupt:
            raise Cancelled("stopped; what was looked at is kept, the same command goes on") from None
    return Seen(embedder.name, done, lost, busy)


def _by_owner(rows: Sequence[Stale]) -> list[tuple[tuple[str, str], list[Stale]]]:
    parts: dict[tuple[str, str], list[Stale]] = {}
    for row in rows:
        parts.setdefault((row.table, row.whose), []).append(row)
    return list(parts.items())


def checked(studio: Studio, production: str | None = None) -> dict[str, Any]:
    """Holds records to how they were written, their pictures to the vault, and indexes to the records."""
    from kinograph.memory.contents import torn

    damaged = torn(studio.keyframes_file)
    found = [] if damaged else remembered(studio, production)
    lost = [
        f"the picture of {one.keyframe.words} of {one.whose} is lost"
        for one in found
        if one.counts and _file(one, studio.vault.picture) is None
    ]
    rebuilt, busy = list[str](), list[str]()
    for name in dict.fromkeys(one.whose for one in found if one.of == "production"):
        with holding(studio, name) as free:
            if not free:
                busy.append(name)
                continue
            with closing(studio.keyframes(name)) as keyframes:
                rebuilt += [name] if keyframes.check() else []
    return {
        "keyframes": len(found),
        "owners": len({(one.of, one.whose) for one in found}),
        "damaged": [f"{one.id or 'database'} of {one.whose or 'all'}: {one.why}" for one in damaged],
        "lost": lost,
        "rebuilt": rebuilt,
        "busy": busy,
    }


def pruned(studio: Studio, production: str | None = None) -> dict[str, int]:
    """Production -> how many keyframes of superseded versions were dropped. Kept is what a film shows or counts."""
    gone: dict[str, int] = {}
    old = [one for one in remembered(studio, production) if not one.counts]
    for name in dict.fromkeys(one.whose for one in old):
        with holding(studio, name) as free:
            film = _film(studio, name) if free else None
            shown = {cut.shot: cut.attempt for cut in film.timeline} if film else {}
            kept = [
                {one.keyframe.shot: one.keyframe.version}
                for one in old
                if one.whose == name and shown.get(one.keyframe.shot) == one.keyframe.take
            ]
            if free:
                with closing(studio.keyframes(name)) as keyframes:
                    gone[name] = keyframes.prune(kept)
    return gone


def _film(studio: Studio, production: str) -> Film | None:
    from kinograph.film import Film

    if isinstance(studio.place, Path) and not studio.place.is_file():
        return None
    with studio.ledger() as ledger:
        return ledger.paper(production, "film", Film)
