"""Who decides. One file per role; an agent knows nothing of LangGraph.

A thinking agent answers a typed question with a typed answer. `mind.py` is the only place that knows
how it thinks: by a language model, or by the agent's own `rules`.

    role          question                      answer
    orchestrator  Commission                    Decision     model, topology, sizes, budgets, strategy, reasons
    planner       Request for an outline        Outline      cast, beats, wishes about the film
    narrative     Request for an outline        Story        acts, cast, causes: an outline and what holds it together
    scene         Outline                       Places       where and when each beat happens
    motion        Outline                       Moves        what everyone does, how the camera moves
    style         Outline                       Look         the style bible
    director      Outline                       Direction    scene, motion and style in one call
    validator     Viewing                       Verdict      what is wrong with a clip
    quality       Screening                     Review       what disagrees between the shots of a whole film
    fusion        Assembly                      Tracks       what is seen, said, read and played when
    reviser       Wish                          Revision     edits of a storyboard, out of what the user says

Two agents act instead of answering: `generation` (a request becomes a clip, as `overseeing` lets it; `requesting`
makes one of a shot) and `memory` (the only writer of the keyframe memory: `recalling` holds a shot to what is
remembered, `keeping` is what takes leave, `promoting` what films leave to a series, `hierarchy` has the levels).
`outline` is what a planner makes, `outline_drafts` as a language model hands it back, `storyboarding` what becomes of
a finished plan. `changing` says which topology goes on where one does not work out, `plan` has an act or a whole film
planned. `choosing` holds the orchestrator's rules, choice by choice, and `strategy` its tables of how many shots at a
time and of where pictures come from; `retreat` has those of what to try when a render fails, `concessions` says what
that gives up.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

from kinograph.film import Noun

Question = TypeVar("Question", bound=Noun, contravariant=True)
Answer = TypeVar("Answer", bound=Noun)


class Agent(Protocol[Question, Answer]):
    """A role that answers one kind of question."""

    role: str
    """Name of the role, and of its prompt."""
    answer: type[Answer]
    """What a mind must hand back."""

    def rules(self, question: Question) -> Answer:
        """The agent's own deterministic answer: needs no language model and no network."""
        ...
