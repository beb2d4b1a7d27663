"""A finished plan becomes a storyboard: scenes, shots with their lengths, and which shot needs which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from kinograph.agents.motion import Move, Moves
from kinograph.agents.outline import LONGEST, Beat, Outline
from kinograph.agents.scene import Place, Places
from kinograph.errors import BadStoryboard
from kinograph.film import Look, Scene, Shot, Storyboard


def storyboard(
    outline: Outline,
    places: Places,
    moves: Moves,
    look: Look,
    seconds: float | None,
    default_seconds: float = 3.0,
) -> Storyboard:
    """The finished plan. Consecutive beats in one place and time form a scene.

    `seconds` asked of the whole film are shared out by length of text, at least 1 s a shot; without it every
    shot takes what its beat wishes, else `default_seconds`. A shot needs the first shot of each of its
    characters, the shot before it in its scene if they share one or wherever that changes into it smoothly, and those
    that its beat continues: all its needs lie before it. Raises BadStoryboard for a beat that continues itself or one
    that comes later.
    """
    where = {place.beat: place for place in places.places}
    how = {move.beat: move for move in moves.moves}
    lengths_of = _shared(outline.beats, seconds, default_seconds)
    scenes: list[Scene] = []
    filmed: dict[str, str] = {}
    continued: dict[str, list[str]] = {}
    rows = zip(outline.beats, lengths_of, strict=True)
    grouped = groupby(rows, lambda row: (where[row[0].id].setting, where[row[0].id].time))
    for number, (key, group) in enumerate(((key, list(group)) for key, group in grouped), 1):
        shots = tuple(
            _shot(beat, where[beat.id], how[beat.id], f"s{number}", position, length)
            for position, (beat, length) in enumerate(group, 1)
        )
        scenes.append(Scene(id=f"s{number}", setting=key[0], time=key[1], shots=shots))
        for shot, (beat, _) in zip(shots, group, strict=True):
            if late := [other for other in beat.continues if other not in filmed]:
                circle = f"the storyboard goes in a circle: {beat.id} needs {beat.id}"
                order = f"beat {beat.id} continues beat {late[0]}, which does not come before it"
                raise BadStoryboard(circle if late[0] == beat.id else order)
            continued[shot.id] = [filmed[earlier] for earlier in beat.continues]
            filmed[beat.id] = shot.id
    return linked(Storyboard(title=outline.title, look=look, cast=outline.cast, scenes=tuple(scenes)), continued)


def linked(board: Storyboard, also: Mapping[str, Sequence[str]] | None = None) -> Storyboard:
    """The storyboard with every shot's needs worked out from the order of its shots.

    `also` says which shots a shot goes on from besides; those that do not lie before it are left out.
    """
    met: dict[str, str] = {}
    whose = {one.id: one.identity for one in board.cast}
    before: list[Shot] = []
    passed: list[str] = []
    scenes: list[Scene] = []
    for scene in board.scenes:
        shots: list[Shot] = []
        for shot in scene.shots:
            more = [id for id in (also or {}).get(shot.id, ()) if id in passed]
            needs = _needs(shot, [one for one in before if one.scene == shot.scene], met, whose)
            smoothly = passed[-1:] if shot.transition == "smooth" else []
            shots.append(shot.changed(needs=tuple(dict.fromkeys((*smoothly, *needs, *more)))))
            passed.append(shot.id)
            for name in (name for one in shot.cast for name in (one.who, whose.get(one.who, one.who))):
                met.setdefault(name, shot.id)
            before = shots[-1:]
        scenes.append(scene.changed(shots=tuple(shots)))
    return board.changed(scenes=tuple(scenes))


def _shot(beat: Beat, place: Place, move: Move, scene: str, position: int, seconds: float) -> Shot:
    return Shot(
        id=f"{scene}.{position}",
        scene=scene,
        text=beat.text,
        cast=move.cast,
        setting=place.setting,
        time=place.time,
        camera=move.camera,
        mood=place.mood,
        extra=place.extra,
        seconds=seconds,
        transition=beat.transition,
    )


def _needs(shot: Shot, before: Sequence[Shot], met: dict[str, str], whose: Mapping[str, str]) -> tuple[str, ...]:
    """The anchors of the looks that are seen, then those of identities, then the shot that this one continues."""
    here = {one.who for one in shot.cast}
    names = [*(one.who for one in shot.cast), *(whose.get(one.who, one.who) for one in shot.cast)]
    anchors = [met[name] for name in names if name in met]
    continued = [other.id for other in before if here & {one.who for one in other.cast}]
    return tuple(dict.fromkeys((*anchors, *continued)))


def _shared(beats: Iterable[Beat], seconds: float | None, default_seconds: float) -> list[float]:
    """Seconds per beat, at most a minute each. A total of less than a second a shot is shared equally."""
    beats = tuple(beats)
    if seconds is None:
        return [beat.seconds or default_seconds for beat in beats]
    weights = [min(max(len(beat.text.split()), 4), 24) + 12 for beat in beats]
    total = min(seconds, LONGEST * len(weights))
    least = min(1.0, total / len(weights))
    most = max(LONGEST - least, 0.0)
    shares = dict.fromkeys(range(len(weights)), 0.0)
    spare, open_to = total - least * len(weights), set(shares)
    while spare > 1e-9 and open_to:
        whole = sum(weights[index] for index in open_to)
        for index in sorted(open_to):
            shares[index] += spare * weights[index] / whole
        spare = sum(max(0.0, share - most) for share in shares.values())
        shares = {index: min(share, most) for index, share in shares.items()}
        open_to = {index for index, share in shares.items() if share < most}
    return (
        [round(least + share, 3) for share in shares.values()]
        if total / len(weights) > 0.01
        else [total / len(weights)] * len(weights)
    )
