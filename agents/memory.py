"""The memory agent: the only writer of the keyframe memory, and it writes only accepted takes.

What a shot is held to it recalls by rules. Only where the remembered pictures of a character contradict each
other, because shots that did not know of one another were filmed side by side, does a language model decide which
of them count.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from pydantic import Field

from kinograph.agents import hierarchy, views
from kinograph.agents.hierarchy import Budget
from kinograph.agents.mind import Ask
from kinograph.agents.reasons import reason
from kinograph.film import Character, Film, Noun, Portrait, Shot, Storyboard, Take
from kinograph.memory.keyframes import Keyframe, Keyframes, Role
from kinograph.memory.series import Known, Pictured, Series, figure
from kinograph.memory.vault import Vault
from kinograph.tools import colors, toolbox
from kinograph.tools.eyes import Sighting, look, picture_hue, wanted
from kinograph.tools.footage import load, load_picture, png

REFERENCES = 2
"""Most keyframes of a character that a shot is held to."""
BUDGET = Budget()
PLAIN = 14.0
"""Degrees of CIELAB hue that a colour may be off the one that it is called by; the nearest named ones are 28 apart."""
CONTRADICTION = 25.0
"""Degrees of CIELAB hue between two pictures of a character that cannot both be right: nearly another colour."""


class Recollection(Noun):
    """What the memory agent is asked: which of the remembered pictures a shot is held to."""

    shot: Shot
    storyboard: Storyboard
    found: tuple[Keyframe, ...]
    """Everything remembered of the shot's cast, place and predecessor, the earliest shot first; after what the film
    remembers, what its series does."""
    production: str = ""
    """Whose shot it is; keyframes of others are the series'."""


class Recalled(Noun):
    """The keyframes that a shot is held to."""

    keyframes: tuple[Keyframe, ...]
    reasons: tuple[str, ...] = ()
    """Why each of them was given, in their order."""
    left_out: int = 0
    """Keyframes that found no room in the budget."""


class RecallDraft(Noun):
    """What a language model hands back: the numbers of the pictures that count."""

    keep: tuple[str, ...] = Field(min_length=1, max_length=16)
    why: str = Field(max_length=200)


