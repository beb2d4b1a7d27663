"""Chat completions of OpenAI's protocol as JSON: what is sent, and what came back read with suspicion."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from kinograph.agents.language.replies import ANSWER, Form, Message, Nonsense, Reply, ToolCall


def request_of(model: str, messages: Sequence[Message], form: Form, temperature: float | None) -> dict[str, Any]:
    """The body that asks `model` for a reply of a form."""
    body: dict[str, Any] = {"model": model, "messages": list(messages), "max_tokens": form.tokens}
    if temperature is not None:
        body["temperature"] = temperature
    if functions := form.functions:
        body["tools"] = functions
        only = not form.tools
        body["tool_choice"] = {"type": "function", "function": {"name": ANSWER}} if only else "auto"
    elif form.means == "json_schema":
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": form.role, "strict": True, "schema": dict(form.schema)},
        }
    elif form.means == "json_object":
        body["response_format"] = {"type": "json_object"}
    return body


class _Function(BaseModel):
    name: str = ""
    arguments: str = ""


class _ToolCall(BaseModel):
    id: str = ""
    function: _Function = Field(default_factory=_Function)


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None
    tool_calls: tuple[_ToolCall, ...] | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Details(BaseModel):
    cached_tokens: int | None = None


class _Usage(BaseModel):
    prompt_tokens: int = Field(default=0, ge=0)
    completion_tokens: int = Field(default=0, ge=0)
    prompt_tokens_details: _Details | None = None


class _Completion(BaseModel):
    choices: tuple[_Choice, ...]
    usage: _Usage | None = None


def reply_of(body: bytes, attempts: int) -> Reply:
    """What a body says. Raises Nonsense for one that is no chat completion."""
    try:
        completion = _Completion.model_validate(json.loads(body))
    except (ValueError, RecursionError) as error:
        words = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise Nonsense(f"the server's reply is no chat completion: {words[:120]}") from error
    if not completion.choices:
        raise Nonsense("the server's reply holds no choice")
    message, usage = completion.choices[0].message, completion.usage
    calls = tuple(ToolCall(c.id, c.function.name, c.function.arguments) for c in message.tool_calls or ())
    details = usage.prompt_tokens_details if usage else None
    return Reply(
        text=message.content or message.refusal or "",
        calls=calls,
        prompt_tokens=usage.prompt_tokens if usage else None,
        completion_tokens=usage.completion_tokens if usage else 0,
        cached_tokens=(details.cached_tokens or 0) if details else 0,
        attempts=attempts,
    )
