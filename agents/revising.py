"""Applies edits to a storyboard: a pure function from a draft and its edits to the next draft.

A shot keeps its id wherever it goes, and its scene keeps its id while place and time stay: the request of
a shot that was not touched comes out the same, and so does its digest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import groupby

from pydantic import Field

from kinograph.agents import edits
from kinograph.agents.english.turning import Turn, changed, free_id, recolored, with_article
from kinograph.agents.requesting import seed_for
from kinograph.agents.storyboarding import linked
from kinograph.agents.style import styled
from kinograph.errors import BadInput
from kinograph.film import Appearance, Brief, Character, Noun, Scene, Shot, Storyboard

LONGEST, SHORTEST = 60.0, 0.25
"""Bounds of a shot in seconds."""


class Draft(Noun):
    """What a version is about: the brief with its wishes, and the storyboard."""

    brief: Brief
    storyboard: Storyboard


class Used(Noun):
    """What a session has given away before: a new shot or seed is another one."""

    shots: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    takes: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Shot id -> digests of its takes' requests, oldest first."""


def revise(draft: Draft, changes: Iterable[edits.Edit], used: Used = Used()) -> Draft:  # noqa: B008 (frozen)
    """The draft after all edits, in order. Raises BadInput for one that cannot be done."""
    for change in changes:
        if (apply := _APPLY.get(type(change))) is not None:
            draft = apply(draft, change, used)
    return draft


def known(board: Storyboard, ids: Sequence[str]) -> list[Shot]:
    """The shots of these ids, all for none. Raises BadInput for an id that is not there."""
    here = {shot.id: shot for shot in board.shots}
    for id in ids:
        if id not in here:
            raise BadInput(f"there is no shot {id!r}; shots are {', '.join(here)}")
    return [here[id] for id in ids] if ids else list(board.shots)


def member(board: Storyboard, who: str) -> Character:
    """The character of that id. Raises BadInput."""
    for one in board.cast:
        if one.id == who:
            return one
    raise BadInput(f"there is no character {who!r}; the cast is {', '.join(one.id for one in board.cast) or 'empty'}")


def rebuilt(board: Storyboard, shots: Sequence[Shot], cast: Sequence[Character] | None = None) -> Storyboard:
    """The storyboard with these shots: scenes, cast and needs follow from them. Raises BadInput for none."""
    if not shots:
        raise BadInput("the last shot cannot be removed; a film has at least one")
    places = {(scene.setting, scene.time): scene.id for scene in reversed(board.scenes)}
    home = {scene.id: (scene.setting, scene.time) for scene in board.scenes}
    placed: list[Shot] = []
    for shot in shots:
        place = (shot.setting, shot.time)
        if home.get(shot.scene) != place:
            taken = {*home, *(one.scene for one in placed)}
            id = places.get(place) or next(f"s{n}" for n in range(1, len(taken) + 2) if f"s{n}" not in taken)
            shot = shot.changed(scene=id)
        places.setdefault(place, shot.scene)
        home.setdefault(shot.scene, place)
        placed.append(shot)
    scenes = []
    for id, group in groupby(placed, lambda shot: shot.scene):
        members = tuple(group)
        scenes.append(Scene(id=id, setting=members[0].setting, time=members[0].time, shots=members))
    seen = {one.who for shot in placed for one in shot.cast}
    people = tuple(one for one in (board.cast if cast is None else cast) if one.id in seen)
    plain = linked(board)
    also = {shot.id: [need for need in shot.needs if need not in plain.shot(shot.id).needs] for shot in board.shots}
    return linked(board.changed(scenes=tuple(scenes), cast=people), also)


def _each(draft: Draft, ids: Sequence[str], do: Callable[[Shot], Shot]) -> Draft:
    """The draft with `do` done to the shots of these ids; a take chosen by hand is chosen no longer."""
    board = draft.storyboard
    wanted = {shot.id for shot in known(board, ids)}

    def changed(shot: Shot) -> Shot:
        after = do(shot) if shot.id in wanted else shot
        return after if after == shot else after.changed(keep=None)

    return draft.changed(storyboard=rebuilt(board, [changed(shot) for shot in board.shots]))


def _change(draft: Draft, edit: edits.Change, used: Used) -> Draft:
    said = {"setting": edit.setting, "time": edit.time, "camera": edit.camera, "mood": edit.mood}
    return _each(draft, edit.shots, lambda shot: shot.changed(**{k: v for k, v in said.items() if v is not None}))