class Memory:
    """Keeps how everything looked, and tells a shot what it must look like."""

    role = "memory"
    answer = Recalled

    def __init__(
        self,
        keyframes: Keyframes,
        vault: Vault,
        series: Series | None = None,
        story: str = "",
        budget: Budget = BUDGET,
        given: Sequence[Portrait] = (),
    ) -> None:
        """`series` is what the production belongs to, if anything; its own `story` there is not recalled. `given` are
        the user's own pictures of the cast."""
        self._keyframes = keyframes
        self._vault = vault
        self._series = series
        self._story = story
        self._budget = budget
        self._given = [(one, color_in(load_picture(vault.picture(one.picture)))) for one in given]

    def recollection(self, shot: Shot, storyboard: Storyboard) -> Recollection:
        """What is remembered for a shot.

        Only shots that this one needs are asked, so the answer does not depend on what else happens to
        be finished.
        """
        shots, known = tuple(self._ancestors(shot, storyboard)), self.known()
        found = [k for one in shot.cast for k in self._of(storyboard.character(one.who), storyboard, shots, known)]
        same_scene = [storyboard.shot(id) for id in shots if storyboard.shot(id).scene == shot.scene]
        alike = tuple(one.id for one in same_scene if not storyboard.changed_between(one, shot))
        found += self._keyframes.recall("setting", shot.setting, alike)[:1]
        for needed in shot.needs:
            if needed in alike:
                found += self._keyframes.recall("last", needed, (needed,))[:1]
        at = (shot.setting, shot.time, storyboard.look.name)
        found += [one.keyframe for one in known if not one.kind and (one.words, one.time, one.look) == at][:1]
        here = self._keyframes.production
        return Recollection(shot=shot, storyboard=storyboard, found=tuple(dict.fromkeys(found)), production=here)

    def _of(self, who: Character, board: Storyboard, shots: tuple[str, ...], known: Sequence[Known]) -> list[Keyframe]:
        """All pictures of a character: of the look that this is before those that only tell who it is; the user's own
        before those of this film, and those before the series', under the name that it has here."""
        found = self._portraits(who, board) + self._keyframes.recall("identity", who.identity, shots)
        first = _first_look(who, board)
        for one in known:
            if one.kind and one.figure == _figure(first):
                found.append(one.keyframe.changed(about=who.identity))
        here = self._keyframes.production
        return sorted(found, key=lambda k: (not k.shows(who), not k.given, k.production != here, k.view > 0))

    def _portraits(self, who: Character, board: Storyboard) -> list[Keyframe]:
        """The user's own pictures of a character, as keyframes of no take."""
        mine = hierarchy.portrayed(board, [portrait for portrait, _ in self._given])
        plain = Keyframe(
            production=self._keyframes.production,
            shot="",
            role="identity",
            about=who.identity,
            picture="",
            frame=0,
            given=True,
        )
        return [
            plain.changed(picture=portrait.picture, frame=number, seen=seen)
            for number, (portrait, seen) in enumerate(self._given)
            if mine.get(portrait.name) == who.identity
        ]

    def known(self) -> list[Known]:
        """What the series knows from other stories; nothing for a production of none."""
        return [one.known for one in self._series.known(self._story)] if self._series else []

    def remembered(self) -> tuple[str, ...]:
        """What the series knows, as a language model is told it."""
        return tuple(hierarchy.context(hierarchy.notes_of_series(self.known()), self._budget).told())

    def rules(self, question: Recollection) -> Recalled:
        """The earliest keyframes of every character, and what is remembered of place and predecessor."""
        return self._recalled(question, [k.id for k in question.found if k.role == "identity"])

    def _recalled(self, question: Recollection, identities: Sequence[str]) -> Recalled:
        """What a shot is held to, within the budget."""
        held = _held_to(question, identities)
        kept = hierarchy.within([(_level(question, one), one) for one in held], self._budget.keyframes)
        told = (question.found, question.shot, question.storyboard, question.production)
        why = tuple(reason(one, *told) for one in kept)
        return Recalled(keyframes=tuple(kept), reasons=why, left_out=len(held) - len(kept))

    def ask(self, question: Recollection) -> Ask[Recalled] | Recalled:
        """Asks only about characters whose pictures contradict each other."""
        by_rules = self.rules(question)
        own = _own(question)
        seen = Counter(k.about for k in own)
        hues = {k.id: self._hue(k) for k in own if seen[k.about] > 1}
        doubtful = _doubtful(question, hues)
        if not doubtful:
            return by_rules
        numbered = {f"K{n}": k for n, k in enumerate((k for who in doubtful for k in doubtful[who]), 1)}
        sure = [k.id for k in question.found if k.role == "identity" and k.about not in doubtful]
        return Ask(
            facts=facts(question, numbered, hues) | {"context": self._context(question).told()},
            draft=RecallDraft,
            check=lambda draft: complaints(doubtful, numbered, hues, draft),
            accept=lambda draft: self._recalled(question, [*sure, *(numbered[number].id for number in draft.keep)]),
            without=lambda why: by_rules,
            tools=toolbox.of_memory({number: (k.words, self._loads(k)) for number, k in numbered.items()}),
        )

    def at_random(self, recalled: Recalled, shot: Shot, storyboard: Storyboard, seed: int) -> Recalled:
        """As many keyframes, each with any picture that is remembered of the shots that this one needs: to measure what
        the right ones are worth."""
        shots, dice = self._ancestors(shot, storyboard), random.Random(seed)
        known = [keyframe for keyframe, _ in self._keyframes.records() if keyframe.shot in shots]
        if not known:
            return recalled
        drawn = [(one, dice.choice(known)) for one in recalled.keyframes]
        mixed = tuple(one.changed(picture=other.picture, seen=other.seen) for one, other in drawn)
        return recalled.changed(keyframes=mixed, reasons=("drawn at random",) * len(mixed))

    def _context(self, question: Recollection) -> hierarchy.Context:
        notes = hierarchy.notes_of(question.shot, question.storyboard, question.found, question.production)
        return hierarchy.context(notes, self._budget)

    def _hue(self, keyframe: Keyframe) -> float | None:
        return picture_hue(self._loads(keyframe)())

    def _loads(self, keyframe: Keyframe) -> toolbox.Picture:
        return lambda: load_picture(self._vault.picture(keyframe.picture))

    @staticmethod
    def _ancestors(shot: Shot, storyboard: Storyboard) -> list[str]:
        found, waiting = [], list(shot.needs)
        while waiting:
            id = waiting.pop(0)
            if id not in found:
                found.append(id)
                waiting += storyboard.shot(id).needs
        return sorted(found, key=[one.id for one in storyboard.shots].index)

    def remember(self, shot: Shot, storyboard: Storyboard, take: Take) -> tuple[Keyframe, ...]:
        """Keeps the keyframes of an accepted take; a take that was not accepted leaves nothing."""
        if not take.accepted or take.clip is None:
            return ()
        frames = load(take.clip)
        middle, last = len(frames) // 2, len(frames) - 1
        seen = [
            self._seen(take, "setting", shot.setting, frames[middle], middle),
            self._seen(take, "look", storyboard.look.name, frames[middle], middle),
            self._seen(take, "last", shot.id, frames[last], last),
        ]
        sightings = look(frames, [wanted(storyboard.character(a.who)) for a in shot.cast])
        cast, before = [storyboard.character(one.who) for one in shot.cast], tuple(self._ancestors(shot, storyboard))
        for who, sighting in zip(cast, sightings, strict=True):
            seen += self._views(take, who, frames, sighting, before)
        kept = self._keyframes.replace(shot.id, seen)
        for who in cast:
            self._consolidate(who, storyboard)
        return kept

    def _views(
        self, take: Take, who: Character, frames: np.ndarray, sighting: Sighting, before: tuple[str, ...]
    ) -> list[tuple[Keyframe, np.ndarray]]:
        """Pictures of a character that show what those do not that the shot stands on: of shots beside it this must not
        depend. One in another colour is always new."""
        looked_at, color = views.candidates(sighting), color_of(sighting) if sighting.seen.any() else ""
        crops = [sighting.crop(frames, frame) for frame in looked_at]
        if not crops:
            return []
        known = [k for k in self._keyframes.recall("identity", who.identity, before) if k.shows(who)]
        vectors = np.stack([self._keyframes.embedder.embed(crop[None])[0] for crop in crops])
        alike = [k for k in known if not (color and k.seen) or k.seen == color]
        chosen = views.novel(vectors, self._keyframes.vectors(alike), novelty=self._keyframes.novelty)
        self._keyframes.learn(take.shot, who.id, vectors)
        worth = take.verdict.quality if take.verdict else 0.0
        made = []
        for view, at in enumerate(chosen):
            frame = looked_at[at]
            keyframe, picture = self._seen(take, "identity", who.identity, crops[at], frame, color)
            quality = round(worth * (views.CUT_OFF if sighting.cropped[frame] else 1.0), 4)
            made.append((keyframe.changed(state=who.state, view=view, quality=quality), picture))
        return made

    def _consolidate(self, who: Character, board: Storyboard) -> None:
        """Forgets pictures of a look of a character beyond so many: those that add least and that no shot will ask for
        any more. Where it was first seen is never forgotten."""
        order = tuple(shot.id for shot in board.shots)
        mine = [k for k in self._keyframes.recall("identity", who.identity, order) if k.shows(who)]
        if len(mine) <= views.CANONICAL:
            return
        settled = self._keyframes.shots()
        needed = {id for shot in board.shots if shot.id not in settled for id in self._ancestors(shot, board)}
        fixed = [at for at, one in enumerate(mine) if at == 0 or one.shot in needed]
        kept = views.canonical(self._keyframes.vectors(mine), [one.quality for one in mine], fixed)
        self._keyframes.drop([one for at, one in enumerate(mine) if at not in kept])

    def agree(self, shot: Shot, storyboard: Storyboard, take: Take) -> None:
        """Has what counts of a shot be what this accepted take left, once the film uses it and not another one."""
        left = [one for one in self._keyframes.versions(shot.id) if one.keyframes]
        mine = [one for one in left if {keyframe.take for keyframe in one.keyframes} == {take.attempt}]
        if not mine:
            self.remember(shot, storyboard, take)
        elif not any(one.counts for one in mine):
            self._keyframes.rollback(shot.id, mine[-1].version)

    def promote(self, film: Film) -> tuple[Known, ...]:
        """Leaves the best keyframes of a finished film to its series, in place of what its story left before.

        Only accepted takes that the film uses count. The same film leaves the same, however often.
        """
        if self._series is None:
            return ()
        candidates = self._candidates(film)
        known, novelty = self._series.known(self._story), hierarchy.novelty(self._keyframes.novelty)
        kept = hierarchy.promotable(candidates, known, novelty)
        self._series.keep(self._story, kept)
        if gone := hierarchy.forgettable(self._series.known()):
            self._series.forget(gone)
        return tuple(one.known for one in kept)

    def recover(self, film: Film) -> None:
        """Looks again at what was forgotten of a finished film to save room; of a lost clip what is left stays."""
        thinned = self._keyframes.thinned()
        used = {(cut.shot, cut.attempt) for cut in film.timeline}
        takes = {one.shot: one for one in film.takes if one.accepted and (one.shot, one.attempt) in used}
        for shot in film.storyboard.shots:
            take = takes.get(shot.id) if shot.id in thinned else None
            clip = self._vault.clip(take.request.digest) if take is not None else None
            if take is not None and clip is not None:
                self.remember(shot, film.storyboard, take.changed(clip=clip))

    def withdraw(self) -> None:
        """Takes back what the story left to its series."""
        if self._series is not None:
            self._series.keep(self._story, ())

    def _candidates(self, film: Film) -> list[Pictured]:
        board = film.storyboard
        used = {(cut.shot, cut.attempt) for cut in film.timeline}
        takes = {take.shot: take for take in film.takes if take.accepted and (take.shot, take.attempt) in used}
        order = [shot.id for shot in board.shots]
        found: list[Pictured] = []
        for keyframe, vector in self._keyframes.records():
            if keyframe.shot not in takes or keyframe.role not in ("identity", "setting"):
                continue
            verdict = takes[keyframe.shot].verdict
            known = introduced(keyframe, board, self._story, verdict.quality if verdict else 0.0)
            if known is not None:
                found.append(Pictured(known, vector))
        return sorted(found, key=lambda one: (order.index(one.known.keyframe.shot), one.known.keyframe.id))

    def _seen(
        self, take: Take, role: Role, about: str, picture: np.ndarray, frame: int, color: str = ""
    ) -> tuple[Keyframe, np.ndarray]:
        """A keyframe of a take, its picture kept in the vault."""
        keyframe = Keyframe(
            production=self._keyframes.production,
            shot=take.shot,
            role=role,
            about=about,
            picture=self._vault.keep_picture(png(picture)),
            frame=frame,
            take=take.attempt,
            seen=color,
        )
        return keyframe, picture


