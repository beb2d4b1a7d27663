"""A server that speaks OpenAI's chat protocol, over HTTP: timeouts, retries, rate limits."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kinograph.agents.language import loop
from kinograph.agents.language.completions import reply_of, request_of
from kinograph.agents.language.replies import (
    MEANS,
    Form,
    Message,
    Nonsense,
    Refused,
    Reply,
    Silence,
    Unavailable,
)
from kinograph.errors import BadSetting
from kinograph.settings import MindSettings
from kinograph.tools.retrying import backoff, retry_after

if TYPE_CHECKING:
    from openai import AsyncOpenAI

MAX_REPLY = 2 * 2**20
"""Longest HTTP body that is read, in bytes."""
WORTH_RETRYING = frozenset((408, 409, 429))
"""Besides 5xx. Of those, 500 and 501 may also mean that the form of the request is not supported."""
PERIOD = 60.0


class Provider:
    """One server: its client, and the limits that all models on it share."""

    def __init__(self, settings: MindSettings) -> None:
        self.settings = settings
        self._client: AsyncOpenAI | None = None
        self._opening = threading.Lock()
        self._permits = asyncio.Semaphore(settings.concurrency)
        self._not_before = 0.0
        """Monotonic time before which the server asked not to be called."""
        self._next_slot = 0.0

    @property
    def client(self) -> AsyncOpenAI:
        with self._opening:
            if self._client is None:
                from openai import AsyncOpenAI

                self._client = AsyncOpenAI(
                    base_url=self.settings.base_url, api_key=self._key(), max_retries=0, timeout=self.settings.timeout
                )
            return self._client

    def _key(self) -> str:
        """Ours; OpenAI's own variable counts only for OpenAI's own server. Servers at home take any."""
        if self.settings.key is not None:
            return self.settings.key.get_secret_value()
        official = self.settings.base_url == MindSettings.model_fields["base_url"].default
        return (os.environ.get("OPENAI_API_KEY") if official else None) or "none"

    async def send(self, body: dict[str, Any], deadline: float) -> bytes:
        """One HTTP request, once it is its turn. Raises what the openai package raises, and Unavailable."""
        async with self._permits:
            await self._turn(deadline)
            answer = bytearray()
            async with self.client.chat.completions.with_streaming_response.create(**body) as response:
                async for chunk in response.iter_bytes():
                    answer += chunk
                    if len(answer) > MAX_REPLY:
                        raise Nonsense(f"the reply is longer than {MAX_REPLY // 2**20} MB")
            return bytes(answer)

    async def _turn(self, deadline: float) -> None:
        """Waits for the server's own pause and for a slot of the rate limit."""
        start = max(time.monotonic(), self._not_before, self._next_slot)
        if self.settings.per_minute:
            self._next_slot = start + PERIOD / self.settings.per_minute
        await self._sleep_until(start, deadline, "its turn within the rate limit comes")

    async def pause(self, seconds: float, deadline: float, asked: bool) -> None:
        """Waits before a further attempt; a pause that the server `asked` for holds for every call."""
        until = time.monotonic() + seconds
        if asked:
            self._not_before = max(self._not_before, until)
        await self._sleep_until(until, deadline, "the server takes the next attempt")

    @staticmethod
    async def _sleep_until(until: float, deadline: float, what: str) -> None:
        if until > deadline:
            raise Unavailable(f"it takes {until - time.monotonic():.0f} s until {what}")
        await asyncio.sleep(max(0.0, until - time.monotonic()))

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None


def listed(settings: MindSettings, seconds: float = 5.0) -> list[str]:
    """The models that a server says it has. Raises BadSetting, in words, when it does not answer."""
    from openai import OpenAIError

    async def names() -> list[str]:
        provider = Provider(settings)
        try:
            return [model.id async for model in provider.client.models.list()]
        finally:
            await provider.close()

    try:
        return loop.run(names(), seconds, lambda: False)
    except TimeoutError:
        words = f"no answer within {seconds:g} s"
    except (OpenAIError, ValueError, TypeError) as error:
        words = _first_line(error, settings)
    raise BadSetting(f"mind.base_url = {settings.base_url!r}: {words}")


class ServedModel:
    """A model of a provider."""

    means = MEANS

    def __init__(self, provider: Provider, name: str) -> None:
        self.name = name
        self.place = provider.settings.base_url
        self._provider = provider
        self._unknown: set[str] = set()
        """Parameters that this model does not take: reasoning models count and sample in their own way."""

    def open(self) -> None:
        _ = self._provider.client.chat.completions

    async def reply(self, messages: Sequence[Message], form: Form, seconds: float) -> Reply:
        deadline, attempt = time.monotonic() + seconds, 0
        try:
            while True:
                attempt += 1
                body = request_of(self.name, messages, form, self._provider.settings.temperature)
                for parameter in self._unknown:
                    _do_without(body, parameter)
                try:
                    return reply_of(await self._provider.send(body, deadline), attempt)
                except Exception as error:
                    if unknown := _parameter_refused(error, body):
                        self._unknown.add(unknown)
                        continue
                    wait, asked = _wait(error, attempt, self._provider.settings)
                    await self._provider.pause(wait, deadline, asked)
        except Silence as silence:
            silence.attempts = attempt
            raise

    async def close(self) -> None:
        await self._provider.close()


def _parameter_refused(error: Exception, body: dict[str, Any]) -> str | None:
    """The parameter that a model says it does not take, if it can be done without."""
    from openai import BadRequestError

    if not isinstance(error, BadRequestError):
        return None
    return next((name for name in ("max_tokens", "temperature") if name in body and error.param == name), None)


def _do_without(body: dict[str, Any], parameter: str) -> None:
    value = body.pop(parameter, None)
    if parameter == "max_tokens":
        body["max_completion_tokens"] = value


def _wait(error: Exception, attempt: int, settings: MindSettings) -> tuple[float, bool]:
    """Seconds to wait before asking again after `error`, and whether the server said so.

    Raises Unavailable, Refused or Nonsense where asking again would not help.
    """
    import openai
    from httpx2 import HTTPError

    if isinstance(error, openai.APIStatusError):
        status, words = error.status_code, _first_line(error, settings)
        if status in (401, 403):
            raise Unavailable(f"the server does not let us in ({status}): {words}", lasting=True) from error
        if status == 404:
            raise Unavailable(f"the server knows no such model or address (404): {words}", lasting=True) from error
        if status not in WORTH_RETRYING and status < 500:
            raise Refused(f"the server refuses the request ({status}): {words}") from error
        if attempt > settings.retries:
            kind = Refused if status in (500, 501) else Unavailable
            raise kind(f"the server said {status} to {attempt} attempts: {words}") from error
        asked = retry_after(error.response.headers)
        return (backoff(attempt), False) if asked is None else (asked, True)
    if isinstance(error, (openai.APIConnectionError, HTTPError)):
        if attempt > settings.retries:
            raise Unavailable(f"no connection in {attempt} attempts: {_first_line(error, settings)}") from error
        return backoff(attempt), False
    raise error


def _first_line(error: Exception, settings: MindSettings) -> str:
    """What an error says, without the key, which some servers repeat."""
    words = " ".join(str(error).split())
    if settings.key is not None:
        words = words.replace(settings.key.get_secret_value(), "(the key)")
    return words[:200] or type(error).__name__
