"""The benchmarks of scheduling: the trace is the one that was asked for, and its bounds and targets hold."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from kinograph import Studio
from kinograph.evals.bench import harness
from kinograph.evals.bench.clock import Clock
from kinograph.evals.bench.critical_path import brief_of, chain
from kinograph.evals.bench.makespan import POLICIES, TARGETS, Fifo, measure
from kinograph.evals.bench.replay import film_of
from kinograph.evals.bench.traces import CHAINED, EXPECTED, PACE, TAKES, Chained, fenced, trace
from kinograph.events import ShotSettled, TakeJudged
from kinograph.graphs.dependencies import TaskGraph, task
from kinograph.graphs.schedule import Grant

EXACT = ("fully serial", "scenes serial", "superstep barrier", "FIFO", "kinograph")
"""Policies that render what is asked for and no more."""


@pytest.mark.parametrize(("workers", "chained"), TARGETS)
def test_the_makespan_stays_within_its_target(workers: int, chained: Chained):
    assert measure("kinograph", workers, chained, 300).mean <= TARGETS[workers, chained]


@pytest.mark.parametrize("chained", CHAINED)
@pytest.mark.parametrize("policy", EXACT)
def test_no_policy_beats_the_bound_or_renders_what_nobody_asked_for(policy: str, chained: Chained):
    for workers in (1, 4, 8):
        for seed in range(10):
            one = trace(seed, chained)
            ran = POLICIES[policy](one, workers)
            assert ran.seconds >= one.bound(workers) - 1e-6
            assert set(ran.starts) == {(shot, n + 1) for shot, takes in one.takes.items() for n in range(takes)}
            assert ran.renders == len(ran.starts)
            assert ran.wasted == 0


@pytest.mark.parametrize("chained", CHAINED)
def test_takes_ahead_shorten_the_film_and_their_price_is_told(chained: Chained):
    plain, ahead = (measure(policy, 8, chained, 40) for policy in ("kinograph", "next take ahead"))
    assert ahead.mean < plain.mean
    assert ahead.extra > 0
    assert ahead.wasted > 0


@pytest.mark.parametrize("ahead", [1, 2])
def test_takes_ahead_never_hold_more_workers_than_there_are(ahead: int):
    for seed in range(20):
        one = trace(seed, "half chained")
        ran = Clock(one, 4, ahead=ahead).play()
        work = sum(sum(one.renders[shot][:takes]) for shot, takes in one.takes.items())
        assert work + ran.wasted <= 4 * ran.seconds + 1e-6
        assert ran.seconds >= work / 4


def test_the_trace_is_the_one_that_was_asked_for():
    many = [trace(seed, "half chained") for seed in range(300)]
    renders = np.array([seconds for one in many for takes in one.renders.values() for seconds in takes])
    assert renders.mean() == pytest.approx(EXPECTED, rel=0.01)
    assert np.log(renders).std() == pytest.approx(0.35, rel=0.02)
    takes = Counter(count for one in many for count in one.takes.values())
    assert [takes[n] / takes.total() for n in (1, 2, 3)] == pytest.approx([0.7, 0.21, 0.09], abs=0.01)
    assert {len(one.scenes) for one in many} == {6}
    assert {len(scene) for one in many for scene in one.scenes} == set(range(3, 9))
    links = [bool(one.graph.needs(shot)) for one in many for scene in one.scenes for shot in scene[1:]]
    assert np.mean(links) == pytest.approx(0.5, abs=0.02)
    assert trace(7, "half chained").renders == trace(7, "all chained").renders
    assert not any(trace(7, "independent").graph.needs(shot) for scene in many[7].scenes for shot in scene)


def test_the_bound_is_the_longest_chain_or_the_work_shared_out():
    one = trace(3, "all chained")
    assert one.chain == pytest.approx(max(sum(one.life(shot) for shot in scene) for scene in one.scenes))
    assert one.bound(1000) == one.chain
    assert one.bound(1) > one.chain
    assert trace(3, "independent").chain == pytest.approx(max(one.life(shot) for shot in one.takes))


def test_a_fence_holds_back_the_batch_behind_it():
    graph = fenced(TaskGraph([task(id, "shot") for id in "abcd"]), [["a", "b"], ["c"], ["d"]])
    assert graph.batches == [["a", "b"], ["c"], ["d"]]


def test_fifo_is_no_wiser_than_its_name():
    late = TaskGraph([task("a", "shot"), task("b", "shot", seconds=99), task("c", "shot", ["a"])])
    fifo = Fifo()
    fifo.enroll("film", late, PACE, 1)
    assert [grant.task for grant in iter(fifo.next, None)] == ["a"]
    fifo.rendered("film", "a")
    fifo.settle("film", "a")
    assert fifo.next() == Grant("film", "b", 1)


def test_a_whole_production_takes_the_takes_of_its_trace(tmp_path: Path):
    one = trace(1, "half chained")
    played = film_of(one, tmp_path, 4, 1e6)
    judged = Counter(event.take.shot for _, event in played.events if isinstance(event, TakeJudged))
    assert judged == one.takes
    assert max(one.takes.values()) == TAKES
    assert sum(isinstance(event, ShotSettled) for _, event in played.events) == len(one.takes)


def test_the_brief_of_the_critical_path_has_scenes_of_four_shots_in_a_chain():
    board = Studio().plan(brief_of(3)).storyboard
    assert len(board.shots) == 12
    assert chain(board) == 4


def test_the_harness_costs_a_sample_next_to_nothing():
    assert harness.overhead(20) < 10 * harness.MOST, "an order of magnitude of slack for machines that share their disk"
