"""Strategy and pictures: the tables as written down, and when recorded outcomes overrule them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinograph.agents import strategy
from kinograph.agents.strategy import Chosen, Complexity, begins_with, by_record, by_table, complexity, visuals
from kinograph.film import Appearance, Brief, Character, Scene, Shot, Stock, Storyboard, Strategy, Trial, Visuals
from kinograph.tools.backends import card
from kinograph.tools.machine import Machine
from kinograph.tools.resources import Snapshot

A = Machine(cores=64, ram_gb=256)
B = Machine(cores=16, ram_gb=32)
C = Machine(cores=8, ram_gb=16)
D = Machine(cores=2, ram_gb=4)
MODEL = "storyworld-render"


def load(cpu: float = 0, ram: float = 0, ours: float = 0) -> Snapshot:
    return Snapshot(cpu_percent=cpu, ours_percent=ours, ram_percent=ram, disk_free_gb=50)


# ----------------------------------------------------------------------------------------- complexity

LONG = "a " * 30


@pytest.mark.parametrize(
    ("text", "seconds", "value", "why"),
    [
        ("A ball rolls.", None, 0.5, "0.5 base"),
        ("A ball rolls.", 300, 0.5, "0.5 base"),
        ("A ball rolls.", 301, 0.6, "0.5 base + 0.1 over 5 minutes"),
        ("A 10-minute film. A ball rolls.", None, 0.6, "0.5 base + 0.1 over 5 minutes"),
        ("A 12-minute film. A ball rolls.", None, 0.7, "0.5 base + 0.2 over 10 minutes"),
        ("A ball rolls, with quick cuts.", None, 0.6, "0.5 base + 0.1 fast pacing"),
        ("A ball rolls. It jumps. It stops. It spins.", 6, 0.6, "0.5 base + 0.1 fast pacing"),
        ("A ball rolls. It jumps. It stops. It spins.", 8, 0.5, "0.5 base"),
        (f"A ball rolls {LONG}.", None, 0.65, "0.5 base + 0.15 dense sentences"),
        ("A diagram of a ball.", None, 0.6, "0.5 base + 0.1 technical"),
        ("How a gearbox works.", None, 0.6, "0.5 base + 0.1 technical"),
    ],
)
def test_complexity_adds_up_and_says_so(text: str, seconds: float | None, value: float, why: str):
    found = complexity(Brief(text=text, seconds=seconds))
    assert (found.value, found.why) == (value, why)


def test_complexity_is_one_at_most():
    text = f"A 12-minute fast-paced technical film. {'word ' * 300}."
    assert complexity(Brief(text=text)).value == 1.0


# ------------------------------------------------------------------------------------------ strategies


@pytest.mark.parametrize(
    ("machine", "reading", "how_complex", "offline", "expected"),
    [
        (A, load(), 0.65, False, "adaptive"),
        (B, load(), 0.65, False, "adaptive"),
        (B, load(), 0.6, False, "parallel"),
        (C, load(), 0.9, False, "parallel"),
        (D, load(), 0.9, False, "sequential"),
        (A, load(), 0.9, True, "sequential"),
        (A, load(81), 0.65, False, "sequential"),  # 1 x 0.5
        (A, load(61), 0.65, False, "adaptive"),  # 1 x 0.75
        (B, load(61), 0.65, False, "parallel"),  # 0.8 x 0.75
        (C, load(61), 0.65, False, "sequential"),  # 0.6 x 0.75
        (A, load(100, ours=100), 0.65, False, "adaptive"),
        (A, load(0, 86), 0.65, False, "sequential"),
    ],
)
def test_the_table_is_as_written(
    machine: Machine, reading: Snapshot, how_complex: float, offline: bool, expected: Strategy
):
    assert by_table(machine, reading, how_complex, offline).strategy == expected


def trials(of: Strategy, count: int, succeeded: int, seconds: float, quality: float = 0.9, model: str = MODEL):
    return [
        Trial(
            strategy=of,
            model=model,
            succeeded=number < succeeded,
            seconds=seconds * (1 + 0.01 * (number % 5)),
            quality=quality,
        )
        for number in range(count)
    ]


TABLE = Chosen("parallel", "resources 0.6")


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ([], "parallel"),
        (trials("sequential", 100, 100, 1.0), "parallel"),  # nothing known of its own
        (trials("parallel", 8, 8, 10) + trials("sequential", 7, 7, 1), "parallel"),  # too little of the other
        (trials("parallel", 7, 7, 10) + trials("sequential", 8, 8, 1), "parallel"),
        (trials("parallel", 8, 8, 10) + trials("sequential", 8, 8, 1), "sequential"),  # as good, and faster
        (trials("parallel", 8, 8, 10) + trials("sequential", 8, 8, 9.9), "parallel"),  # hardly faster
        (trials("parallel", 8, 8, 10) + trials("sequential", 8, 8, 1, quality=0.8), "parallel"),  # worse films
        (trials("parallel", 8, 8, 10) + trials("sequential", 8, 7, 1), "parallel"),  # fails more
        (trials("parallel", 8, 2, 10) + trials("sequential", 8, 8, 30), "sequential"),  # more reliable
        (trials("parallel", 8, 6, 10) + trials("sequential", 8, 8, 30), "parallel"),  # that may be luck
        (trials("parallel", 100, 80, 10) + trials("adaptive", 100, 95, 30), "adaptive"),
        (trials("parallel", 8, 8, 10) + trials("sequential", 8, 8, 1, model="svd"), "parallel"),
        (
            trials("parallel", 8, 8, 10) + trials("sequential", 8, 8, 2) + trials("adaptive", 8, 8, 1),
            "adaptive",
        ),
    ],
)
def test_the_record_overrules_the_table_on_clear_evidence_only(record: list[Trial], expected: Strategy):
    chosen = by_record(TABLE, record, MODEL)
    assert chosen.strategy == expected
    if expected == "parallel":
        assert chosen == TABLE
    else:
        assert f"{expected} succeeded in 100%" in chosen.why or f"{expected} succeeded in 95%" in chosen.why
        assert "parallel succeeded in" in chosen.why
        assert "what the table says (resources 0.6)" in chosen.why


def test_productions_that_made_no_film_are_counted_too():
    failed = [Trial(strategy="parallel", model=MODEL, succeeded=False) for _ in range(8)]
    assert by_record(TABLE, failed + trials("sequential", 8, 8, 1), MODEL).strategy == "sequential"
    assert by_record(TABLE, failed, MODEL) == TABLE


outcomes = st.builds(
    Trial,
    strategy=st.sampled_from(["sequential", "parallel", "adaptive"]),
    model=st.just(MODEL),
    succeeded=st.booleans(),
    seconds=st.none() | st.floats(0.01, 100),
    quality=st.none() | st.floats(0, 1),
)


@given(st.lists(outcomes, max_size=60))
def test_what_the_record_prefers_is_never_worse_in_it(record: list[Trial]):
    chosen = by_record(TABLE, record, MODEL).strategy
    known = strategy.standings(record, MODEL)
    if chosen != TABLE.strategy:
        assert known[chosen].rate >= known["parallel"].rate - 0.05
        assert min(known[chosen].runs, known["parallel"].runs) >= strategy.EVIDENCE


def test_workers_are_one_or_what_the_machine_has_room_for():
    render, wan = card(MODEL), card("wan-2.1-14b")
    assert strategy.workers("sequential", render, B, load(), 0.5).number == 1
    assert strategy.workers("parallel", render, B, load(85), 0.5).number == 4
    assert strategy.workers("adaptive", render, B, load(85), 0.5).number == 8
    assert (
        "4 now, asked again before each render; CPU 85 %" in strategy.workers("adaptive", render, B, load(85), 0.5).why
    )
    assert strategy.workers("adaptive", wan, B, load(), 0.5) == (1, "the model has the graphics card to itself")


# -------------------------------------------------------------------------------------------- pictures


def test_pictures_are_looked_for_by_words_that_not_every_brief_has():
    assert strategy.subjects(Brief(text="The two red balls roll over a Meadow.")) == {
        *("red", "balls", "ball", "roll", "meadow"),
    }


PLAIN = Complexity(0.5, False, "")
STOCK = (Stock(picture="p1", words=("red", "ball", "meadow")), Stock(picture="p2", words=("ball", "meadow", "sunset")))


@pytest.mark.parametrize(
    ("content", "offline", "model", "stock", "media", "expected", "why"),
    [
        (PLAIN, False, "storyworld-diffusion", (), False, "AI only", "no media folder"),
        (PLAIN, True, "storyworld-diffusion", (), False, "AI only", "no media folder"),
        (PLAIN, False, "storyworld-diffusion", (), True, "AI only", "no picture"),
        (PLAIN, False, "storyworld-render", STOCK, True, "AI only", "takes no pictures"),
        (PLAIN, False, "storyworld-diffusion", STOCK, True, "hybrid stock first", "2 fitting pictures"),
        (PLAIN, True, "storyworld-diffusion", STOCK, True, "hybrid stock first", "cannot film a still"),
        (PLAIN._replace(value=0.65), False, "storyworld-diffusion", STOCK, True, "hybrid AI first", "0.65 is over"),
        (PLAIN._replace(technical=True), False, "storyworld-diffusion", STOCK, True, "hybrid AI first", "technical"),
    ],
)
def test_pictures_come_from_where_the_table_says_as_far_as_there_are_any(
    content: Complexity, offline: bool, model: str, stock, media: bool, expected: Visuals, why: str
):
    found = visuals(content, offline, card(model), stock, media)
    assert found.visuals == expected
    assert why in found.why


def board(kind: str = "ball", setting: str = "meadow", color: str = "red") -> Storyboard:
    shot = Shot(id="1.1", scene="1", text="", cast=(Appearance(who="b"),), setting=setting)
    return Storyboard(
        title="t",
        cast=(Character(id="b", kind=kind, color=color, words=f"a {color} {kind}"),),
        scenes=(Scene(id="1", setting=setting, time="day", shots=(shot,)),),
    )


@pytest.mark.parametrize(
    ("film", "expected"),
    [
        (board(), "p1"),
        (board(color="blue"), "p1"),
        (board(kind="fish"), None),
        (board(setting="sea"), None),
        (board(setting="green meadow"), "p1"),
        (board(setting=""), "p1"),
    ],
)
def test_a_picture_is_named_after_everyone_in_the_shot_and_its_place(film: Storyboard, expected: str | None):
    assert strategy.picture_for(film.shots[0], film, STOCK) == expected


def test_nothing_is_matched_by_naming_nothing():
    empty = Shot(id="1.1", scene="1", text="")
    film = Storyboard(title="t", scenes=(Scene(id="1", setting="", time="day", shots=(empty,)),))
    assert strategy.picture_for(empty, film, STOCK) is None


def test_the_time_of_day_tells_pictures_apart():
    film = board(color="")
    sunset = film.shots[0].changed(time="sunset")
    assert strategy.picture_for(sunset, film, STOCK) == "p2"


@pytest.mark.parametrize(
    ("chosen", "first", "retake"),
    [
        ("AI only", None, None),
        ("hybrid stock first", "p1", None),
        ("hybrid AI first", None, "p1"),
        ("stock only", "p1", "p1"),
    ],
)
def test_what_comes_second_is_for_retakes(chosen: Visuals, first: str | None, retake: str | None):
    film = board()
    assert begins_with(film.shots[0], film, chosen, STOCK, 1) == first
    assert begins_with(film.shots[0], film, chosen, STOCK, 2) == retake