def _length(draft: Draft, edit: edits.Length, used: Used) -> Draft:
    def timed(shot: Shot) -> Shot:
        seconds = edit.seconds if edit.seconds is not None else shot.seconds * (edit.times or 1.0) + (edit.plus or 0.0)
        return shot.changed(seconds=_within(seconds))

    return _each(draft, edit.shots, timed)


def _within(seconds: float) -> float:
    return round(min(max(seconds, SHORTEST), LONGEST), 3)


def _recast(draft: Draft, edit: edits.Recast, used: Used) -> Draft:
    board = draft.storyboard
    old = member(board, edit.who)
    new = recolored(retyped(old, edit.kind), edit.color)
    shots = {shot.id for shot in known(board, edit.shots)}
    within = [shot.id for shot in board.shots if any(one.who == old.id for one in shot.cast)]
    if shots >= set(within):
        if new.state and new.color != old.color:
            new = new.changed(state=new.color or "")
        cast = [new if one.id == old.id else one for one in board.cast]
        unkept = [_unkept(shot, shot.id in within and new != old) for shot in board.shots]
        return draft.changed(storyboard=rebuilt(board, unkept, cast))
    # In some shots only: there it is another look of the same one, or another character where its kind is another.
    if new.kind == old.kind:
        double = changed(old, Turn(old.id, new.color or ""), board.cast)
    else:
        alike = (
            one for one in board.cast if (one.identity, one.kind, one.color) == (new.identity, new.kind, new.color)
        )
        double = next(alike, new.changed(id=free_id(f"{new.color or ''} {new.kind}", board.cast)))
    doubled = [_swapped(shot, old, double, shots) for shot in board.shots]
    cast = board.cast if double in board.cast else (*board.cast, double)
    return draft.changed(storyboard=rebuilt(board, doubled, cast))


def _swapped(shot: Shot, old: Character, new: Character, shots: Collection[str]) -> Shot:
    """The shot with one character in another's place, if it is one of these."""
    if shot.id not in shots or not any(one.who == old.id for one in shot.cast):
        return shot
    cast = (one.changed(who=new.id) if one.who == old.id else one for one in shot.cast)
    return shot.changed(cast=tuple({one.who: one for one in cast}.values()), keep=None)


def _unkept(shot: Shot, changed: bool) -> Shot:
    return shot.changed(keep=None) if changed and shot.keep else shot


def retyped(one: Character, kind: str | None) -> Character:
    """The character as something else: "a red ball" is "a red cube"."""
    if kind is None or kind == one.kind:
        return one
    words, found = re.subn(rf"\b{re.escape(one.kind)}\b", lambda _: kind, one.words, count=1, flags=re.I)
    said = words if found else f"a {one.color} {kind}" if one.color else f"a {kind}"
    return one.changed(kind=kind, words=with_article(said))


def _act(draft: Draft, edit: edits.Act, used: Used) -> Draft:
    member(draft.storyboard, edit.who)

    def acted(shot: Shot) -> Shot:
        new = Appearance(who=edit.who, motion=edit.motion, action=edit.action)
        return shot.changed(cast=tuple(new if one.who == edit.who else one for one in shot.cast))

    wanted = known(draft.storyboard, edit.shots)
    if not any(one.who == edit.who for shot in wanted for one in shot.cast):
        raise BadInput(f"{edit.who!r} is not in {'any shot' if not edit.shots else 'shot ' + ', '.join(edit.shots)}")
    return _each(draft, edit.shots, acted)


def _enter(draft: Draft, edit: edits.Enter, used: Used) -> Draft:
    board, one = draft.storyboard, edit.character
    new = not any(other.id == one.id for other in board.cast)
    seen = Appearance(who=one.id, motion=edit.motion, action=edit.action)

    def joined(shot: Shot) -> Shot:
        return shot if any(a.who == one.id for a in shot.cast) else shot.changed(cast=(*shot.cast, seen))

    wider = draft.changed(storyboard=board.changed(cast=(*board.cast, one))) if new else draft
    return _each(wider, edit.shots, joined)


def _leave(draft: Draft, edit: edits.Leave, used: Used) -> Draft:
    member(draft.storyboard, edit.who)
    return _each(
        draft,
        edit.shots,
        lambda shot: shot.changed(cast=tuple(one for one in shot.cast if one.who != edit.who)),
    )


