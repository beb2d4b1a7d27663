"""How an agent thinks: the one seam between a role and whatever answers for it."""

from __future__ import annotations

from typing import Protocol, TypeVar

from kinograph.agents import Agent
from kinograph.film import Noun

Question = TypeVar("Question", bound=Noun)
Answer = TypeVar("Answer", bound=Noun)


class Mind(Protocol):
    """Answers questions on behalf of agents."""

    name: str

    def think(self, agent: Agent[Question, Answer], question: Question) -> Answer:
        """The agent's answer, always an instance of `agent.answer`."""
        ...


class Rules:
    """Every agent answers by its own rules: offline, deterministic, free."""

    name = "rules"

    def think(self, agent: Agent[Question, Answer], question: Question) -> Answer:
        return agent.rules(question)
