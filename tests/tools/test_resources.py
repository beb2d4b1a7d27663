"""How busy the machine is and what may start on it, by readings and a clock that are scripted."""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinograph.errors import Cancelled
from kinograph.tools.machine import Machine, Tier
from kinograph.tools.resources import Meter, Monitor, Snapshot, can_start, recommended_concurrency

MACHINES: dict[Tier, Machine] = {
    "A": Machine(cores=64, ram_gb=256),
    "B": Machine(cores=16, ram_gb=32),
    "C": Machine(cores=8, ram_gb=16),
    "D": Machine(cores=2, ram_gb=4),
}
percents = st.floats(0, 100)
machines = st.builds(
    Machine, cores=st.integers(1, 256), ram_gb=st.floats(0.5, 2048), vram_gb=st.floats(0, 192), gpu=st.just("card")
)


def load(cpu: float = 0, ram: float = 0, ours: float = 0) -> Snapshot:
    return Snapshot(cpu_percent=cpu, ours_percent=ours, ram_percent=ram, disk_free_gb=50)


# ------------------------------------------------------------------------------------------- tables


@pytest.mark.parametrize(
    ("machine", "tier"),
    [
        (Machine(cores=2, ram_gb=8), "D"),
        (Machine(cores=64, ram_gb=4), "D"),
        (Machine(cores=4, ram_gb=7.7), "C"),
        (Machine(cores=12, ram_gb=32), "B"),
        (Machine(cores=24, ram_gb=62.8), "A"),
        (Machine(cores=2, ram_gb=4, gpu="x", vram_gb=6), "C"),
        (Machine(cores=2, ram_gb=4, gpu="x", vram_gb=11.9), "B"),
        (Machine(cores=2, ram_gb=4, gpu="x", vram_gb=80), "A"),
    ],
)
def test_a_tier_follows_from_the_card_or_from_cores_and_memory(machine: Machine, tier: Tier):
    assert machine.tier == tier


@pytest.mark.parametrize(
    ("tier", "cpu", "ram", "complexity", "workers"),
    [
        ("B", 0, 0, 0.5, 8),
        ("B", 60, 70, 0.7, 8),
        ("B", 60.1, 0, 0.5, 6),
        ("B", 80, 0, 0.5, 6),
        ("B", 80.1, 0, 0.5, 4),
        ("B", 0, 70.1, 0.5, 6),
        ("B", 0, 85, 0.5, 6),
        ("B", 0, 85.1, 0.5, 4),
        ("B", 90, 90, 0.5, 2),
        ("B", 90, 90, 0.9, 1),
        ("B", 0, 0, 0.71, 6),
        ("A", 0, 0, 0.5, 8),
        ("A", 100, 0, 0.5, 8),
        ("C", 0, 0, 0.5, 4),
        ("D", 0, 0, 0.5, 1),
        ("D", 100, 100, 1.0, 1),
    ],
)
def test_workers_follow_the_table(tier: Tier, cpu: float, ram: float, complexity: float, workers: int):
    assert recommended_concurrency(MACHINES[tier], load(cpu, ram), complexity).workers == workers


def test_a_recommendation_names_the_readings():
    why = recommended_concurrency(MACHINES["A"], load(93, 71), 0.8).why
    assert why == (
        "half of 64 cores, x0.5 for CPU at 93 %, x0.8 for memory at 71 %, x0.75 for complexity 0.80, "
        "at most 8 on tier A"
    )


