"""A story: acts, cast and causality over an outline of beats; what is wrong with one; what each act's crew is told,
and how their plans become one again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Literal

from kinograph.agents.director import Direction
from kinograph.agents.english.wishes import looks
from kinograph.agents.motion import Moves
from kinograph.agents.outline import Beat, Before, Outline
from kinograph.agents.scene import Place, Places, strays
from kinograph.agents.style import Style
from kinograph.film import Look, Noun, TimeOfDay

LATELY = 6
"""Most beats before an act that its crew is told word for word."""
TOLD = 700
"""Most characters of what its crew is told of earlier acts besides."""

ActPart = Literal["whole", "setup", "turn", "resolution"]


class Act(Noun):
    """Consecutive beats that one crew can plan without the others."""

    id: str
    """"a1", "a2", … in film order."""
    part: ActPart = "whole"
    title: str = ""
    """As the text calls it; most do not."""
    beats: tuple[str, ...]
    setting: str = ""
    """Where and when it begins, as far as its first beat does not say so itself."""
    time: TimeOfDay = "day"


class Link(Noun):
    """How a beat hangs together with others."""

    beat: str
    because: tuple[str, ...] = ()
    """Earlier beats that it happens because of."""
    introduces: tuple[str, ...] = ()
    """Characters that the story introduces here."""
    expects: tuple[str, ...] = ()
    """Characters that must have been introduced by now."""


class Flaw(Noun):
    """Something wrong with a story."""

    kind: Literal["used before introduced", "cause comes later", "circle", "act without a beat", "beat without an act"]
    words: str
    beats: tuple[str, ...] = ()


class Story(Noun):
    """What a film tells."""

    outline: Outline
    lead: str | None = None
    """Id of the character whom it is about."""
    acts: tuple[Act, ...]
    links: tuple[Link, ...]
    flaws: tuple[Flaw, ...] = ()
    """What is wrong with it and could not be mended."""

    def beats_of(self, act: Act) -> tuple[Beat, ...]:
        return tuple(beat for beat in self.outline.beats if beat.id in act.beats)


class ActPlan(Noun):
    """What the scene, motion and style agents of one act decided."""

    act: str
    scope: str
    """Digest of the outline that they were asked about."""
    places: Places
    moves: Moves
    look: Look


# ------------------------------------------------------------------------------------------- checks


def flaws(acts: Sequence[Act], links: Sequence[Link]) -> list[Flaw]:
    """What is wrong with a story, each in words that whoever wrote it can act on."""
    order = {link.beat: index for index, link in enumerate(links)}
    return [*_of_acts(acts, order), *_of_causes(links, order), *_of_cast(links)]


def _of_acts(acts: Sequence[Act], order: Mapping[str, int]) -> Iterator[Flaw]:
    for act in acts:
        if not act.beats:
            yield Flaw(kind="act without a beat", words=f"act {act.id} has no beat")
    placed = [beat for act in acts for beat in act.beats]
    for beat in order:
        if placed.count(beat) != 1:
            words = f"beat {beat} is in {placed.count(beat)} acts; every beat is in one"
            yield Flaw(kind="beat without an act", words=words, beats=(beat,))


def _of_causes(links: Sequence[Link], order: Mapping[str, int]) -> Iterator[Flaw]:
    try:
        TopologicalSorter({link.beat: link.because for link in links}).prepare()
    except CycleError as error:
        circle = list(reversed(error.args[1]))
        words = f"causes go in a circle: {' because of '.join(circle)}"
        yield Flaw(kind="circle", words=words, beats=tuple(dict.fromkeys(circle)))
    for link in links:
        for cause in link.because:
            if order.get(cause, len(order)) >= order[link.beat]:
                words = f"beat {link.beat} happens because of beat {cause}, which is not told before it"
                yield Flaw(kind="cause comes later", words=words, beats=(link.beat, cause))


def _of_cast(links: Sequence[Link]) -> Iterator[Flaw]:
    met: set[str] = set()
    later = {who: link.beat for link in reversed(links) for who in link.introduces}
    for link in links:
        met |= set(link.introduces)
        for who in link.expects:
            if who not in met and who in later:
                words = f"{who} is used in beat {link.beat} and introduced only in beat {later[who]}"
                yield Flaw(kind="used before introduced", words=words, beats=(link.beat, later[who]))
                met.add(who)


# -------------------------------------------------------------------------------- what a crew is told


def scope(story: Story, act: Act, mend: Sequence[str] = ()) -> Outline:
    """What the crew of an act is asked: its beats and their cast, and of the rest only what they must know.

    `mend` says what was wrong with their last answer.
    """
    outline = story.outline
    at = next(index for index, beat in enumerate(outline.beats) if beat.id == act.beats[0])
    own, lately = story.beats_of(act), outline.beats[max(0, at - LATELY) : at]
    seen = {who for beat in (*lately, *own) for who in beat.who}
    return Outline(
        title=outline.title,
        cast=tuple(one for one in outline.cast if one.id in seen),
        beats=own,
        wishes=outline.wishes.changed(look=_look(outline)),
        before=Before(setting=act.setting, time=act.time, told=_told(story, act), lately=lately, mend=tuple(mend)),
    )


def _look(outline: Outline) -> str | None:
    """The look that is wished for, or that any beat speaks of: it holds for all acts."""
    spoken = (str(remark.value) for beat in outline.beats for remark in looks(beat.text))
    return outline.wishes.look or next(spoken, None)


def _told(story: Story, act: Act) -> str:
    """The acts before: how each begins and ends."""
    lines = []
    for earlier in story.acts[: story.acts.index(act)]:
        own = story.beats_of(earlier)
        ends = [own[0].text] if len(own) == 1 else [own[0].text, own[-1].text]
        lines.append(f"{earlier.title or earlier.part}: {' … '.join(text[:120] for text in ends)}")
    if story.lead is not None:
        lines.append(f"It is about {story.lead}.")
    return "\n".join(lines)[-TOLD:]


# --------------------------------------------------------------------------------------- one plan again


def disagreements(story: Story, act: Act, plan: ActPlan | None) -> list[str]:
    """What keeps the plan of an act from being joined with the others."""
    if plan is None:
        return ["there is no plan"]
    own = story.beats_of(act)
    if [place.beat for place in plan.places.places] != list(act.beats):
        return [f"places are for beats {' '.join(place.beat for place in plan.places.places)[:80]}"]
    if [move.beat for move in plan.moves.moves] != list(act.beats):
        return [f"motions are for beats {' '.join(move.beat for move in plan.moves.moves)[:80]}"]
    found = []
    for beat, move in zip(own, plan.moves.moves, strict=True):
        if sorted(one.who for one in move.cast) != sorted(beat.who):
            shown = " ".join(one.who for one in move.cast)
            found.append(f"beat {beat.id} shows {shown[:80] or 'nobody'}, not {' '.join(beat.who) or 'nobody'}")
    return found + strays(own[0], act.setting, act.time, plan.places.places[0])


def joined(story: Story, plans: Mapping[str, ActPlan]) -> Direction:
    """The plans of all acts as one, in film order whatever the order in which they came.

    A place that several acts name differently has one name, and the film has one look: that of its first act.
    """
    acts = [plans[act.id] for act in story.acts]
    wished = Style().rules(story.outline.changed(wishes=story.outline.wishes.changed(look=_look(story.outline))))
    return Direction(
        places=Places(places=tuple(_named_alike([plan.places.places for plan in acts]))),
        moves=Moves(moves=tuple(move for plan in acts for move in plan.moves.moves)),
        look=wished if _look(story.outline) else acts[0].look,
    )


def _named_alike(acts: Sequence[Sequence[Place]]) -> Iterator[Place]:
    """Names of an act that say the same place as an earlier act's become that name: "the dark forest", "forest"."""
    known: dict[str, str] = {}
    for places in acts:
        names = {place.setting: _same(place.setting, known) for place in places}
        known |= {_plain(name): name for name in names.values() if _plain(name) not in known}
        for place in places:
            yield place.changed(setting=names[place.setting])


def _same(name: str, known: Mapping[str, str]) -> str:
    """The known name of a place: the same words, or with the same noun and only fewer or more words before it."""
    said = _plain(name).split()
    for plain, told in known.items():
        other = plain.split()
        alike = bool(said and other) and said[-1] == other[-1] and (set(said) <= set(other) or set(other) <= set(said))
        if said == other or alike:
            return told
    return name


def _plain(name: str) -> str:
    return " ".join(word for word in name.lower().split() if word not in ("a", "an", "the"))