def introduced(keyframe: Keyframe, board: Storyboard, story: str, quality: float = 1.0) -> Known | None:
    """A keyframe of a cast or place as other productions know it; None for one that says nothing to them."""
    shot = board.shot(keyframe.shot)
    who = next((one for one in board.cast if keyframe.shows(one)), None)
    who = _first_look(who, board) if who else None
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


def _figure(character: Character) -> tuple[str, str]:
    return figure(character.kind, character.color, character.words)


def _first_look(who: Character, board: Storyboard) -> Character:
    """The character as it was at first, where the film shows that."""
    return next((one for one in board.cast if one.id == who.identity), who)


def _own(question: Recollection) -> list[Keyframe]:
    """Pictures of the shot's cast out of this film, in the looks that the shot shows."""
    cast = [question.storyboard.character(one.who) for one in question.shot.cast]
    here = [k for k in question.found if k.production == question.production and not k.given]
    return [k for k in here if any(k.shows(one) for one in cast)]


def _level(question: Recollection, keyframe: Keyframe) -> hierarchy.Level:
    return hierarchy.level_of(keyframe, question.shot, question.storyboard, question.production)


def _held_to(question: Recollection, identities: Sequence[str]) -> tuple[Keyframe, ...]:
    """These keyframes, at most REFERENCES a character, and all that are none of a character's."""
    kept: dict[str, list[Keyframe]] = {}
    for keyframe in question.found:
        if keyframe.role == "identity" and keyframe.id in identities:
            kept.setdefault(keyframe.about, []).append(keyframe)
    few = [keyframe for found in kept.values() for keyframe in found[:REFERENCES]]
    return tuple(keyframe for keyframe in question.found if keyframe.role != "identity" or keyframe in few)


