"""The step after the last shot: everything that goes with the picture is put on one timeline, and filed.

`fuse` may stand in a topology too: what was filed for the same picture is not made again.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from kinograph.agents.fusion import Assembly
from kinograph.errors import Damaged
from kinograph.events import Warned
from kinograph.film import Brief
from kinograph.graphs.boundaries import dispensable
from kinograph.graphs.production import Crew, Production, Run, telling
from kinograph.graphs.studio import parts_of
from kinograph.soundtrack import Picture, Tracks
from kinograph.tools import captions, editing, mixing

TOLD = 5
"""Most words without a place that are told one by one."""


def fuse(state: Production, runtime: Run) -> dict[str, Any]:
    """Files the film's tracks as "tracks". Does nothing for a film that has nothing but its picture."""
    crew = telling(runtime)
    crew.go_on()
    picture = _picture(crew)
    if not picture or not wished(crew.brief) or _stands(crew, picture):
        return {}
    assert crew.fusion is not None, "a film with sound or captions has a fusion agent"
    brief = crew.brief
    question = Assembly(
        storyboard=crew.storyboard,
        picture=picture,
        narrate=brief.narrate,
        language=brief.language,
        captions=brief.captions,
        music=brief.music,
    )
    think = partial(crew.mind.think, crew.fusion, question)
    tracks = dispensable(crew, "fusion", think, None, "left out", "the film has its picture only")
    if tracks is None:
        return {}
    crew.ledger.file(crew.id, "tracks", tracks)
    for one in tracks.left[:TOLD]:
        crew.tell(Warned(words=f"{one.track} of shot {one.shot}: {one.words!r} found no place ({one.why})"))
    if len(tracks.left) > TOLD:
        words = f"{len(tracks.left) - TOLD} more words without a place are listed in the manifest"
        crew.tell(Warned(words=words))
    return {}


def wished(brief: Brief) -> bool:
    """Whether a brief asks for more than a picture."""
    return brief.narrate or brief.captions or brief.music is not None


def _picture(crew: Crew) -> tuple[Picture, ...]:
    board = crew.storyboard
    parts = parts_of(board, crew.ledger.takes(crew.id), crew.ledger.outcomes(crew.id))
    return tuple(
        Picture(start=one.start, seconds=one.seconds, shot=one.shot, scene=board.shot(one.shot).scene, clip=one.clip)
        for one in editing.timeline(parts, crew.decision.fps)
    )


def _stands(crew: Crew, picture: tuple[Picture, ...]) -> bool:
    """Whether the tracks that are filed are those of this picture, and can still be heard."""
    tracks = filed(crew)
    if tracks is None or tracks.picture != picture:
        return False
    try:
        return all(crew.fusion is None or crew.fusion.heard(one).is_file() for one in tracks.sounds)
    except Damaged:
        return False


def filed(crew: Crew) -> Tracks | None:
    """The tracks of the film; None for one that has nothing but its picture."""
    return crew.ledger.paper(crew.id, "tracks", Tracks)


def add_sound(crew: Crew) -> Path | None:
    """Mixes what is to be heard, and returns the file. Raises Damaged for a sound that is lost."""
    tracks = filed(crew)
    if tracks is None or not tracks.sounds or crew.fusion is None:
        return None
    path = crew.folder / ".kinograph" / "sound.mp4"
    mixing.render(tracks, crew.fusion.heard, path)
    return path


def add_captions(crew: Crew) -> None:
    """Writes the caption files of a film that is to have them, empty ones when nothing is said."""
    tracks = filed(crew)
    if tracks is not None and crew.brief.captions:
        captions.write(tracks.captions, crew.folder / "film.mp4")
