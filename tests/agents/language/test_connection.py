"""HTTP to a chat server: retries, their waits, limits, keys, and replies that are none."""

from __future__ import annotations

import asyncio
import email.utils
import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from minds import assignment, mind_of, settings_of
from server import Server

from kinograph.agents.language import connection, loop
from kinograph.agents.language.connection import Provider, ServedModel
from kinograph.agents.language.drafts import schema_of
from kinograph.agents.language.replies import Form, Nonsense, Refused, Reply, Unavailable
from kinograph.agents.outline_drafts import OutlineDraft
from kinograph.agents.planner import Planner
from kinograph.errors import BadSetting
from kinograph.settings import MindSettings
from kinograph.tools import retrying

FORM = Form("planner", schema_of(OutlineDraft), "json_schema")


def ask(server: Server, seconds: float = 5.0, **fields: Any) -> Reply:
    from kinograph import prompts

    facts = '{"brief": "A red ball rolls.", "max_subjects": 2, "look": null}'
    messages = [
        {"role": "system", "content": prompts.render("planner")},
        {"role": "user", "content": prompts.render("question", facts=facts, schema="")},
    ]
    model = ServedModel(Provider(settings_of(server, **fields)), "small")
    model.open()
    return loop.run(model.reply(messages, FORM, seconds), seconds, lambda: False)


def test_a_reply_tells_tokens_as_the_server_counts_them(server: Server):
    reply = ask(server)
    assert reply.prompt_tokens is not None
    assert reply.prompt_tokens > 400
    assert reply.completion_tokens > 20
    assert reply.cached_tokens == 512
    assert reply.attempts == 1


def test_retry_after_is_honoured(server: Server):
    server.manners = {"*": "429 with Retry-After"}
    assert ask(server).attempts == 2
    first, second = server.asked
    assert 0.2 <= second.at - first.at < 0.6


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_what_a_server_says_of_a_passing_trouble_is_tried_again(server: Server, status: int):
    server.manners, server.times = {"*": f"status {status}"}, 1
    assert ask(server).attempts == 2
    first, second = server.asked
    assert second.at - first.at >= retrying.FIRST_WAIT / 2


def test_a_server_that_asks_to_wait_longer_than_there_is_time_is_left_at_once(server: Server):
    server.manners = {"*": "429 for ever"}
    started = time.monotonic()
    with pytest.raises(Unavailable, match="it takes 3600 s"):
        ask(server)
    assert time.monotonic() - started < 1
    assert len(server.asked) == 1


@pytest.mark.parametrize(("value", "seconds"), [("7", 7.0), ("0.5", 0.5), ("-3", 0.0), ("soon", None)])
def test_retry_after_is_a_number(value: str, seconds: float | None):
    assert retrying.retry_after({"retry-after": value}) == seconds


def test_retry_after_may_be_a_date():
    date = email.utils.formatdate(time.time() + 90, usegmt=True)
    assert retrying.retry_after({"retry-after": date}) == pytest.approx(90, abs=5)


def test_waits_grow_and_are_spread(server: Server):
    waits = [[retrying.backoff(attempt) for _ in range(200)] for attempt in (1, 2, 3, 9)]
    for attempt, drawn in zip((1, 2, 3, 9), waits, strict=True):
        longest = min(retrying.LONGEST_WAIT, retrying.FIRST_WAIT * 2 ** (attempt - 1))
        assert longest / 2 <= min(drawn) < max(drawn) <= longest
        assert len(set(drawn)) > 150


@pytest.mark.parametrize("manner", ["500", "reset mid-stream", "connection closed"])
def test_what_may_pass_is_tried_again_as_often_as_allowed(server: Server, manner: str):
    server.manners = {"*": manner}
    with pytest.raises((Unavailable, Refused), match="3 attempts"):
        ask(server, seconds=10, retries=2)
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("manner", "error"), [("401", Unavailable), ("404", Unavailable), ("400 context length", Refused)]
)
def test_what_will_not_pass_is_not_tried_again(server: Server, manner: str, error: type[Exception]):
    server.manners = {"*": manner}
    with pytest.raises(error):
        ask(server)
    assert len(server.asked) == 1


@pytest.mark.parametrize("manner", ["html", "error in a 200", "empty choices", "endless body"])
def test_a_body_that_is_no_completion_is_nonsense(server: Server, manner: str):
    server.manners = {"*": manner}
    with pytest.raises(Nonsense):
        ask(server)


