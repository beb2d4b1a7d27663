"""A LangChain chat model that the caller hands in: Anthropic, Gemini, Ollama, whatever LangChain reaches.

Its provider's package retries and paces its calls itself, and bounds answers by its own `max_tokens`: budgets of
tokens and money count what it says it used, and stop the next call.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kinograph.agents.language.replies import ANSWER, Form, Means, Message, Refused, Reply, ToolCall, Unavailable

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage


class HandedIn:
    """A BaseChatModel as a chat model of a mind: typed answers as tool calls where it can, else as JSON in words."""

    def __init__(self, model: BaseChatModel, name: str | None = None) -> None:
        self._model = model
        given = getattr(model, "model_name", None) or getattr(model, "model", None)
        self.name = name or (given if isinstance(given, str) else type(model).__name__)
        self.place = type(model).__name__
        self.means: tuple[Means, ...] = ("tool", "prompt")

    def open(self) -> None:
        """The caller has opened it."""

    async def reply(self, messages: Sequence[Message], form: Form, seconds: float) -> Reply:
        from langchain_core.messages import AIMessage

        runnable: Any = self._model
        if functions := form.functions:
            try:
                runnable = self._model.bind_tools(functions, tool_choice=None if form.tools else ANSWER)
            except NotImplementedError as error:
                raise Refused(f"{self.place} takes no tools") from error
        try:
            message = await runnable.ainvoke(list(messages))
        except Exception as error:  # every provider's package has errors of its own
            words = " ".join(str(error).split())[:200]
            raise Unavailable(f"{self.place} failed: {type(error).__name__}: {words}") from error
        assert isinstance(message, AIMessage), "a chat model answers with a message"
        return _reply(message)

    async def close(self) -> None:
        """The caller's model stays the caller's."""


def _reply(message: AIMessage) -> Reply:
    usage = message.usage_metadata
    calls = [ToolCall(call["id"] or "", call["name"], json.dumps(call["args"])) for call in message.tool_calls]
    broken = [
        ToolCall(call["id"] or "", call["name"] or "", str(call["args"] or "")) for call in message.invalid_tool_calls
    ]
    return Reply(
        text=str(message.text),
        calls=(*calls, *broken),
        prompt_tokens=usage["input_tokens"] if usage else None,
        completion_tokens=usage["output_tokens"] if usage else 0,
        cached_tokens=usage.get("input_token_details", {}).get("cache_read", 0) or 0 if usage else 0,
    )
