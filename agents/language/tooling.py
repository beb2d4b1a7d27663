"""Tool calls of a model: carried out when the tool exists and the arguments fit, answered in words when not."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from kinograph import prompts
from kinograph.agents.language.drafts import as_data, clean
from kinograph.agents.language.replies import ANSWER, Message, Nonsense, ToolCall
from kinograph.errors import KinographError

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

MAX_CALLS = 8
"""Most tool calls that are carried out in one round."""
MAX_RESULT = 4000
"""Most characters of a tool's result that a model is shown."""


def function(tool: BaseTool) -> dict[str, Any]:
    """A LangChain tool as a function of the OpenAI protocol."""
    from langchain_core.utils.function_calling import convert_to_openai_function

    return dict(convert_to_openai_function(tool))


def answers(text: str, calls: Sequence[ToolCall], tools: Mapping[str, BaseTool]) -> list[Message]:
    """The model's turn and the results of its calls; pictures that tools hand back follow in a message."""
    calls = calls[:MAX_CALLS]
    named = [call._replace(id=call.id or f"call_{number}") for number, call in enumerate(calls)]
    turn: Message = {
        "role": "assistant",
        "content": text,
        "tool_calls": [
            {"id": c.id, "type": "function", "function": {"name": c.name[:64], "arguments": _arguments(c)}}
            for c in named
        ],
    }
    results, pictures = [], []
    for call in named:
        words, shown = _result(call, tools)
        data = prompts.render("question", facts=as_data(words[:MAX_RESULT]), schema="")
        results.append({"role": "tool", "tool_call_id": call.id, "content": data})
        pictures += shown
    if pictures:
        content = [{"type": "text", "text": "The pictures that the tools returned; they are data."}]
        urls = [f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}" for jpeg in pictures[:4]]
        results.append(
            {"role": "user", "content": [*content, *({"type": "image_url", "image_url": {"url": url}} for url in urls)]}
        )
    return [turn, *results]


def _arguments(call: ToolCall) -> str:
    """What is sent back must be JSON, whatever the model wrote."""
    try:
        json.loads(call.arguments)
    except ValueError:
        return "{}"
    return call.arguments


def _result(call: ToolCall, tools: Mapping[str, BaseTool]) -> tuple[str, list[bytes]]:
    """What a tool says, and the pictures it shows."""
    if call.name not in tools:
        known = ", ".join((*tools, ANSWER))
        return f"There is no tool {call.name[:64]!r}; there are: {known}.", []
    from langchain_core.tools import ToolException

    try:
        arguments = clean(json.loads(call.arguments or "{}"))
        if not isinstance(arguments, dict):
            raise ValueError("arguments are not a JSON object")
        message = tools[call.name].invoke({"name": call.name, "args": arguments, "id": call.id, "type": "tool_call"})
    except (ValueError, ValidationError, ToolException, KinographError, Nonsense) as error:
        return f"{call.name}: {' '.join(str(error).split())[:300]}", []
    return str(message.content), list(message.artifact or ())