def _add(draft: Draft, edit: edits.Add, used: Used) -> Draft:
    board = draft.storyboard
    shots = list(board.shots)
    at = 0
    if edit.after:
        at = 1 + [shot.id for shot in shots].index(known(board, (edit.after,))[0].id)
    met = {one.id for one in board.cast}
    cast = (*board.cast, *(one for one in edit.newcomers if one.id not in met))
    for one in edit.cast:
        member(board.changed(cast=cast), one.who)
    taken = {*used.shots, *(shot.id for shot in shots)}
    scene = next((s.id for s in board.scenes if (s.setting, s.time) == (edit.setting, edit.time)), "")
    # The scene's own id, or the next one that no shot of the session ever had.
    scenes = {shot.partition(".")[0] for shot in taken} | {one.id for one in board.scenes}
    home = scene or next(f"s{n}" for n in range(1, len(scenes) + 2) if f"s{n}" not in scenes)
    id = next(f"{home}.{n}" for n in range(1, len(taken) + 2) if f"{home}.{n}" not in taken)
    shot = Shot(
        id=id,
        scene=home,
        text=edit.text,
        cast=edit.cast,
        setting=edit.setting,
        time=edit.time,
        camera=edit.camera,
        mood=edit.mood,
        extra=edit.extra,
        seconds=_within(edit.seconds),
    )
    return draft.changed(storyboard=rebuilt(board, [*shots[:at], shot, *shots[at:]], cast))


def _remove(draft: Draft, edit: edits.Remove, used: Used) -> Draft:
    gone = {shot.id for shot in known(draft.storyboard, edit.shots)}
    left = [shot for shot in draft.storyboard.shots if shot.id not in gone]
    return draft.changed(storyboard=rebuilt(draft.storyboard, left))


def _order(draft: Draft, edit: edits.Order, used: Used) -> Draft:
    shots = known(draft.storyboard, edit.shots)
    if sorted(edit.shots) != sorted(shot.id for shot in draft.storyboard.shots):
        raise BadInput(f"the order {', '.join(edit.shots)} does not name every shot once")
    return draft.changed(storyboard=rebuilt(draft.storyboard, shots))


def _again(draft: Draft, edit: edits.Again, used: Used) -> Draft:
    def reseeded(shot: Shot) -> Shot:
        if edit.seed is not None:
            return shot.changed(seed=edit.seed, keep=None)
        base = draft.brief.seed if shot.seed is None else shot.seed
        fresh = (seed_for(base, shot.id, "again", n) for n in range(len(used.seeds) + 2))
        return shot.changed(seed=next(seed for seed in fresh if seed not in used.seeds), keep=None)

    return _each(draft, edit.shots, reseeded)


def _keep(draft: Draft, edit: edits.Keep, used: Used) -> Draft:
    shot = known(draft.storyboard, (edit.shot,))[0]
    takes = used.takes.get(shot.id, ())
    if edit.take > len(takes):
        raise BadInput(f"shot {shot.id} has no take {edit.take}; it has {len(takes) or 'none'}")
    board = draft.storyboard
    chosen = [one.changed(keep=takes[edit.take - 1]) if one.id == shot.id else one for one in board.shots]
    return draft.changed(storyboard=rebuilt(board, chosen))


def _whole(draft: Draft, edit: edits.Whole, used: Used) -> Draft:
    board, brief = draft.storyboard, draft.brief
    if edit.title is not None:
        board = board.changed(title=edit.title)
    if edit.look is not None and (look := styled(edit.look)) != board.look:
        board = rebuilt(board.changed(look=look), [_unkept(shot, True) for shot in board.shots])
    asked = {"seed": edit.seed, "aspect": edit.aspect, "model": edit.model}
    said = {name: value for name, value in asked.items() if value is not None and value != getattr(brief, name)}
    if said:
        brief = brief.changed(**said)
        board = rebuilt(board, [_unkept(shot, True) for shot in board.shots])
    if edit.seconds is not None or edit.plus is not None:
        whole = sum(shot.seconds for shot in board.shots)
        wanted = max((whole if edit.seconds is None else edit.seconds) + (edit.plus or 0.0), SHORTEST)
        timed = edits.Length(times=min(max(wanted / whole, 0.01), 20.0))
        board = _length(draft.changed(storyboard=board), timed, used).storyboard
    return draft.changed(brief=brief, storyboard=board)


_APPLY: dict[type[Noun], Callable[..., Draft]] = {
    edits.Change: _change,
    edits.Length: _length,
    edits.Recast: _recast,
    edits.Act: _act,
    edits.Enter: _enter,
    edits.Leave: _leave,
    edits.Add: _add,
    edits.Remove: _remove,
    edits.Order: _order,
    edits.Again: _again,
    edits.Keep: _keep,
    edits.Whole: _whole,
}
