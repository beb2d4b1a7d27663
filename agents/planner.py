"""The planner: a brief becomes an outline of beats with a cast."""

from __future__ import annotations

from collections.abc import Sequence

from kinograph.agents.english.casting import Act, Casting
from kinograph.agents.english.cutting import cut
from kinograph.agents.english.titles import working_title
from kinograph.agents.english.turning import looks_of
from kinograph.agents.english.whereabouts import places
from kinograph.agents.english.wishes import story
from kinograph.agents.film_wishes import Wishes, transitions, wishes
from kinograph.agents.mind import Ask
from kinograph.agents.outline import Assignment, Beat, Outline
from kinograph.agents.outline_drafts import OutlineDraft, accepted, complaints
from kinograph.film import Character


class Planner:
    """Cuts a brief into beats and finds its characters."""

    role = "planner"
    answer = Outline

    def ask(self, question: Assignment) -> Ask[Outline]:
        brief = question.brief
        return Ask(
            facts={"brief": brief.text, "max_subjects": question.max_subjects, "look": brief.look}
            | ({"remembered": list(question.remembered)} if question.remembered else {}),
            draft=OutlineDraft,
            check=lambda draft: complaints(question, draft),
            accept=lambda draft: accepted(question, draft),
            without=lambda why: self.rules(question),
        )

    def rules(self, question: Assignment) -> Outline:
        brief = question.brief
        reading = cut(brief.text)
        casting = Casting()
        acts = [casting.read(story(text)) for text in reading.shots]
        parts = casting.told_apart()
        acts = [[act.with_each(parts) for act in told] for told in acts] if parts else acts
        named = {id for told in acts for act in told for id in act.who}
        cast = tuple(character for character in casting.cast if character.id in named)
        turns = [[turn for act in told for turn in act.turns] for told in acts]
        looks = looks_of(cast, [by_importance(told) for told in acts], turns)
        asked = wishes(brief.text)
        joined = transitions(brief.transitions or asked.transitions, reading.smooth)
        cast = looks.cast
        beats = tuple(
            Beat(id=str(number), text=text, who=who, transition=joined[number - 1])
            for number, (text, who) in enumerate(zip(reading.shots, looks.who, strict=True), 1)
        )
        return Outline(
            title=reading.title or working_title(brief.text, _heroes(beats, cast), reading.shots),
            cast=cast,
            beats=beats,
            wishes=Wishes(
                seconds=brief.seconds if brief.seconds is not None else asked.seconds,
                aspect=brief.aspect or asked.aspect,
                look=brief.look or asked.look,
                transitions=brief.transitions or asked.transitions,
            ),
        )


def by_importance(acts: Sequence[Act]) -> tuple[str, ...]:
    """Those who act before those who are only met; main clauses before the rest."""
    leads = [id for act in acts if act.verb and not act.subordinate for id in act.subjects]
    return tuple(dict.fromkeys((*leads, *(id for act in acts for id in act.who))))


def _heroes(beats: Sequence[Beat], cast: Sequence[Character]) -> list[Character]:
    """Those of the first beat that has anybody."""
    first = next((beat.who for beat in beats if beat.who), ())
    return [one for id in first for one in cast if one.id == id]


def question_about(text: str, cast: Sequence[Character]) -> str | None:
    """The one question worth asking of a brief: where nobody, nothing and no place is to be seen."""
    if cast or places(story(text)):
        return None
    return "Who or what shall we see, what happens, and where? For example: a red ball rolls across a meadow at sunset."
