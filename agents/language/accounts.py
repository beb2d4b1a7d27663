"""What thinking costs: every call accounted for, and budgets that no call oversteps."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from kinograph.agents.language.drafts import clean_text
from kinograph.agents.language.replies import Silence
from kinograph.film import Call, Fallback, Usage
from kinograph.settings import Budgets, Price

LEAST = 64
"""A call that may not answer with this many tokens is not worth making."""


class Allowance(NamedTuple):
    """What one call may cost."""

    tokens: int
    """Most completion tokens."""
    seconds: float


class Spent(Silence):
    """A budget is used up."""


class Accounts:
    """The usage of one production. Safe for threads: what running calls may cost is held back."""

    def __init__(
        self,
        mind: str,
        budgets: Budgets | None = None,
        prices: Mapping[str, Price] | None = None,
        usage: Usage | None = None,
        keep: Callable[[Usage], None] = lambda usage: None,
    ) -> None:
        self._budgets = budgets or Budgets()
        self._prices = prices or {}
        self._usage = (usage or Usage()).changed(mind=mind)
        self._keep = keep
        self._lock = threading.Condition()
        self._held: list[tuple[int, float, float]] = []
        """Tokens, money and seconds that each running call may still cost."""

    @property
    def usage(self) -> Usage:
        with self._lock:
            return self._usage

    def keep_in(self, keep: Callable[[Usage], None], before: Usage | None) -> None:
        """From now on hands every change to `keep`; `before` is what earlier sessions of a production cost."""
        with self._lock:
            if before is not None:
                self._usage = self._usage.changed(
                    calls=before.calls + self._usage.calls, fallbacks=before.fallbacks + self._usage.fallbacks
                )
            self._keep = keep
            keep(self._usage)

    @contextmanager
    def allowance(self, model: str, prompt_tokens: int, tokens: int, seconds: float) -> Iterator[Allowance]:
        """Holds back what a call may cost: as asked, or what the budgets leave of it.

        Waits for running calls when what they hold back may be left over. Raises Spent.
        """
        with self._lock:
            granted = self._wait_granted(model, prompt_tokens, tokens, seconds)
            worst = self.price(model, prompt_tokens, granted.tokens) or 0.0
            hold = (prompt_tokens + granted.tokens, worst, granted.seconds)
            self._held.append(hold)
        try:
            yield granted
        finally:
            with self._lock:
                self._held.remove(hold)
                self._lock.notify_all()

    def _wait_granted(self, model: str, prompt_tokens: int, tokens: int, seconds: float) -> Allowance:
        while True:
            try:
                return self._granted(model, prompt_tokens, tokens, seconds)
            except Spent:
                if not self._held:
                    raise
                self._lock.wait(1.0)  # each of them ends by its own deadline

    def _granted(self, model: str, prompt_tokens: int, tokens: int, seconds: float) -> Allowance:
        budgets, usage = self._budgets, self._usage
        if budgets.calls is not None and len(usage.calls) + len(self._held) >= budgets.calls:
            raise Spent(f"the budget of {budgets.calls} calls is used up")
        if budgets.tokens is not None:
            used = usage.prompt_tokens + usage.completion_tokens + sum(held[0] for held in self._held)
            tokens = min(tokens, budgets.tokens - used - prompt_tokens)
            if tokens < LEAST:
                raise Spent(f"the budget of {budgets.tokens} tokens leaves too little: {used} are used")
        if budgets.money is not None and model in self._prices:
            price = self._prices[model]
            left = budgets.money - (usage.money or 0.0) - sum(held[1] for held in self._held)
            left -= self.price(model, prompt_tokens, 0) or 0.0
            tokens = min(tokens, int(left * 1e6 / price.completion)) if price.completion else tokens
            if left < 0 or tokens < LEAST:
                raise Spent(f"the budget of {budgets.money:g} leaves too little: {usage.money or 0.0:.4f} is spent")
        if budgets.seconds is not None:
            seconds = min(seconds, budgets.seconds - usage.seconds - sum(held[2] for held in self._held))
            if seconds <= 0.05:
                raise Spent(f"the budget of {budgets.seconds:g} s of calls is used up")
        return Allowance(tokens, seconds)

    def price(self, model: str, prompt_tokens: int, completion_tokens: int, cached_tokens: int = 0) -> float | None:
        """What a call costs by the price table; None without a price."""
        if (price := self._prices.get(model)) is None:
            return None
        cached = price.prompt if price.cached is None else price.cached
        fresh = max(0, prompt_tokens - cached_tokens)
        return (fresh * price.prompt + cached_tokens * cached + completion_tokens * price.completion) / 1e6

    def enter(self, call: Call) -> None:
        """Accounts for a call that was made."""
        with self._lock:
            call = call.changed(error=clean_text(call.error))
            money = self.price(call.model, call.prompt_tokens, call.completion_tokens, call.cached_tokens)
            self._usage = self._usage.changed(calls=(*self._usage.calls, call.changed(money=money)))
            self._keep(self._usage)

    def fall_back(self, role: str, why: str) -> None:
        """Notes that a role's own rules answered."""
        with self._lock:
            self._usage = self._usage.changed(
                fallbacks=(*self._usage.fallbacks, Fallback(role=role, why=clean_text(why)))
            )
            self._keep(self._usage)
