"""The step after the last shot: everything that goes with the picture is put on one timeline, and filed.

`fuse` may stand in a topology too: what was filed for the same picture is not made again.
"""

from __future__ import annotations

from collections.abc import Sequence
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
from kinograph.soundtrack import Own, Picture, Tracks
from kinograph.tools import captions, editing, mixing, sound
from kinograph.tools.sound import RATE

TOLD = 5
"""Most words without a place that are told one by one."""


def fuse(state: Production, runtime: Run) -> dict[str, Any]:
    """Files the film's tracks as "tracks". Does nothing for a film that has nothing but its picture."""
    crew = telling(runtime)
    crew.go_on()
    parts, brief = _parts(crew), crew.brief
    picture, sounds = _picture(crew, parts), any(part.take.clip and part.take.clip.sound for part in parts)
    if not picture or not (wished(brief) or sounds) or _stands(crew, picture):
        return {}
    assert crew.fusion is not None, "a film with sound or captions has a fusion agent"
    kept = partial(_own, crew, parts, picture)
    own = dispensable(crew, "sound", kept, (), "left out", "what was rendered with the pictures is not heard")
    question = Assembly(
        storyboard=crew.storyboard,
        picture=picture,
        narrate=brief.narrate,
        language=brief.language,
        captions=brief.captions,
        music=brief.music,
        own=own,
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


def _parts(crew: Crew) -> list[editing.Part]:
    return parts_of(crew.storyboard, crew.ledger.takes(crew.id), crew.ledger.outcomes(crew.id))


def _picture(crew: Crew, parts: Sequence[editing.Part]) -> tuple[Picture, ...]:
    board = crew.storyboard
    return tuple(
        Picture(start=one.start, seconds=one.seconds, shot=one.shot, scene=board.shot(one.shot).scene, clip=one.clip)
        for one in editing.timeline(parts, crew.decision.fps)
    )


def _own(crew: Crew, parts: Sequence[editing.Part], picture: Sequence[Picture]) -> tuple[Own, ...]:
    """What was rendered with the pictures, as much of it as is shown. Raises Damaged, RenderFailed."""
    found = []
    for part, shown in zip(parts, picture, strict=True):
        assert part.take.clip is not None, "a take without a clip is never chosen"
        if not part.take.clip.sound:
            continue
        assert crew.fusion is not None, "a film with sound has a fusion agent"
        clip = crew.generation.render(part.take.request, lambda _: None, crew.cancelled.is_set).clip
        begin = round(part.first / clip.fps * RATE)
        samples = sound.of_clip(Path(clip.path))[:, begin : begin + round(shown.seconds * RATE)]
        if samples.shape[1]:
            seconds = min(shown.seconds, samples.shape[1] / RATE)
            found.append(Own(shot=shown.shot, start=shown.start, seconds=seconds, sound=crew.fusion.kept(samples)))
    return tuple(found)


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
