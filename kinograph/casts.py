"""Casts as folders that people can look at and change: pictures, and cast.json that says who they show.

{"cast": [{"words": "a red ball", "kind": "ball", "color": "red", "views": [{"file": "a-red-ball-1.png"}]}]}
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pydantic import Field, ValidationError

from kinograph import disk
from kinograph.errors import BadInput, BadReference
from kinograph.film import Noun, Storyboard
from kinograph.settings import explain

if TYPE_CHECKING:
    from kinograph.memory.embedders import Embedder
    from kinograph.memory.series import Known, Pictured
    from kinograph.studio import Studio

FILE = "cast.json"
LARGEST = 2**20
"""Bytes of a cast.json that is opened."""


class View(Noun):
    """A picture of somebody."""

    file: str = Field(min_length=1, max_length=200)
    """PNG, JPEG or WebP, inside the folder."""
    state: str = Field(default="", max_length=80)
    """Which look it shows: "in a blue coat"; empty for the first."""
    source: str = Field(default="", max_length=200)
    """Where it comes from, for who reads it: the production and the shot."""


class Member(Noun):
    """Somebody or something of a cast."""

    words: str = Field(min_length=1, max_length=80)
    """How a prompt names it: "a red ball", "Rosa, a girl"."""
    kind: str = Field(min_length=1, max_length=40)
    color: str | None = Field(default=None, max_length=20)
    views: tuple[View, ...] = Field(min_length=1, max_length=64)


class Cast(Noun):
    """What a cast.json says."""

    cast: tuple[Member, ...] = Field(max_length=64)


class Shown(NamedTuple):
    """Somebody, and their pictures as PNG bytes with the view that says what each shows."""

    member: Member
    pictures: list[tuple[View, bytes]]


def read(folder: Path) -> list[Shown]:
    """A cast out of a folder, all of it checked before any of it is used. Raises BadInput, BadReference."""
    from kinograph.tools.footage import import_reference

    file = folder / FILE
    with disk.storage(file):
        if not file.is_file():
            raise BadInput(f"{str(folder)!r} has no {FILE}; kinograph memory export-cast makes such a folder")
        if (size := file.stat().st_size) > LARGEST:
            raise BadInput(f"{str(file)!r} has {size} bytes; at most {LARGEST} are opened")
        text = file.read_bytes()
    try:
        members = Cast.model_validate_json(text).cast
    except ValidationError as error:
        raise BadInput(f"{str(file)!r}: {explain(error)}") from error
    return [Shown(one, [(view, import_reference(_inside(folder, view.file))) for view in one.views]) for one in members]


def _inside(folder: Path, name: str) -> Path:
    """The file of that name, which links and dots must not lead out of the folder. Raises BadReference."""
    path, home = (folder / name).resolve(), folder.resolve()
    if "\0" in name or Path(name).is_absolute() or not path.is_relative_to(home):
        raise BadReference(f"picture {name!r} of {FILE} is not inside {str(folder)!r}")
    return path


def write(folder: Path, shown: Sequence[Shown]) -> None:
    """Makes such a folder; cast.json comes last and vouches for the rest. Raises BadInput, StorageError."""
    with disk.storage(folder):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise BadInput(f"folder {str(folder)!r} is not an empty folder; name a new one")
        disk.folder(folder)
    for one in shown:
        for view, png in one.pictures:
            disk.write(folder / view.file, png)
    cast = Cast(cast=tuple(one.member for one in shown))
    disk.write(folder / FILE, cast.model_dump_json(indent=1))


# ----------------------------------------------------------------------------------- of a studio


def exported(studio: Studio, folder: Path, production: str | None, series: str | None) -> list[Shown]:
    """Writes the cast of a series or of a production into a folder. Raises UnknownName, BadInput."""
    found = studio.series(series) if series is not None else _of_production(studio, str(production))
    groups: dict[tuple[str, str], list[Known]] = {}
    for one in found:
        if one.kind:
            groups.setdefault(one.figure, []).append(one)
    if not groups:
        raise BadInput(f"nobody is remembered of {series or production!r}")
    taken: set[str] = set()
    shown = [_shown(studio, known, taken) for known in groups.values()]
    write(folder, shown)
    return shown


def _shown(studio: Studio, known: Sequence[Known], taken: set[str]) -> Shown:
    first, pictures = known[0], list[tuple[View, bytes]]()
    name = "-".join(re.findall(r"\w+", first.words.lower()))[:60] or "somebody"
    for one in {one.keyframe.picture: one for one in known}.values():
        file = next(f"{name}-{n}.png" for n in range(1, 10_000) if f"{name}-{n}.png" not in taken)
        taken.add(file)
        keyframe = one.keyframe
        source = "given by the user" if keyframe.given else f"{keyframe.production} {keyframe.shot}"
        picture = studio.vault.picture(keyframe.picture).read_bytes()
        pictures.append((View(file=file, state=keyframe.state, source=source), picture))
    views = tuple(view for view, _ in pictures)
    return Shown(Member(words=first.words, kind=first.kind, color=first.color, views=views), pictures)


def _of_production(studio: Studio, production: str) -> list[Known]:
    """The cast of a production, as a series would know it; of the user's own pictures too."""
    from kinograph.agents.promoting import introduced

    with studio.ledger() as ledger:
        record = ledger.production(production)
        board = ledger.paper(record.id, "storyboard", Storyboard)
    if board is None:
        raise BadInput(f"{production!r} has no storyboard yet; go on with: kinograph resume {production}")
    with closing(studio.keyframes(record.id)) as keyframes:
        remembered = [keyframe for keyframe, _ in keyframes.records()]
    return [known for one in remembered if (known := introduced(one, board, record.id)) is not None]


def imported(studio: Studio, folder: Path, series: str) -> list[Shown]:
    """Has a series know the cast in a folder; who was imported before under the same words is replaced.

    Raises BadInput, BadReference, and BadSetting for a series that another embedder sees.
    """
    from kinograph.film import Brief
    from kinograph.memory.embedders import open_embedder
    from kinograph.memory.series import Series

    try:
        name = str(Brief(text="a cast", series=series).series)
    except ValidationError as error:
        raise BadInput(explain(error)) from error
    shown, embedder = read(folder), open_embedder(studio.settings.embedder)
    disk.folder(studio.keyframes_file.parent)
    with closing(Series(studio.keyframes_file, name, embedder.name)) as open_series:
        open_series.known()  # refuses what another embedder saw
        for one in shown:
            story = f"given {one.member.words}"
            open_series.keep(story, list(_known(studio, one, story, embedder)))
    return shown


def _known(studio: Studio, one: Shown, story: str, embedder: Embedder) -> Iterator[Pictured]:
    from kinograph.agents.color_names import color_in
    from kinograph.memory.keyframe import Keyframe
    from kinograph.memory.series import Known, Pictured
    from kinograph.tools.footage import load_picture

    for number, (view, png) in enumerate(one.pictures):
        digest = studio.vault.keep_picture(png)
        picture = load_picture(studio.vault.picture(digest))
        keyframe = Keyframe(
            production="given",
            shot="",
            role="identity",
            about=one.member.words,
            picture=digest,
            frame=number,
            seen=color_in(picture),
            state=view.state,
            given=True,
        )
        member = one.member
        known = Known(
            keyframe=keyframe, story=story, kind=member.kind, color=member.color, words=member.words, quality=1.0
        )
        yield Pictured(known, embedder.embed(picture[None])[0])
