"""What a finished film may leave to its series: keyframes of its cast and places, as other productions know them."""

from __future__ import annotations

from kinograph.film import Character, Film, Storyboard
from kinograph.memory.keyframe import Keyframe
from kinograph.memory.keyframes import Keyframes
from kinograph.memory.series import Known, Pictured


def candidates(film: Film, keyframes: Keyframes, story: str) -> list[Pictured]:
    """The keyframes of its cast and places that a film may leave, by film order: of accepted takes that it uses."""
    board = film.storyboard
    used = {(cut.shot, cut.attempt) for cut in film.timeline}
    takes = {take.shot: take for take in film.takes if take.accepted and (take.shot, take.attempt) in used}
    order = [shot.id for shot in board.shots]
    found: list[Pictured] = []
    for keyframe, vector in keyframes.records():
        if keyframe.shot not in takes or keyframe.role not in ("identity", "setting"):
            continue
        verdict = takes[keyframe.shot].verdict
        known = introduced(keyframe, board, story, verdict.quality if verdict else 0.0)
        if known is not None:
            found.append(Pictured(known, vector))
    return sorted(found, key=lambda one: (order.index(one.known.keyframe.shot), one.known.keyframe.id))


def introduced(keyframe: Keyframe, board: Storyboard, story: str, quality: float = 1.0) -> Known | None:
    """A keyframe of a cast or place as other productions know it; None for one that says nothing to them."""
    shot = board.shot(keyframe.shot)
    who = next((one for one in board.cast if keyframe.shows(one)), None)
    who = first_look(who, board) if who else None
    if (who is None) == (keyframe.role == "identity") or not (who or shot.setting):
        return None
    return Known(
        keyframe=keyframe,
        story=story,
        kind=who.kind if who else "",
        color=who.color if who else None,
        words=who.words if who else shot.setting,
        time=shot.time,
        look=board.look.name,
        quality=quality,
    )


def first_look(who: Character, board: Storyboard) -> Character:
    """The character as it was at first, where the film shows that."""
    return next((one for one in board.cast if one.id == who.identity), who)
