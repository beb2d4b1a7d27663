"""The memory agent: the only writer of the keyframe memory, and it writes only accepted takes.

What a shot is held to it recalls by rules. Only where the remembered pictures of a character contradict each
other, because shots that did not know of one another were filmed side by side, does a language model decide which
of them count.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

from kinograph.agents import hierarchy
from kinograph.agents.color_names import color_in
from kinograph.agents.hierarchy import Budget
from kinograph.agents.keeping import Keeping
from kinograph.agents.mind import Ask
from kinograph.agents.promoting import candidates, first_look
from kinograph.agents.reasons import reason
from kinograph.agents.recalling import (
    RecallDraft,
    Recalled,
    Recollection,
    ancestors,
    complaints,
    doubtful_in,
    facts,
    held_to,
    own,
)
from kinograph.film import Character, Film, Portrait, Shot, Storyboard, Take
from kinograph.memory.keyframe import Keyframe
from kinograph.memory.keyframes import Keyframes
from kinograph.memory.series import Known, Series, figure
from kinograph.memory.vault import Vault
from kinograph.tools import toolbox
from kinograph.tools.eyes import picture_hue
from kinograph.tools.footage import load_picture

BUDGET = Budget()


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
        self._keeping = Keeping(keyframes, vault)
        self._series = series
        self._story = story
        self._budget = budget
        self._given = [(one, color_in(load_picture(vault.picture(one.picture)))) for one in given]

    def recollection(self, shot: Shot, storyboard: Storyboard) -> Recollection:
        """What is remembered for a shot.

        Only shots that this one needs are asked, so the answer does not depend on what else happens to
        be finished.
        """
        shots, known = tuple(ancestors(shot, storyboard)), self.known()
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
        first = first_look(who, board)
        for one in known:
            if one.kind and one.figure == figure(first.kind, first.color, first.words):
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
        held = held_to(question, identities)
        kept = hierarchy.within([(_level(question, one), one) for one in held], self._budget.keyframes)
        told = (question.found, question.shot, question.storyboard, question.production)
        why = tuple(reason(one, *told) for one in kept)
        return Recalled(keyframes=tuple(kept), reasons=why, left_out=len(held) - len(kept))

    def ask(self, question: Recollection) -> Ask[Recalled] | Recalled:
        """Asks only about characters whose pictures contradict each other."""
        by_rules = self.rules(question)
        mine = own(question)
        seen = Counter(k.about for k in mine)
        hues = {k.id: self._hue(k) for k in mine if seen[k.about] > 1}
        doubtful = doubtful_in(question, hues)
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
        shots, dice = ancestors(shot, storyboard), random.Random(seed)
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

    def remember(self, shot: Shot, storyboard: Storyboard, take: Take) -> tuple[Keyframe, ...]:
        """Keeps the keyframes of an accepted take; a take that was not accepted leaves nothing."""
        return self._keeping.remember(shot, storyboard, take)

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
        found = candidates(film, self._keyframes, self._story)
        known, novelty = self._series.known(self._story), hierarchy.novelty(self._keyframes.novelty)
        kept = hierarchy.promotable(found, known, novelty)
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


def _level(question: Recollection, keyframe: Keyframe) -> hierarchy.Level:
    return hierarchy.level_of(keyframe, question.shot, question.storyboard, question.production)
