"""What thinking costs, and budgets that hold whoever asks."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from minds import assignment, mind_of
from server import Server

from kinograph.agents.language.accounts import Accounts, Spent
from kinograph.agents.planner import Planner
from kinograph.film import Call, Fallback, Usage
from kinograph.settings import Budgets, Price

PRICES = {"small": Price(prompt=2.0, completion=8.0, cached=0.5)}


def call(
    prompt: int = 1000, completion: int = 100, cached: int = 0, seconds: float = 1.0, model: str = "small"
) -> Call:
    return Call(
        role="planner",
        model=model,
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_tokens=cached,
        seconds=seconds,
    )


def test_a_call_costs_by_the_price_table_and_cached_tokens_cost_less():
    accounts = Accounts("small", prices=PRICES)
    accounts.enter(call(cached=400))
    accounts.enter(call(model="free"))
    assert accounts.usage.calls[0].money == pytest.approx((600 * 2 + 400 * 0.5 + 100 * 8) / 1e6)
    assert accounts.usage.calls[1].money is None
    assert accounts.usage.money == accounts.usage.calls[0].money
    assert Usage(calls=(call(),)).money is None


@pytest.mark.parametrize(
    ("budgets", "words"),
    [
        (Budgets(calls=2), "budget of 2 calls"),
        (Budgets(tokens=2200), "budget of 2200 tokens"),
        (Budgets(money=0.006), "budget of 0.006"),
        (Budgets(seconds=2), "budget of 2 s"),
    ],
)
def test_a_used_up_budget_stops_calls(budgets: Budgets, words: str):
    accounts = Accounts("small", budgets, PRICES)
    for _ in range(2):
        with accounts.allowance("small", 900, 100, 0.9):
            accounts.enter(call())
    with pytest.raises(Spent, match=words), accounts.allowance("small", 900, 100, 0.9):
        pass


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 3000), st.integers(64, 4000)), max_size=30),
    st.integers(0, 30_000),
    st.floats(0, 0.1),
)
def test_no_budget_is_overstepped_by_calls_that_keep_to_their_allowance(
    wanted: list[tuple[int, int]], tokens: int, money: float
):
    accounts = Accounts("small", Budgets(tokens=tokens, money=money), PRICES)
    for prompt, completion in wanted:
        try:
            with accounts.allowance("small", prompt, completion, 1.0) as granted:
                assert granted.tokens <= completion
                accounts.enter(call(prompt, granted.tokens))
        except Spent:
            continue
    used = accounts.usage
    assert used.prompt_tokens + used.completion_tokens <= tokens
    assert (used.money or 0) <= money + 1e-9


def test_calls_side_by_side_wait_for_what_others_hold_back():
    accounts = Accounts("small", Budgets(tokens=3000))
    running, most = [], []
    lock = threading.Lock()

    def think(_: int) -> bool:
        try:
            with accounts.allowance("small", 500, 1000, 1.0) as granted:
                with lock:
                    running.append(granted.tokens)
                    most.append(sum(500 + tokens for tokens in running))
                time.sleep(0.02)
                accounts.enter(call(500, 10))
                with lock:
                    running.pop()
            return True
        except Spent:
            return False

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(think, range(8)))
    assert max(most) <= 3000
    assert sum(done) == 5, "what a short answer left over is used by those that waited"
    assert accounts.usage.prompt_tokens + accounts.usage.completion_tokens <= 3000


def test_a_resumed_production_goes_on_from_what_it_has_cost():
    kept: list[Usage] = []
    before = Usage(mind="small", calls=(call(), call()), fallbacks=(Fallback(role="style", why="x"),))
    accounts = Accounts("small", Budgets(calls=3))
    accounts.keep_in(kept.append, before)
    accounts.enter(call())
    assert len(kept[-1].calls) == 3
    assert len(kept[-1].fallbacks) == 1
    with pytest.raises(Spent), accounts.allowance("small", 1, 64, 1.0):
        pass


def test_when_the_budget_is_used_up_rules_go_on(server: Server):
    mind = mind_of(server, budgets={"calls": 1})
    for _ in range(5):
        mind.think(Planner(), assignment())
    assert len(server.asked) == 1
    assert {fallback.why for fallback in mind.accounts.usage.fallbacks} == {"the budget of 1 calls is used up"}


def test_a_budget_of_tokens_bounds_the_answer_that_is_asked_for(server: Server):
    mind = mind_of(server, budgets={"tokens": 2500})
    mind.think(Planner(), assignment())
    assert 64 <= server.asked[0].body["max_tokens"] < 2000


def test_a_budget_of_seconds_cuts_a_call_short(server: Server):
    server.manners = {"*": "hang"}
    mind = mind_of(server, budgets={"seconds": 0.5}, timeout=30.0)
    started = time.monotonic()
    mind.think(Planner(), assignment())
    mind.think(Planner(), assignment())
    assert time.monotonic() - started < 3
    assert len(server.asked) == 1


def test_a_server_that_tells_no_usage_is_estimated(server: Server):
    server.reply_with_usage = False
    mind = mind_of(server)
    mind.think(Planner(), assignment())
    (told,) = mind.accounts.usage.calls
    assert told.estimated
    assert 400 < told.prompt_tokens < 1500
    assert told.completion_tokens > 20