@given(machines, percents, percents, st.floats(0, 1), percents, percents, st.floats(0, 1))
def test_more_load_or_complexity_never_means_more_workers(
    machine: Machine, cpu: float, ram: float, complexity: float, cpu_2: float, ram_2: float, complexity_2: float
):
    calm = recommended_concurrency(machine, load(min(cpu, cpu_2), min(ram, ram_2)), min(complexity, complexity_2))
    busy = recommended_concurrency(machine, load(max(cpu, cpu_2), max(ram, ram_2)), max(complexity, complexity_2))
    cap = {"D": 2, "C": 4, "B": 8, "A": 8}[machine.tier]
    assert 1 <= busy.workers <= calm.workers <= min(cap, max(1, machine.cores // 2))


@pytest.mark.parametrize(
    ("cost", "cpu", "ram"), [(0.71, 60, 70), (0.7, 75, 80), (0.41, 75, 80), (0.4, 90, 90), (0, 90, 90)]
)
def test_a_task_starts_below_the_thresholds_of_its_cost(cost: float, cpu: float, ram: float):
    assert can_start(cost, load(cpu - 0.1, ram - 0.1))
    assert not can_start(cost, load(cpu, 0))
    assert not can_start(cost, load(0, ram))


@given(percents, percents, st.floats(0, 1), st.floats(0, 1))
def test_what_costs_less_may_start_wherever_more_may(cpu: float, ram: float, cost: float, other: float):
    assert can_start(min(cost, other), load(cpu, ram)) or not can_start(max(cost, other), load(cpu, ram))


def test_our_own_processor_time_is_not_held_against_us_but_memory_is():
    assert can_start(0.9, load(cpu=100, ours=60))
    assert not can_start(0.9, load(cpu=100, ours=30))
    assert not can_start(0.9, load(cpu=100, ram=75, ours=100))
    assert recommended_concurrency(MACHINES["B"], load(cpu=100, ours=95), 0.5).workers == 8


# ------------------------------------------------------------------------------------------ measuring


def test_this_machine_is_measured_and_our_own_work_is_seen(tmp_path: Path):
    meter = Meter(tmp_path / "not" / "there" / "yet")
    first = meter()
    spent = os.times()
    while (now := os.times()).user + now.system < spent.user + spent.system + 0.2:
        sum(range(10_000))
    second = meter()
    for reading in (first, second):
        assert 0 <= reading.ours_percent <= reading.cpu_percent <= 100
        assert 0 < reading.ram_percent < 100
        assert reading.disk_free_gb > 0
    assert second.ours_percent > 0
    assert "memory" in str(second)


class Scripted:
    """A monitor's world: what it reads, and a clock that a test moves."""

    def __init__(self, *readings: Snapshot, machine: Machine = MACHINES["B"], fresh: float = 1.0) -> None:
        self.readings = list(readings)
        self.taken = 0
        self.now = 0.0
        self.monitor = Monitor(machine, self.read, fresh, lambda: self.now)

    def read(self) -> Snapshot:
        self.taken += 1
        return self.readings.pop(0) if len(self.readings) > 1 else self.readings[0]


def test_a_reading_is_good_for_a_while():
    world = Scripted(load(10), load(20))
    assert [world.monitor.snapshot().cpu_percent for _ in range(3)] == [10, 10, 10]
    world.now = 0.99
    assert world.monitor.snapshot().cpu_percent == 10
    world.now = 1.0
    assert world.monitor.snapshot().cpu_percent == 20
    assert world.taken == 2


# -------------------------------------------------------------------------------------------- waiting


def busy_then(*after: Snapshot) -> Scripted:
    """A world in which every look is a new reading, with one task of ours already running."""
    return Scripted(load(100), *after, fresh=0.0)


def test_what_has_nothing_of_ours_beside_it_starts_however_busy_the_machine_is():
    world = busy_then(load(100, 99))
    with world.monitor.room(1.0):
        assert world.taken == 0


def test_a_second_one_waits_until_there_is_room():
    world = busy_then(load(100), load(76), load(59))
    waits: list[int] = []
    with world.monitor.room(1.0), world.monitor.room(0.9, waiting=lambda: waits.append(world.taken)):
        assert world.readings == [load(59)]
    assert waits == [1, 2, 3]


def test_waiting_ends_when_it_is_cancelled_and_leaves_no_trace():
    world = busy_then(load(100))
    asked: list[bool] = []

    def cancelled() -> bool:
        asked.append(True)
        return len(asked) > 3

    with world.monitor.room(1.0):
        with pytest.raises(Cancelled), world.monitor.room(0.1, cancelled):
            pytest.fail("it must not start")
        world.readings = [load(0)]
        with world.monitor.room(0.1):
            pass
    assert len(asked) == 4


def test_a_busy_processor_holds_nothing_back_for_ever_but_full_memory_does():
    world = busy_then(load(100))

    def later() -> None:
        world.now += 50.0

    with world.monitor.room(1.0):
        with world.monitor.room(1.0, waiting=later):
            assert world.now == 150.0
        world.readings = [load(100, 91)]
        with pytest.raises(Cancelled), world.monitor.room(1.0, lambda: world.now > 5000, waiting=later):
            pytest.fail("it must not start")


def test_as_many_run_as_the_caller_allows_at_the_moment():
    world = Scripted(load(0), fresh=0.0)
    allowed = [2]

    def more() -> None:
        allowed[0] += 1

    with ExitStack() as running:
        for _ in range(4):
            running.enter_context(world.monitor.room(0.1, waiting=more, most=lambda: allowed[0]))
        assert allowed == [4]


def test_a_task_that_fails_makes_room():
    world = busy_then(load(100))
    for _ in range(3):
        with pytest.raises(ValueError, match="broken"), world.monitor.room(1.0):
            raise ValueError("broken")
    assert world.taken == 0


@given(st.lists(st.sampled_from([0.2, 0.5, 0.9]), min_size=1, max_size=6), st.floats(0, 100))
def test_everyone_gets_a_turn_however_busy_others_keep_the_machine(costs: list[float], cpu: float):
    world = Scripted(load(cpu), fresh=0.0)
    done: list[int] = []

    def work(number: int, cost: float) -> None:
        with world.monitor.room(cost):
            done.append(number)

    threads = [threading.Thread(target=work, args=pair) for pair in enumerate(costs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(done) == list(range(len(costs)))


def test_whoever_came_first_starts_first():
    world = busy_then(load(100))
    order: list[str] = []
    ready = {name: threading.Event() for name in "ab"}

    def work(name: str, cost: float) -> None:
        with world.monitor.room(cost, waiting=ready[name].set):
            order.append(name)

    with world.monitor.room(1.0):
        threads = []
        for name, cost in (("a", 1.0), ("b", 0.1)):
            threads.append(threading.Thread(target=work, args=(name, cost)))
            threads[-1].start()
            assert ready[name].wait(30)
        world.readings = [load(85)]  # room for the light one, which came later
    for thread in threads:
        thread.join(30)
    assert order == ["a", "b"]
