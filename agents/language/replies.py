"""What is said to a chat model and what comes back, whoever serves it.

Nothing usable came back:

    Silence          the agent's own rules answer
    ├── Unavailable  the server is down, too slow, overloaded, or wants a key
    ├── Refused      the server does not take this kind of request: another form may work
    ├── Nonsense     what came back is no reply, or no draft without complaints after all repairs
    ├── Spent        a budget is used up (in accounts.py)
    └── Resting      the model has failed too often (in mind.py)

These never leave the mind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

Means = Literal["json_schema", "tool", "json_object", "prompt"]
"""How a typed answer is asked for: the response format of a JSON schema, a call of a tool named `answer`,
JSON mode, or words alone. Best first."""
MEANS: tuple[Means, ...] = ("json_schema", "tool", "json_object", "prompt")
ANSWER = "answer"
"""The tool whose arguments are the answer."""

Message = dict[str, Any]
"""A message of the OpenAI chat protocol, which LangChain reads as well."""


class Silence(Exception):
    """No usable answer of a language model; the words say why."""

    attempts: int = 1
    """HTTP requests that were made."""


class Unavailable(Silence):
    """The server cannot be talked to."""

    def __init__(self, words: str, *, lasting: bool = False) -> None:
        super().__init__(words)
        self.lasting = lasting
        """Asking again in this production is pointless: a wrong key, an unknown model."""


class Refused(Silence):
    """The server does not take a request of this form."""


class Nonsense(Silence):
    """What came back cannot be used."""


class ToolCall(NamedTuple):
    """A model wants to call a tool."""

    id: str
    name: str
    arguments: str
    """JSON, as the model wrote it."""


class Reply(NamedTuple):
    """What came back of one call."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    prompt_tokens: int | None = None
    """None when the server tells no usage."""
    completion_tokens: int = 0
    cached_tokens: int = 0
    attempts: int = 1


class Form(NamedTuple):
    """What kind of reply is wanted."""

    role: str
    schema: Mapping[str, Any]
    """JSON schema of the draft."""
    means: Means
    tools: Sequence[Mapping[str, Any]] = ()
    """Functions of the OpenAI protocol that may be called before the answer."""
    tokens: int = 4096
    """Most completion tokens."""

    @property
    def functions(self) -> list[dict[str, Any]]:
        """The tools as the protocol wants them, `answer` among them where the answer is given by a call."""
        answer = {"name": ANSWER, "description": "Give the answer.", "parameters": dict(self.schema)}
        offered = [*self.tools, answer] if self.tools or self.means == "tool" else []
        return [{"type": "function", "function": dict(function)} for function in offered]


class ChatModel(Protocol):
    """A chat model behind some server."""

    name: str
    """The model's name, as its price table and provider call it."""
    place: str
    """Where it is served; with the name it tells models apart."""
    means: tuple[Means, ...]
    """What is worth trying, best first."""

    def open(self) -> None:
        """Loads what calls need, in the caller's own time: it is not part of any call's."""
        ...

    async def reply(self, messages: Sequence[Message], form: Form, seconds: float) -> Reply:
        """One reply within `seconds`, own retries and their waits included.

        Raises Unavailable, Refused or Nonsense; other exceptions are the provider's.
        """
        ...

    async def close(self) -> None:
        """Gives connections back."""
        ...


def estimate(messages: Sequence[Message]) -> int:
    """Tokens of a prompt, roughly: a token per 4 bytes of text, 1000 a picture."""
    total = 0
    for message in messages:
        content = message.get("content") or ""
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        total += 4
        for part in parts:
            total += len(part["text"].encode(errors="replace")) // 4 + 1 if part["type"] == "text" else 1000
    return total