def _doubtful(question: Recollection, hues: dict[str, float | None]) -> dict[str, list[Keyframe]]:
    """The characters that looked different in different shots of this film, and their keyframes."""
    by_who: dict[str, list[Keyframe]] = {}
    for keyframe in _own(question):
        by_who.setdefault(keyframe.about, []).append(keyframe)
    return {who: found for who, found in by_who.items() if _widest(found, hues) > CONTRADICTION}


def _widest(keyframes: Sequence[Keyframe], hues: dict[str, float | None]) -> float:
    """The widest gap between the hues of keyframes, in degrees."""
    known = [hue for keyframe in keyframes if (hue := hues.get(keyframe.id)) is not None]
    return max((float(colors.hue_gap(one, other)) for one in known for other in known), default=0.0)


def facts(question: Recollection, numbered: dict[str, Keyframe], hues: dict[str, float | None]) -> dict[str, Any]:
    """The doubt as a language model is told it."""
    board = question.storyboard
    pictures = []
    for number, keyframe in numbered.items():
        hue, shot = hues[keyframe.id], board.shot(keyframe.shot)
        color = "unknown" if hue is None else colors.name_of(hue)
        pictures.append(
            {"number": number, "who": keyframe.about, "shot": shot.id, "time": shot.time, "text": shot.text[:200]}
            | {"color": color}
        )
    cast = {keyframe.about for keyframe in numbered.values()}
    return {
        "shot": {"id": question.shot.id, "text": question.shot.text[:200], "time": question.shot.time},
        "characters": [{"who": one.id, "words": one.words} for one in board.cast if one.id in cast],
        "pictures": pictures,
        "most": REFERENCES,
    }


