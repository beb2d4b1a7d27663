"""The timeline: what it is put together from, that its picture is safe to open, and what is said when there is none."""

from __future__ import annotations

import sqlite3
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinograph import Studio
from kinograph.errors import BadInput, UnknownName
from kinograph.film import Brief, Due, RenderRequest, Scene, Shot, Sitting, Stint, Storyboard, Take, Verdict
from kinograph.gantt import svg
from kinograph.memory.ledger import Ledger, Record
from kinograph.telling import spoken
from kinograph.timeline import Timeline, arrange

REQUEST = RenderRequest(model="m", revision="1", prompt="p", seed=1, frames=8, fps=8, width=64, height=64)
RECORD = Record("film-1", Path("film"), Brief(text="x"), "finished", 0.0, 0.0)
SVG = "{http://www.w3.org/2000/svg}"


def board(*shots: Shot, title: str = "A film") -> Storyboard:
    return Storyboard(title=title, scenes=(Scene(id="1", setting="sea", time="day", shots=shots),))


def shot(id: str, text: str = "the ball rolls", needs: tuple[str, ...] = ()) -> Shot:
    return Shot(id=id, scene="1", text=text, needs=needs)


def sitting(began: float, **ends: float) -> Sitting:
    return Sitting(began=began, workers=2, due=tuple(Due(shot=id, begins=0.0, ends=end) for id, end in ends.items()))


def render(id: str, began: float, ended: float | None, worker: int = 1, attempt: int = 1, **more) -> Stint:
    return Stint(shot=id, attempt=attempt, what="render", worker=worker, began=began, ended=ended, **more)


def failed(id: str, attempt: int = 1) -> Take:
    return Take(shot=id, attempt=attempt, request=REQUEST, error="the <model> fell over")


def two_sittings() -> Timeline:
    """s1 renders; s2, which needs it, is cut short by a kill; a day later it renders again and fails."""
    stints = [
        render("s1", 100.0, 110.0),
        Stint(shot="s1", attempt=1, what="verdict", began=110.0, ended=112.0),
        render("s2", 112.0, None, killed=True),
        render("s3", 112.0, 118.0, worker=2),
        render("s2", 90_000.0, 90_020.0),
    ]
    clipless = failed("s2")
    shots = board(shot("s1"), shot("s2", needs=("s1",)), shot("s3"))
    sittings = [sitting(100.0, s1=12.0, s2=24.0, s3=12.0), sitting(90_000.0, s2=12.0)]
    return arrange(RECORD, shots, sittings, stints, [clipless])


def test_a_render_that_a_kill_cut_short_lasts_to_the_last_thing_known_of_its_sitting():
    bars = two_sittings().bars
    assert [(bar.shot, bar.kind, bar.sitting, bar.begins, bar.ends) for bar in bars if bar.shot == "s2"] == [
        ("s2", "stopped", 0, 12.0, 18.0),
        ("s2", "failed", 1, 0.0, 20.0),
    ]


def test_the_time_between_sittings_is_no_idle_time():
    line = two_sittings()
    assert line.lengths == (18.0, 20.0)
    assert line.pause(1) == 89_882.0
    assert line.work == 10 + 6 + 6 + 20
    assert line.idle == 2 * 38 - line.work
    assert line.words()[-1] == "Stopped once, for 1 day; that time is folded away."


def test_the_critical_path_goes_back_from_what_ended_last_to_what_it_waited_for():
    line = two_sittings()
    assert [line.bars[place].shot for place in line.critical] == ["s1", "s1", "s2", "s2"]


def test_work_that_goes_on_lasts_until_now():
    line = arrange(RECORD, board(shot("s1")), [sitting(5.0, s1=9.0)], [render("s1", 6.0, None)], [], now=10.0)
    assert (line.bars[0].kind, line.bars[0].ends) == ("pending", 5.0)


