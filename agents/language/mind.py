"""The mind that asks language models.

For every question: the role's prompt and the question's facts as data -> a draft by the best means that
the server offers -> form and sense checked, complaints sent back at most REPAIRS times -> the answer. When
none comes, the agent's own rules answer, and the accounts say so.
"""

from __future__ import annotations

import base64
import json
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from pydantic import ValidationError

from kinograph import prompts
from kinograph.agents import Agent
from kinograph.agents.language import loop, tooling
from kinograph.agents.language.accounts import Accounts, Spent
from kinograph.agents.language.drafts import as_data, read, schema_of
from kinograph.agents.language.gathering import Gathering
from kinograph.agents.language.means import MeansMemory
from kinograph.agents.language.replies import (
    ANSWER,
    ChatModel,
    Form,
    Means,
    Message,
    Nonsense,
    Refused,
    Reply,
    Silence,
    ToolCall,
    Unavailable,
    estimate,
)
from kinograph.agents.mind import Ask, Joint, Part, asked
from kinograph.errors import BadInput
from kinograph.film import Call, Noun

Question = TypeVar("Question", bound=Noun)
Answer = TypeVar("Answer", bound=Noun)

REPAIRS = 2
"""Most times that complaints about a draft go back to the model."""
TOOL_ROUNDS = 3
"""Most rounds of tool calls before the answer must come."""
PATIENCE, REST = 3, 120.0
"""Thoughts of one model in a row that may come to nothing before it is left alone, and for how many seconds."""
SHOWN = 4000
"""Most characters of a rejected draft that are sent back with the complaints."""


class Resting(Silence):
    """A model that has failed too often is not asked for now."""


