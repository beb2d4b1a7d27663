"""What thinking costs: calls of language models, and answers given by rules in their place."""

from __future__ import annotations

from kinograph.film.nouns import Noun


class Call(Noun):
    """One call of a language model."""

    role: str
    model: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    """Those of the prompt that the provider had in its cache."""
    estimated: bool = False
    """The server told no usage: tokens are estimated from the text's length."""
    seconds: float = 0.0
    """Wall time, waits and retries included."""
    attempts: int = 1
    """HTTP requests it took."""
    money: float | None = None
    """In the currency of the price table; None without a price."""
    error: str = ""
    """Why it gave no reply."""


class Fallback(Noun):
    """An answer that an agent's own rules gave where a language model should have."""

    role: str
    why: str


class Usage(Noun):
    """What thinking cost in a production."""

    mind: str = "rules"
    calls: tuple[Call, ...] = ()
    fallbacks: tuple[Fallback, ...] = ()

    @property
    def prompt_tokens(self) -> int:
        return sum(call.prompt_tokens for call in self.calls)

    @property
    def completion_tokens(self) -> int:
        return sum(call.completion_tokens for call in self.calls)

    @property
    def seconds(self) -> float:
        """Wall seconds of all calls together; calls that ran side by side count each."""
        return sum(call.seconds for call in self.calls)

    @property
    def money(self) -> float | None:
        """Cost of the calls that have a price; None when none has."""
        known = [call.money for call in self.calls if call.money is not None]
        return sum(known) if known else None