def test_a_take_is_rejected_by_its_verdict_and_its_clip_may_come_out_of_the_vault():
    studio = Studio()
    film = studio.make(studio.brief("A red ball rolls.", width=64, height=48, frames=8, takes=1))
    clip = film.takes[0].clip
    stints, one = [render("s1", 0.0, 1.0)], Take(shot="s1", attempt=1, request=REQUEST, clip=clip)
    kinds = [
        arrange(RECORD, board(shot("s1")), [sitting(0.0, s1=1.0)], stints, [take]).bars[0].kind
        for take in (
            one,
            one.changed(verdict=Verdict(accepted=False)),
            one.changed(verdict=Verdict(accepted=True)),
            one.changed(verdict=Verdict(accepted=True), reused=True),
        )
    ]
    assert kinds == ["pending", "rejected", "accepted", "vault"]


words = st.text(max_size=80) | st.sampled_from(["</text><script>alert(1)</script>", "a & b", "\x00\x1b[31m", "&lt;"])


@given(words, words)
@settings(max_examples=60, deadline=None)
def test_titles_and_words_of_shots_are_text_whatever_they_say(title: str, said: str):
    shots = board(shot("s1", text=said), title=title)
    drawn = svg(arrange(RECORD, shots, [sitting(0.0, s1=3.0)], [render("s1", 0.0, 4.0)], [failed("s1")]))
    root = ElementTree.fromstring(drawn.encode())
    assert {one.tag.removeprefix(SVG) for one in root.iter()} <= {"svg", "rect", "line", "text", "title", "polyline"}
    assert not [name for one in root.iter() for name in one.attrib if name.startswith("on") or "href" in name]


def test_words_are_shown_as_they_were_said():
    drawn = svg(arrange(RECORD, board(shot("s1"), title="<b>&"), [sitting(0.0)], [], []))
    assert "&lt;b&gt;&amp;" in drawn
    assert "<b>" not in drawn
    told = svg(two_sittings())
    assert "the &lt;model&gt; fell over" in told


def test_bars_never_overlap_on_a_worker_of_a_film_that_was_really_made():
    studio = Studio(workers=2, backends={"storyworld-render": {"fault_rate": 0.5}})
    brief = studio.brief(
        "A red ball rolls. Then it spins. A blue box falls. Then it rises.", width=64, height=48, frames=8
    )
    film = studio.make(brief)
    line = studio.timeline(film.id)
    assert {(bar.shot, bar.attempt) for bar in line.bars if bar.worker} == {(t.shot, t.attempt) for t in film.takes}
    assert {bar.worker for bar in line.bars if bar.worker} <= {1, 2}
    for worker in (1, 2):
        mine = sorted((bar.begins, bar.ends) for bar in line.bars if bar.worker == worker)
        assert all(before[1] <= after[0] for before, after in pairwise(mine))
    assert {due.shot for due in line.sittings[0].due} == {shot.id for shot in film.storyboard.shots}
    root = ElementTree.fromstring(svg(line))
    right = float(root.get("width", "0"))
    assert all(
        float(one.get("x", "0")) + float(one.get("width", "0")) <= right + 0.1 for one in root.iter(f"{SVG}rect")
    )


def test_a_production_without_records_says_so(home: Path):
    studio = Studio()
    film = studio.make(studio.brief("A red ball rolls.", width=64, height=48, frames=8, takes=1))
    with sqlite3.connect(home / "ledger.sqlite") as database:  # what a ledger was before it kept them
        database.executescript("DROP TABLE sittings; DROP TABLE stints;")
    with pytest.raises(BadInput, match=f"production {film.id} has no timeline"):
        studio.timeline(film.id)
    assert studio.show(film.id) == film
    with pytest.raises(UnknownName, match="unknown production 'nobody'"):
        studio.timeline("nobody")


def test_a_ledger_from_before_gets_its_tables(tmp_path: Path):
    Ledger(tmp_path / "ledger.sqlite").close()
    with sqlite3.connect(tmp_path / "ledger.sqlite") as database:
        database.executescript("DROP TABLE sittings; DROP TABLE stints;")
    ledger = Ledger(tmp_path / "ledger.sqlite")
    assert ledger.stints("film") == ledger.sittings("film") == []


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "0.0 s"),
        (9.9, "9.9 s"),
        (59.6, "1 min"),
        (185, "3 min 5 s"),
        (7800, "2 h 10 min"),
        (100_000, "1 day 3 h"),
    ],
)
def test_times_are_said_as_one_says_them(seconds: float, words: str):
    assert spoken(seconds) == words