class LanguageMind:
    """Asks chat models on behalf of agents. Safe for threads."""

    def __init__(
        self,
        models: Mapping[str, ChatModel],
        accounts: Accounts | None = None,
        *,
        timeout: float = 60.0,
        tokens: int = 4096,
        memory: MeansMemory | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        """`models` by role; "" is asked for roles that name none. `timeout` bounds a call, in seconds; `tokens`
        its answer; `memory` remembers by which means each model answers."""
        self._models = models
        self.name = ", ".join(dict.fromkeys(model.name for model in models.values()))
        self.accounts = accounts or Accounts(self.name)
        self._timeout = timeout
        self._tokens = tokens
        self._memory = memory or MeansMemory()
        self._cancelled = cancelled
        self._lock = threading.Lock()
        self._shared: dict[tuple[str, str], Future[Any]] = {}
        self._gatherings: dict[str, Gathering] = {}
        """Questions that may share a call, by role."""
        self._failures: dict[str, int] = {}
        """Thoughts in a row that came to nothing, by model."""
        self._resting: dict[str, float] = {}
        """Monotonic time until which a model is left alone."""

    def anew(self, accounts: Accounts) -> LanguageMind:
        """The same models for another production."""
        return LanguageMind(
            self._models,
            accounts,
            timeout=self._timeout,
            tokens=self._tokens,
            memory=self._memory,
            cancelled=self._cancelled,
        )

    def think(self, agent: Agent[Question, Answer], question: Question) -> Answer:
        """Raises Cancelled, and what the agent's rules raise."""
        gathering = self._gathering(agent.role)
        with gathering.coming():
            what = asked(agent, question)
        if isinstance(what, Part):
            return what.pick(self._once(what.of, question))
        if isinstance(what, Joint):
            alone = what.ask([what.item])
            if self._model_for(agent.role, alone) is None:
                return alone.without("")[0]
            return gathering.answer(what.item, what.most, lambda items: self._ask(agent.role, what.ask(items)))
        if not isinstance(what, Ask):
            return what
        return self._ask(agent.role, what)

    def _gathering(self, role: str) -> Gathering:
        with self._lock:
            return self._gatherings.setdefault(role, Gathering(self._cancelled))

    def _model_for(self, role: str, ask: Ask[Any]) -> ChatModel | None:
        return self._models.get(role) or (None if ask.pictures else self._models.get(""))

    def _ask(self, role: str, ask: Ask[Any]) -> Any:
        """What comes of asking, if only the rules' answer. Raises Cancelled."""
        model = self._model_for(role, ask)
        if model is None:
            return ask.without("")
        try:
            answer = Thought(self, role, model, ask).answer()
        except Silence as error:
            if not isinstance(error, (Resting, Spent)):
                self._note(model, failed=True, lasting=isinstance(error, Unavailable) and error.lasting)
            self.accounts.fall_back(role, str(error))
            return ask.without(str(error))
        self._note(model, failed=False)
        return answer

    def _once(self, agent: Agent[Question, Answer], question: Question) -> Answer:
        """As `think`, but for agents that ask it side by side or one after the other there is one call."""
        key = (agent.role, question.digest)
        with self._lock:
            mine = key not in self._shared
            future = self._shared.setdefault(key, Future())
        if mine:
            try:
                future.set_result(self.think(agent, question))
            except BaseException as error:
                with self._lock:
                    del self._shared[key]
                future.set_exception(error)
        return future.result()

    def _note(self, model: ChatModel, *, failed: bool, lasting: bool = False) -> None:
        with self._lock:
            self._failures[model.name] = self._failures.get(model.name, 0) + 1 if failed else 0
            if lasting:
                self._resting[model.name] = math.inf
            elif self._failures[model.name] >= PATIENCE:
                self._resting[model.name] = time.monotonic() + REST

    def call(self, role: str, model: ChatModel, messages: Sequence[Message], form: Form) -> Reply:
        """One accounted call within the budgets. Raises Silence or Cancelled."""
        if time.monotonic() < self._resting.get(model.name, 0.0):
            raise Resting(f"{model.name} has failed too often and is left alone for a while")
        model.open()
        guess = estimate(messages) + len(json.dumps(form.functions or form.schema)) // 4
        with self.accounts.allowance(model.name, guess, min(form.tokens, self._tokens), self._timeout) as granted:
            started, reply, error, attempts = time.monotonic(), Reply(), "", 1
            try:
                wait = model.reply(messages, form._replace(tokens=granted.tokens), granted.seconds)
                reply = loop.run(wait, granted.seconds, self._cancelled)
                attempts = reply.attempts
            except TimeoutError:
                error = f"no reply within {granted.seconds:.0f} s"
                raise Unavailable(error) from None
            except BaseException as problem:
                error = str(problem) or type(problem).__name__
                attempts = problem.attempts if isinstance(problem, Silence) else 1
                raise
            finally:
                told = reply.prompt_tokens is not None
                self.accounts.enter(
                    Call(
                        role=role,
                        model=model.name,
                        prompt_tokens=(reply.prompt_tokens or 0) if told else 0 if error else guess,
                        completion_tokens=reply.completion_tokens if told else len(_text_of(reply)) // 4,
                        cached_tokens=reply.cached_tokens,
                        estimated=not told and not error,
                        seconds=round(time.monotonic() - started, 4),
                        attempts=attempts,
                        error=error,
                    )
                )
        return reply

    def recall(self, model: ChatModel) -> tuple[tuple[Means, ...], bool]:
        """The means worth trying with a model, best first, and whether the first has worked before."""
        known = self._memory.recall(model.place, model.name)
        if known in model.means:
            return model.means[model.means.index(known) :], True
        return model.means, False

    def remember(self, model: ChatModel, means: Means) -> None:
        self._memory.remember(model.place, model.name, means)

    def close(self) -> None:
        """Gives connections back."""
        for model in self._models.values():
            loop.run(model.close(), 5.0, lambda: False)


class Thought:
    """One question to one model, from the prompt to an answer without complaints."""

    def __init__(self, mind: LanguageMind, role: str, model: ChatModel, ask: Ask[Any]) -> None:
        self._mind, self._role, self._model, self._ask = mind, role, model, ask
        self._schema = schema_of(ask.draft)
        self._pictures = list(ask.pictures()) if ask.pictures else []
        self._tools = {tool.name: tool for tool in ask.tools}
        self._means, self._proven = mind.recall(model)

    def answer(self) -> Any:
        """The agent's answer. Raises Silence or Cancelled."""
        history: list[Message] = []
        repairs = rounds = 0
        while True:
            form = self._form(rounds)
            try:
                reply = self._mind.call(self._role, self._model, [*self._opening(form), *history], form)
            except Refused:  # the server says so; below, it takes a form and does not heed it
                self._step_down(bool(form.tools))
                history = []
                continue
            wanted = [call for call in reply.calls if call.name != ANSWER]
            if wanted and form.functions:
                rounds += 1
                if rounds > TOOL_ROUNDS + REPAIRS:
                    raise Nonsense(f"{rounds} rounds of tool calls brought no answer")
                history += tooling.answers(reply.text, wanted, self._tools if form.tools else {})
                continue
            answer, complaints, formless = self._judge(_text_of(reply))
            if not complaints:
                if not form.tools:  # with tools the answer came as one more call, whatever the means
                    self._mind.remember(self._model, form.means)
                return answer
            if formless and (form.tools or (not self._proven and len(self._means) > 1)):
                self._step_down(bool(form.tools))
                history = []
                continue
            repairs += 1
            if repairs > REPAIRS:
                raise Nonsense(f"{complaints[0]} (after {REPAIRS} repairs)")
            history += self._repair(_text_of(reply), complaints)

    def _form(self, rounds: int) -> Form:
        means = self._means[0]
        usable = means in ("json_schema", "tool") and rounds < TOOL_ROUNDS
        tools = [tooling.function(tool) for tool in self._tools.values()] if usable else []
        return Form(self._role, self._schema, means, tools)

    def _step_down(self, tools: bool) -> None:
        """Goes on without tools, or by the next best means. Raises Refused when there is none."""
        if tools:
            self._tools = {}
        elif len(self._means) > 1:
            self._means, self._proven = self._means[1:], False
        else:
            raise Refused(f"{self._model.name} takes no form of request that is known here")

    def _opening(self, form: Form) -> list[Message]:
        """The role's prompt, the same for every question and so cacheable, then the question as data."""
        words = prompts.render(
            "question",
            facts=as_data(self._ask.facts),
            schema=as_data(self._schema) if form.means in ("json_object", "prompt") else "",
        )
        content: Any = words
        if self._pictures:
            content = [{"type": "text", "text": words}, *map(_picture, self._pictures)]
        return [{"role": "system", "content": prompts.render(self._role)}, {"role": "user", "content": content}]

    def _judge(self, text: str) -> tuple[Any, list[str], bool]:
        """The answer or the complaints, and whether what came had no form at all."""
        try:
            draft, complaints = read(text, self._ask.draft)
        except Nonsense as error:
            return None, [str(error)], True
        if draft is None:
            return None, complaints, False
        if complaints := list(self._ask.check(draft)):
            return None, complaints[:6], False
        try:
            return self._ask.accept(draft), [], False
        except (BadInput, ValidationError) as error:
            return None, [" ".join(str(error).split())[:300]], False

    @staticmethod
    def _repair(text: str, complaints: Sequence[str]) -> list[Message]:
        return [
            {"role": "assistant", "content": text[:SHOWN] or "(nothing)"},
            {"role": "user", "content": prompts.render("repair", complaints=as_data(complaints))},
        ]


def _picture(jpeg: bytes) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"}}


def _text_of(reply: Reply) -> str:
    """What is to be read as the draft: the arguments of the answer, or the words."""
    answers: list[ToolCall] = [call for call in reply.calls if call.name == ANSWER]
    return answers[-1].arguments if answers else reply.text
