"""How an agent thinks: the one seam between a role and whatever answers for it.

A mind that is a language model needs to know more of an agent than its rules. What it needs the agent
says itself, in an optional method:

    def ask(self, question) -> Ask[Answer] | Part[Answer] | Joint[Answer] | Answer

`Ask`: what to ask a model, and what becomes of its draft. `Part`: the answer is part of another agent's,
so that several agents share one call. `Joint`: questions of this agent that wait at the same time share one
call. An answer: nothing needs to be asked. An agent without `ask` is asked for its own answer type; its
`check(question, answer) -> list[str]`, if it has one, says what is wrong with an answer that has the right form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, runtime_checkable

from kinograph.agents import Agent
from kinograph.film import Noun

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

Question = TypeVar("Question", bound=Noun)
Answer = TypeVar("Answer", bound=Noun)


@runtime_checkable
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


@dataclass(frozen=True)
class Ask(Generic[Answer]):
    """What a language model is asked on an agent's behalf, and what becomes of its draft."""

    facts: Mapping[str, Any]
    """What the model is told besides the role's prompt: JSON data."""
    draft: type[Noun]
    """What the model must hand back; bounded strings and lists."""
    accept: Callable[[Any], Answer]
    """The answer that a draft without complaints becomes."""
    without: Callable[[str], Answer]
    """The answer when no model gives a usable draft, told why ("" when none was to be asked)."""
    check: Callable[[Any], Sequence[str]] = lambda draft: ()
    """What is wrong with a draft of the right form, each complaint in words the model can act on."""
    pictures: Callable[[], Sequence[bytes]] | None = None
    """Draws the JPEG pictures to look at. Only a model named for this very role is shown pictures."""
    tools: Sequence[BaseTool] = field(default=())
    """What the model may call before it answers."""


@dataclass(frozen=True)
class Part(Generic[Answer]):
    """An answer that is part of another agent's answer to the same question."""

    of: Agent[Any, Any]
    pick: Callable[[Any], Answer]


@dataclass(frozen=True)
class Joint(Generic[Answer]):
    """A question that may be asked in one call together with others of its role, which wait at the same time."""

    item: Any
    """What the call must know of this question."""
    most: int
    """Most questions in one call."""
    ask: Callable[[Sequence[Any]], Ask[Any]]
    """What a model is asked of several items; every answer of this `Ask` is one for each item, in their order."""


@runtime_checkable
class Asking(Protocol):
    """An agent that says itself what a language model is asked."""

    def ask(self, question: Any) -> Ask[Any] | Part[Any] | Joint[Any] | Noun: ...


@runtime_checkable
class Checking(Protocol):
    """An agent that finds fault with answers of the right form."""

    def check(self, question: Any, answer: Any) -> list[str]: ...


def asked(agent: Agent[Question, Answer], question: Question) -> Ask[Answer] | Part[Answer] | Joint[Answer] | Answer:
    """What to ask a language model on the agent's behalf."""
    if isinstance(agent, Asking):
        return agent.ask(question)  # type: ignore[return-value]
    return Ask(
        facts=question.model_dump(mode="json", exclude_defaults=True),
        draft=agent.answer,
        accept=lambda answer: answer,
        without=lambda why: agent.rules(question),
        check=lambda answer: agent.check(question, answer) if isinstance(agent, Checking) else (),
    )