def complaints(
    doubtful: dict[str, list[Keyframe]],
    numbered: dict[str, Keyframe],
    hues: dict[str, float | None],
    draft: RecallDraft,
) -> list[str]:
    """What makes no sense: pictures that nobody remembers, none or too many of a character, contradictions kept."""
    if strangers := [number for number in draft.keep if number not in numbered]:
        return [f"picture {strangers[0]!r} is not remembered; these are: {', '.join(numbered)}"]
    found = []
    for who in doubtful:
        kept = [numbered[number] for number in dict.fromkeys(draft.keep) if numbered[number].about == who]
        if not 1 <= len(kept) <= REFERENCES:
            found.append(f"{len(kept)} pictures of {who} are kept; 1 to {REFERENCES} are needed")
        elif _widest(kept, hues) > CONTRADICTION:
            found.append(f"the pictures of {who} that are kept contradict each other")
    return found


def color_of(sighting: Sighting) -> str:
    """The plain name of a subject's colour through a clip; "" where it lies between two."""
    turn = np.radians(sighting.hue[sighting.seen])
    hue = float(np.degrees(np.arctan2(np.sin(turn).mean(), np.cos(turn).mean()))) % 360
    return _plainly(hue)


def color_in(picture: np.ndarray) -> str:
    """The plain name of the colour of what a picture [H,W,3] uint8 shows; "" where it has none."""
    hue = picture_hue(picture)
    return "" if hue is None else _plainly(hue)


def _plainly(hue: float) -> str:
    name = colors.name_of(hue)
    return name if float(colors.hue_gap(hue, colors.HUES[name][0])) <= PLAIN else ""
