"""Why a shot is held to a remembered picture, in words."""

from __future__ import annotations

from collections.abc import Sequence

from kinograph.film import Character, Shot, Storyboard
from kinograph.memory.keyframe import Keyframe
from kinograph.tools.colors import HUES


def reason(keyframe: Keyframe, found: Sequence[Keyframe], shot: Shot, board: Storyboard, production: str) -> str:
    """One line: "canonical view of a red ball, first seen in s1.1"; `found` is all that was remembered for the shot."""
    if keyframe.role != "identity":
        return {
            "last": f"where {keyframe.shot} ended",
            "setting": f"the place, {keyframe.about or 'without a name'}, as it looked in {keyframe.shot}",
            "look": f"the style, as in {keyframe.shot}",
        }[keyframe.role]
    here = {one.who for one in shot.cast}
    who = next((one for one in board.cast if one.id in here and one.identity == keyframe.about), None)
    words = who.words if who else keyframe.about
    if keyframe.given:
        return f"{words} as the user gave it"
    where = keyframe.shot if keyframe.production == production else f"{keyframe.production}, of the same series"
    if who is not None and not keyframe.shows(who):
        but = ", but for its colour" if contradicts(keyframe, who) else ""
        return f"who {words} is{but}, in another look ({keyframe.state or 'the first one'}), in {where}"
    if keyframe.production != production:
        return f"{words} as it looked in {where}"
    mine = [one for one in found if one.about == keyframe.about and one.state == keyframe.state and not one.given]
    first = next((one for one in mine if one.role == "identity" and one.production == production), None)
    return f"canonical view of {words}, first seen in {where}" if keyframe == first else f"{words} in {where}"


def contradicts(keyframe: Keyframe, who: Character) -> bool:
    """Whether a picture of another look shows the character in a colour that it has not: it tells who it is, and no
    model may be held to it."""
    if keyframe.shows(who) or who.color is None:
        return False
    if keyframe.seen in HUES and who.color in HUES:
        return keyframe.seen != who.color
    return who.color in who.state.split(", ")