@pytest.mark.parametrize("manner", ["hang", "slow drip"])
def test_no_answer_outlasts_the_timeout(server: Server, manner: str):
    server.manners = {"*": manner}
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        ask(server, seconds=0.6)
    assert time.monotonic() - started < 1.5


def test_no_more_requests_run_side_by_side_than_allowed(server: Server):
    server.latency = 0.15
    mind = mind_of(server, concurrency=2, timeout=10.0)
    briefs = [assignment(f"A red ball rolls. Film {number}.") for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda brief: mind.think(Planner(), brief), briefs))
    arrivals = sorted(asked.at for asked in server.asked)
    assert len(arrivals) == 6
    assert all(later - earlier >= 0.14 for earlier, later in zip(arrivals, arrivals[2:], strict=False))


def test_no_more_requests_a_minute_than_allowed(server: Server):
    mind = mind_of(server, per_minute=300, timeout=10.0)
    for number in range(4):
        mind.think(Planner(), assignment(f"A red ball rolls. Film {number}."))
    arrivals = [asked.at for asked in server.asked]
    assert all(later - earlier >= 0.15 for earlier, later in itertools.pairwise(arrivals))


def test_the_key_goes_to_its_server_and_openais_own_key_nowhere_else(server: Server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-openai")
    ask(server)
    ask(server, key="sk-mine")
    assert [asked.key for asked in server.asked] == ["Bearer none", "Bearer sk-mine"]
    official = Provider(MindSettings(kind="openai", model="x"))
    assert official._key() == "sk-of-openai"


def test_a_server_that_repeats_the_key_or_sends_escape_sequences_is_not_quoted(server: Server, monkeypatch):
    import server as test_server

    monkeypatch.setattr(test_server, "_error", lambda words: {"error": {"message": "bad key sk-mine \x1b[2J\u202e"}})
    server.manners = {"*": "401"}
    mind = mind_of(server, key="sk-mine")
    mind.think(Planner(), assignment())
    usage = mind.accounts.usage
    assert "bad key (the key)" in usage.fallbacks[0].why
    assert not any(unfit in str(usage) for unfit in ("sk-mine", "\x1b", "\\x1b", "\u202e"))


def test_a_call_that_failed_says_how_often_it_was_tried(server: Server):
    server.manners = {"*": "reset mid-stream"}
    mind = mind_of(server, retries=2, timeout=10.0)
    mind.think(Planner(), assignment())
    assert [call.attempts for call in mind.accounts.usage.calls] == [3]


def test_a_model_that_counts_and_samples_in_its_own_way_is_asked_in_that_way(server: Server, monkeypatch):
    """Reasoning models refuse `max_tokens` and `temperature`."""
    import httpx2
    from openai import BadRequestError

    sent: list[dict[str, Any]] = []
    original = Provider.send

    async def picky(self: Provider, body: dict[str, Any], deadline: float) -> bytes:
        sent.append(dict(body))
        for name in ("max_tokens", "temperature"):
            if name in body:
                response = httpx2.Response(400, request=httpx2.Request("POST", "http://x"))
                raise BadRequestError("unsupported", response=response, body={"param": name})
        return await original(self, body, deadline)

    monkeypatch.setattr(Provider, "send", picky)
    assert ask(server).text
    assert "max_tokens" not in sent[-1]
    assert sent[-1]["max_completion_tokens"] == FORM.tokens
    assert len(sent) == 3


def test_a_server_is_asked_which_models_it_has(server: Server):
    assert connection.listed(settings_of(server)) == ["small"]
    server.stop()
    with pytest.raises(BadSetting, match=r"mind\.base_url = 'http://127"):
        connection.listed(settings_of(server))


def test_a_waiting_caller_can_be_cancelled_before_the_request_is_sent():
    from kinograph.errors import Cancelled

    started = time.monotonic()
    with pytest.raises(Cancelled):
        loop.run(asyncio.sleep(30), 60, lambda: True)
    assert time.monotonic() - started < 1


def test_every_request_is_under_the_settings(server: Server):
    mind_of(server, Path("home"), temperature=0.7, max_tokens=999).think(Planner(), assignment())
    body = server.asked[0].body
    assert (body["temperature"], body["max_tokens"], body["model"]) == (0.7, 999, "small")
